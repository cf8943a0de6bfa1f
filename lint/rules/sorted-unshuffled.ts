/**
 * @file PEFT1209: rows are sorted by class and are not shuffled.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1209',
  name: 'sorted-unshuffled',
  level: 'warning',
  on: 'experiment',
  summary: 'rows are sorted by class and are not shuffled',
  why: 'Each batch then holds one class: the model learns to answer that class, then the next one, and ends an epoch answering the last.',
  bad: { text: experiment({ tune: 'shuffle: false' }), data: { train: { sorted: true } } },
  good: { text: experiment({}), data: { train: { sorted: true } } },
  check: (c) =>
    c.resolved.spec.tune.shuffle || c.data?.train.sorted !== true
      ? []
      : [
          {
            span: placeOf(c, 'tune.shuffle'),
            message: `the rows of ${c.resolved.spec.data.train.path} stand class by class, and they are not shuffled`,
            help: 'leave shuffle: false out, or mix the rows of the table',
          },
        ],
};
