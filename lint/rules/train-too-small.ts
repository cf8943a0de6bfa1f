/**
 * @file PEFT1213: there are fewer than 50 rows to train on.
 */
import { numberOf } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1213',
  name: 'train-too-small',
  level: 'warning',
  on: 'experiment',
  summary: 'there are fewer than 50 rows to train on',
  why: 'So few rows are learnt by heart within an epoch or two, and the result depends more on the seed than on the method.',
  bad: { text: experiment({}), data: { train: { rows: 20 } } },
  good: { text: experiment({}) },
  check: (c) =>
    c.resolved.trainRows >= 50
      ? []
      : [
          {
            span: placeOf(c, 'data.train'),
            message: `there ${c.resolved.trainRows === 1 ? 'is' : 'are'} only ${numberOf(c.resolved.trainRows, 'row')} to train on`,
            help: 'take 50 rows or more, and compare several seeds',
          },
        ],
};
