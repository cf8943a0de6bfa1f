/**
 * @file PEFT1163: nothing is measured.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1163',
  name: 'no-evaluation',
  level: 'info',
  on: 'experiment',
  summary: 'there are no rows to evaluate on',
  why: 'The loss of training falls on anything that can be learnt by heart. Without rows that the run does not train on, nothing says whether the result is better than the base.',
  bad: { text: experiment({ data: 'train: tsv("train.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) => {
    if (c.resolved.spec.data.eval !== null) return [];
    return [
      {
        span: c.statements.sections.get('data')?.section.name.span ?? c.experiment.name.span,
        message: 'the result of this run is never measured',
        help: 'write eval: with rows that are not trained on',
      },
    ];
  },
};
