/**
 * @file PEFT1154: evaluations are farther apart than the run is long.
 */
import { experiment } from '../example.js';
import { counted, inSteps } from '../intervals.js';
import { written } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1154',
  name: 'eval-never',
  level: 'warning',
  on: 'experiment',
  summary: 'evaluations are farther apart than the run is long',
  why: 'Nothing is measured during such a run, only at its end, so overfitting is not seen and `best` has nothing to choose from (transformers issues 12685 and 28539, LlamaFactory issue 8133 are about intervals that do not fit the run).',
  bad: { text: experiment({ tune: 'eval_every: 500 steps' }) },
  good: { text: experiment({ tune: 'eval_every: 10 steps' }) },
  check: (c) => {
    const { eval_every: every } = c.resolved.spec.tune;
    const span = written(c, 'tune.eval_every');
    const { total } = c.steps;
    if (every === null || span === undefined || c.resolved.spec.data.eval === null || inSteps(c, every) <= total) return [];
    return [
      {
        span,
        message: `an evaluation every ${counted(inSteps(c, every), 'step')} never happens in a run of ${total}`,
        help: `write eval_every: ${Math.max(1, Math.floor(total / 5))} steps, or none to measure at the end only`,
      },
    ];
  },
};
