/**
 * @file PEFT1204: what is trained on is what is evaluated on.
 */
import { placeOf } from '../places.js';
import { samePath } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1204',
  name: 'same-table',
  level: 'warning',
  on: 'experiment',
  summary: 'what is trained on is what is evaluated on',
  why: '`take` takes the first rows of a table, so two sources with one path always have rows in common: the evaluation measures what was remembered.',
  bad: { text: experiment({ data: 'train: tsv("train.tsv")  eval: tsv("train.tsv", take: 100)  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) => {
    const { train, eval: evaluation } = c.resolved.spec.data;
    return evaluation === null || !samePath(train.path, evaluation.path)
      ? []
      : [
          {
            span: placeOf(c, 'data.eval'),
            message: `${evaluation.path} is trained on and evaluated on`,
            notes: [{ message: 'it is trained on here', span: placeOf(c, 'data.train') }],
            help: 'evaluate on rows that are not trained on',
          },
        ];
  },
};
