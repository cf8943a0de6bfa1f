/**
 * @file PEFT1413: auto is left to a budget that is not there.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1413',
  name: 'auto-without-budget',
  level: 'warning',
  on: 'experiment',
  summary: 'auto is left to a budget that is not there',
  why: '`auto` saves memory where a plan is above `budget.gpu_memory`. Without that budget no plan is, so `auto` is `none`.',
  bad: { text: experiment({ tune: 'checkpointing: auto' }) },
  good: { text: experiment({ tune: 'checkpointing: auto', budget: 'gpu_memory: 200 KiB' }) },
  check: (c) => {
    const { tune, budget } = c.resolved.spec;
    if (budget.gpu_memory !== null) return [];
    return (['checkpointing', 'paging'] as const).flatMap((field) =>
      tune[field] === 'auto'
        ? [
            {
              span: placeOf(c, `tune.${field}`),
              message: `${field}: auto never does anything without a budget`,
              help: 'write budget { gpu_memory: … }',
            },
          ]
        : [],
    );
  },
};
