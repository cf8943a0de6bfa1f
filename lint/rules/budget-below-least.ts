/**
 * @file PEFT1401: the budget is less than the weights and the optimiser take.
 */
import { showBytes } from '../../compiler/elaborate/value.js';
import { leastBytes } from '../memory.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1401',
  name: 'budget-below-least',
  level: 'error',
  on: 'experiment',
  summary: 'the budget is less than the weights and the optimiser take',
  why: 'Weights, what is trained, its gradient and the state of the optimiser are there whatever the batch is. A budget below their sum can never be kept, and that can be said before anything is planned: running out of memory late is the most costly fault there is (LlamaFactory issues 3908 and 5419, axolotl issue 848).',
  bad: { text: experiment({ budget: 'gpu_memory: 1 kB' }) },
  good: { text: experiment({ budget: 'gpu_memory: 1 MiB' }) },
  check: (c) => {
    const budget = c.resolved.spec.budget.gpu_memory;
    if (budget === null) return [];
    const least = leastBytes(c);
    return least <= budget
      ? []
      : [
          {
            span: placeOf(c, 'budget.gpu_memory'),
            message: `weights, gradients and the state of the optimiser alone take ${showBytes(least)}, but the budget is ${showBytes(budget)}`,
            help: 'quantise the base, train less, or raise the budget',
          },
        ];
  },
};
