/**
 * @file PEFT1210: more than half of what the batches hold is padding.
 */
import { percent, whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1210',
  name: 'padding-share',
  level: 'warning',
  on: 'experiment',
  summary: 'more than half of what the batches hold is padding',
  why: 'Padding is computed as text is. Half of it is half of the time of every step; more padded lengths (`buckets`) let batches of short rows be short.',
  bad: { text: experiment({}), data: { train: { tokens: 8000, padded: 20000 } } },
  good: { text: experiment({}) },
  check: (c) => {
    if (c.data === undefined || c.resolved.spec.data.buckets === 1) return [];
    const { tokens, padded } = c.data.train;
    return padded <= 2 * tokens
      ? []
      : [
          {
            span: placeOf(c, 'data.buckets'),
            message: `${percent(1 - tokens / padded)} of the ${whole(padded)} tokens in the batches of an epoch are padding`,
            help: `write more than ${c.resolved.spec.data.buckets} buckets, or batches of fewer rows`,
          },
        ];
  },
};
