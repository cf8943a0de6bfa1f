/**
 * @file PEFT1221: there are more than twice as many rows to evaluate on as to train on.
 */
import { whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1221',
  name: 'eval-larger-than-train',
  level: 'info',
  on: 'experiment',
  summary: 'there are more than twice as many rows to evaluate on as to train on',
  why: 'Every evaluation goes through all rows of its table. Where that is more than an epoch trains on, most of the run is spent on measuring.',
  bad: { text: experiment({}), data: { train: { rows: 120 } } },
  good: { text: experiment({}) },
  check: (c) => {
    const { trainRows, evalRows } = c.resolved;
    return evalRows <= 2 * trainRows
      ? []
      : [
          {
            span: placeOf(c, 'data.eval'),
            message: `${whole(evalRows)} rows are evaluated, but only ${whole(trainRows)} are trained on`,
            help: 'write take: in eval, or train on more rows',
          },
        ];
  },
};
