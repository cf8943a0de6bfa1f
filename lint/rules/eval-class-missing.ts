/**
 * @file PEFT1220: a class that is learnt is never evaluated.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1220',
  name: 'eval-class-missing',
  level: 'info',
  on: 'experiment',
  summary: 'a class that is learnt is never evaluated',
  why: 'A class without rows in the evaluation table has no part in accuracy, and 0 in a mean over classes. Mostly `take` takes the first rows of a table that is sorted by class.',
  bad: { text: experiment({}), data: { eval: { classes: [400, 0] } } },
  good: { text: experiment({}) },
  check: (c) => {
    const [train, evaluated] = [c.data?.train.classes, c.data?.eval?.classes];
    const source = c.resolved.spec.data.eval;
    if (train === undefined || evaluated === undefined || source === null) return [];
    const missing = train.flatMap((n, i) => (n > 0 && (evaluated[i] ?? 0) === 0 ? [i] : []));
    return missing.length === 0
      ? []
      : [
          {
            span: placeOf(c, 'data.eval'),
            message: `${missing.length === 1 ? 'class' : 'classes'} ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ' and others' : ''} ${missing.length === 1 ? 'has' : 'have'} rows to learn from, but none in ${source.path}`,
            help: 'evaluate on rows of every class',
          },
        ];
  },
};
