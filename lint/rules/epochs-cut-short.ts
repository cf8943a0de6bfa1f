/**
 * @file PEFT1159: `max_steps` ends the run within the first of several epochs.
 */
import { experiment } from '../example.js';
import { written } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1159',
  name: 'epochs-cut-short',
  level: 'warning',
  on: 'experiment',
  summary: 'several epochs are asked for, and max_steps ends the run within the first',
  why: 'The two say different things, and one of them is a leftover: mostly of a trial with a few steps. Part of the rows is then never seen.',
  bad: { text: experiment({ tune: 'epochs: 3  max_steps: 20 steps' }) },
  good: { text: experiment({ tune: 'epochs: 3  max_steps: 60 steps' }) },
  check: (c) => {
    const { max_steps: most, epochs } = c.resolved.spec.tune;
    const { perEpoch } = c.steps;
    const span = written(c, 'tune.max_steps');
    if (most === null || span === undefined || epochs < 2 || written(c, 'tune.epochs') === undefined || most >= perEpoch) return [];
    return [
      {
        span,
        message: `the run ends after ${most} of the ${perEpoch} steps of the first of ${epochs} epochs`,
        help: 'leave out max_steps or epochs',
      },
    ];
  },
};
