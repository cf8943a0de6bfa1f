/**
 * @file PEFT1101: the warm-up is as long as the run.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1101',
  name: 'warmup-too-long',
  level: 'warning',
  on: 'experiment',
  summary: 'the warm-up is longer than half of the run',
  why: 'While a schedule warms up, the learning rate is below what was asked for. A warm-up of 100 steps in a run of 14 never reaches it, and the result looks like a method that does not learn (transformers issue 349).',
  bad: { text: experiment({ tune: 'schedule: linear(warmup: 100 steps)' }) },
  good: { text: experiment({ tune: 'schedule: linear(warmup: 10%)  epochs: 3' }) },
  check: (c) => {
    const warmup = c.resolved.spec.tune.schedule.args['warmup'];
    if (typeof warmup !== 'object' || warmup === null || !('unit' in warmup) || warmup['unit'] !== 'steps') return [];
    const steps = warmup['count'] as number;
    const { total } = c.steps;
    if (2 * steps <= total) return [];
    return [
      {
        span: placeOf(c, 'tune.schedule.args.warmup'),
        message: `the warm-up takes ${steps} of ${total} steps`,
        help: 'write a share of the run, such as 6%',
      },
    ];
  },
};
