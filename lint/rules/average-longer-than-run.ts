/**
 * @file PEFT1109: the optimiser averages over more steps than the run has.
 */
import { experiment } from '../example.js';
import { written } from '../places.js';
import { optimizerNumber } from '../rates.js';
import type { Rule } from '../rule.js';

const times = 10;
const field = 'beta2';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1109',
  name: 'average-longer-than-run',
  level: 'info',
  on: 'experiment',
  summary: 'the optimiser averages squared gradients over far more steps than the run has',
  why: 'Adam remembers the squares of gradients for about 1 / (1 − beta2) steps. Over a run that is ten times shorter the average never settles, and the first steps, which are the least typical, count as much as the last.',
  bad: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-4, beta2: 0.9999)' }) },
  good: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-4, beta2: 0.99)' }) },
  check: (c) => {
    const beta = optimizerNumber(c, field);
    const span = written(c, `tune.optimizer.args.${field}`);
    if (beta === undefined || span === undefined || beta >= 1) return [];
    const memory = Math.round(1 / (1 - beta));
    const { total } = c.steps;
    if (memory <= times * total) return [];
    return [
      {
        span,
        message: `squared gradients are averaged over about ${memory} steps, and the run has ${total}`,
        help: 'write 0.999 or less for a short run',
      },
    ];
  },
};
