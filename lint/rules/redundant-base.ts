/**
 * @file PEFT1512: a derived experiment repeats the base that it takes over.
 */
import { removal } from '../places.js';
import { experimentsOf, flatten } from '../../compiler/spec/statements.js';
import { even } from '../written-values.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1512',
  name: 'redundant-base',
  level: 'info',
  on: 'experiment',
  summary: 'a derived experiment repeats the base that it takes over',
  why: 'The base is what experiments of one family share. Written twice it can differ by accident the next time one of them is changed, and then they are no longer comparable.',
  bad: {
    text: experiment({
      after: 'experiment second = review {\n  base bert from "models/bert" for classify(labels: 2)\n  tune { epochs: 3 }\n}',
    }),
  },
  good: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 3 }\n}' }) },
  check: (c) => {
    const { from } = c.experiment;
    const parent = from && experimentsOf(c.file).find((x) => x.name.text === from.text);
    const base = parent && flatten(c.file, parent, [])?.base;
    const own = c.experiment.statements.find((s) => s.kind === 'base');
    if (base === undefined || own === undefined) return [];
    const written = (span: { readonly start: number; readonly end: number }): string => even(c.text.slice(span.start, span.end));
    return written(base.span) !== written(own.span)
      ? []
      : [
          {
            span: own.span,
            message: `${parent?.name.text ?? ''} has this base already`,
            notes: [{ message: 'it is taken over from here', span: base.span }],
            fix: removal(c.text, own.span, 'take the base out'),
          },
        ];
  },
};
