/**
 * @file PEFT1152: a batch is larger than the table.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1152',
  name: 'batch-above-rows',
  level: 'warning',
  on: 'experiment',
  summary: 'a batch has room for more rows than there are',
  why: 'Each step then sees the whole table, the order of rows means nothing, and memory is planned for rows that never come. Mostly `take:` was left at a trial value.',
  bad: { text: experiment({ tune: 'batch: 64' }), data: { train: { rows: 50 } } },
  good: { text: experiment({ tune: 'batch: 16' }), data: { train: { rows: 50 } } },
  check: (c) => {
    const { batch } = c.resolved.spec.tune;
    const { trainRows } = c.resolved;
    if (batch <= trainRows) return [];
    return [
      {
        span: placeOf(c, 'tune.batch'),
        message: `a batch has ${batch} rows and the table ${trainRows}`,
        help: `write batch: ${trainRows} or less, or take more rows`,
      },
    ];
  },
};
