/**
 * @file PEFT1219: all batches are padded to one length, and much of them is padding.
 */
import { percent } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1219',
  name: 'buckets-one',
  level: 'info',
  on: 'experiment',
  summary: 'all batches are padded to one length, and much of them is padding',
  why: 'With one padded length every batch is as long as the longest row. A few more lengths cost a compilation each, and the padding of short rows goes.',
  bad: { text: experiment({ data: 'buckets: 1' }), data: { train: { tokens: 8000, padded: 16000 } } },
  good: { text: experiment({ data: 'buckets: 1' }), data: { train: { tokens: 8000, padded: 8800 } } },
  check: (c) => {
    if (c.data === undefined || c.resolved.spec.data.buckets !== 1) return [];
    const { tokens, padded } = c.data.train;
    const share = 1 - tokens / padded;
    return share <= 0.3
      ? []
      : [
          {
            span: placeOf(c, 'data.buckets'),
            message: `all batches have one length, and ${percent(share)} of them is padding`,
            help: 'leave buckets out, or write 3',
            ...(share > 0.5 ? { level: 'warning' as const } : {}),
          },
        ];
  },
};
