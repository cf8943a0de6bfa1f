/**
 * @file PEFT1158: the run ends before `max_steps`.
 */
import { experiment } from '../example.js';
import { written } from '../places.js';
import { counted } from '../intervals.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1158',
  name: 'max-steps-beyond-epochs',
  level: 'warning',
  on: 'experiment',
  summary: 'the epochs are over before max_steps is reached',
  why: '`max_steps` ends a run early and never makes it longer. In the Trainer of transformers it replaces the number of epochs, so a configuration that is carried over trains less than it did there.',
  bad: { text: experiment({ tune: 'max_steps: 1000 steps' }) },
  good: { text: experiment({ tune: 'max_steps: 100 steps  epochs: 5' }) },
  check: (c) => {
    const { max_steps: most, epochs } = c.resolved.spec.tune;
    const span = written(c, 'tune.max_steps');
    const { ofEpochs, perEpoch } = c.steps;
    if (most === null || span === undefined || most <= ofEpochs) return [];
    return [
      {
        span,
        message: `${counted(epochs, 'epoch')} have ${ofEpochs} steps, so ${most} are never reached`,
        help: `write epochs: ${Math.ceil(most / perEpoch)}, or leave max_steps out`,
      },
    ];
  },
};
