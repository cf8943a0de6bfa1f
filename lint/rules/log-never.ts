/**
 * @file PEFT1157: losses are shown at the end of the run only.
 */
import { experiment } from '../example.js';
import { written } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1157',
  name: 'log-never',
  level: 'warning',
  on: 'experiment',
  summary: 'losses are read back more rarely than the run is long',
  why: 'Nothing is then seen of the loss before the run is over, so a loss that is not a number or does not fall is noticed only afterwards (unsloth issue 10452 tells of a loss curve that was looked at hours later).',
  bad: { text: experiment({ tune: 'log_every: 500 steps' }) },
  good: { text: experiment({ tune: 'log_every: 5 steps' }) },
  check: (c) => {
    const { log_every: every } = c.resolved.spec.tune;
    const span = written(c, 'tune.log_every');
    const { total } = c.steps;
    if (span === undefined || every <= total) return [];
    return [
      {
        span,
        message: `losses are shown every ${every} steps, and the run has ${total}`,
        help: `write log_every: ${Math.max(1, Math.floor(total / 10))} steps`,
      },
    ];
  },
};
