/**
 * @file PEFT1155: checkpoints are farther apart than the run is long.
 */
import { experiment } from '../example.js';
import { counted, inSteps } from '../intervals.js';
import { written } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1155',
  name: 'save-never',
  level: 'warning',
  on: 'experiment',
  summary: 'checkpoints are farther apart than the run is long',
  why: 'A run that breaks off can be resumed from its last checkpoint; this one has none. Failures late in a run are common: LlamaFactory issue 3908 tells of memory that ran out after five hours.',
  bad: { text: experiment({ tune: 'save_every: 500 steps' }) },
  good: { text: experiment({ tune: 'save_every: 10 steps' }) },
  check: (c) => {
    const { save_every: every } = c.resolved.spec.tune;
    const span = written(c, 'tune.save_every');
    const { total } = c.steps;
    if (every === null || span === undefined || inSteps(c, every) <= total) return [];
    return [
      {
        span,
        message: `a checkpoint every ${counted(inSteps(c, every), 'step')} is never written in a run of ${total}`,
        help: `write save_every: ${Math.max(1, Math.floor(total / 5))} steps, or none if the run need not be resumed`,
      },
    ];
  },
};
