/**
 * @file PEFT1513: a derived experiment changes nothing.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1513',
  name: 'derived-empty',
  level: 'warning',
  on: 'experiment',
  summary: 'a derived experiment changes nothing',
  why: 'It gives the numbers of the experiment that it derives from, to the last bit.',
  bad: { text: experiment({ after: 'experiment second = review {}' }) },
  good: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 3 }\n}' }) },
  check: ({ experiment: x }) =>
    x.from === undefined || x.statements.length > 0
      ? []
      : [
          {
            span: x.name.span,
            message: `${x.name.text} is ${x.from.text} under another name`,
            help: 'write what it changes, or take it out',
          },
        ],
};
