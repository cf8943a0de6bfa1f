/**
 * @file PEFT1153: gradients are added up over more batches than an epoch has.
 */
import { experiment } from '../example.js';
import { counted } from '../intervals.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1153',
  name: 'accumulate-above-batches',
  level: 'warning',
  on: 'experiment',
  summary: 'gradients are added up over more batches than an epoch has',
  why: 'An epoch ends with a step even where fewer batches have been added up, so the run takes one step in each epoch, over all rows. The batch that is meant is never reached; in other software such a run takes no step at all (transformers issue 349 is one of this class).',
  bad: { text: experiment({ tune: 'accumulate: 64' }) },
  good: { text: experiment({ tune: 'accumulate: 5' }) },
  check: (c) => {
    const { accumulate } = c.resolved.spec.tune;
    const { batches } = c.steps;
    if (accumulate === 1 || accumulate <= batches) return [];
    return [
      {
        span: placeOf(c, 'tune.accumulate'),
        message: `${accumulate} batches are to be added up, and an epoch has ${batches}`,
        help: `write accumulate: ${batches} or less; an epoch is ${counted(c.resolved.trainRows, 'row')}`,
      },
    ];
  },
};
