/**
 * @file PEFT1205: more than 5% of the rows of a table are equal to an earlier one.
 */
import { percent, whole } from '../figures.js';
import { readTables } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1205',
  name: 'duplicate-rows',
  level: 'warning',
  on: 'experiment',
  summary: 'more than 5% of the rows of a table are equal to an earlier one',
  why: 'A row that stands in a table n times has n times the weight of the others, in training and in every metric. Duplicates are mostly an accident of how a table was put together.',
  bad: { text: experiment({}), data: { train: { duplicates: 48 } } },
  good: { text: experiment({}), data: { train: { duplicates: 8 } } },
  check: (c) =>
    readTables(c).flatMap(({ span, source, facts: { rows, duplicates } }) =>
      20 * duplicates <= rows
        ? []
        : [
            {
              span,
              message: `${whole(duplicates)} of ${whole(rows)} rows of ${source.path} (${percent(duplicates / rows)}) are equal to an earlier one`,
              help: 'leave every row in the table once',
            },
          ],
    ),
};
