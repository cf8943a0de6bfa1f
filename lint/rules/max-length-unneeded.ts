/**
 * @file PEFT1202: max_length is more than twice the longest row.
 */
import { written } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1202',
  name: 'max-length-unneeded',
  level: 'info',
  on: 'experiment',
  summary: 'max_length is more than twice the longest row',
  why: 'A plan has room for rows of `max_length` until the tables are read, and a budget is compared with that. A length that no row has says nothing about the data and makes plans look dearer than they are.',
  bad: { text: experiment({ data: 'max_length: 9 tokens' }), data: { train: { longest: 4 }, eval: { longest: 3 } } },
  good: { text: experiment({ data: 'max_length: 9 tokens' }), data: { train: { longest: 4 }, eval: { longest: 7 } } },
  check: (c) => {
    const span = written(c, 'data.max_length');
    const { data } = c;
    if (span === undefined || data === undefined) return [];
    const { max_length: most, eval: evaluation } = c.resolved.spec.data;
    const longest = Math.max(data.train.longest, evaluation === null ? 0 : (data.eval?.longest ?? 0));
    return most <= 2 * longest
      ? []
      : [
          {
            span,
            message: `max_length is ${most} tokens, but the longest row has ${longest}`,
            help: `write max_length: ${Math.max(1, longest)} tokens`,
          },
        ];
  },
};
