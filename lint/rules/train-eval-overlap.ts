/**
 * @file PEFT1203: rows of the evaluation table are in the training table too.
 */
import { percent, whole } from '../figures.js';
import { placeOf } from '../places.js';
import { samePath } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1203',
  name: 'train-eval-overlap',
  level: 'warning',
  on: 'experiment',
  summary: 'rows of the evaluation table are in the training table too',
  why: 'An evaluation on rows that were trained on measures what was remembered, not what was learnt. Above half of the evaluation table it measures nothing else, so it is an error there.',
  bad: { text: experiment({}), data: { overlap: 30 } },
  good: { text: experiment({}) },
  check: (c) => {
    const { train, eval: evaluation } = c.resolved.spec.data;
    const rows = c.data?.eval?.rows ?? 0;
    const overlap = c.data?.overlap ?? 0;
    // One table twice is another rule's.
    if (evaluation === null || overlap === 0 || samePath(train.path, evaluation.path)) return [];
    return [
      {
        span: placeOf(c, 'data.eval'),
        message: `${whole(overlap)} of ${whole(rows)} rows of ${evaluation.path} (${percent(overlap / rows)}) are in ${train.path} too`,
        help: 'take those rows out of one of the two tables',
        ...(2 * overlap > rows ? { level: 'error' as const } : {}),
      },
    ];
  },
};
