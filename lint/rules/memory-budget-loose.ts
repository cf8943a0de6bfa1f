/**
 * @file PEFT1402: the memory budget is more than a hundred times what is sure to be taken.
 */
import { showBytes } from '../../compiler/elaborate/value.js';
import { leastBytes } from '../memory.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1402',
  name: 'memory-budget-loose',
  level: 'info',
  on: 'experiment',
  summary: 'the memory budget is more than a hundred times what is sure to be taken',
  why: 'A budget is there to be told when a plan grows. One that is far above every plan never speaks.',
  bad: { text: experiment({ budget: 'gpu_memory: 8 GiB' }) },
  good: { text: experiment({ budget: 'gpu_memory: 200 KiB' }) },
  check: (c) => {
    const budget = c.resolved.spec.budget.gpu_memory;
    if (budget === null) return [];
    const least = leastBytes(c);
    return budget <= 100 * least
      ? []
      : [
          {
            span: placeOf(c, 'budget.gpu_memory'),
            message: `the budget is ${showBytes(budget)}, but weights, gradients and the state of the optimiser take ${showBytes(least)}`,
            help: 'write what the plan takes, rounded up',
          },
        ];
  },
};
