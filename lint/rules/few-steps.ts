/**
 * @file PEFT1151: the run has few optimiser steps.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { counted } from '../intervals.js';
import type { Rule } from '../rule.js';

const least = 20;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1151',
  name: 'few-steps',
  level: 'warning',
  on: 'experiment',
  summary: 'the run has fewer than 20 optimiser steps',
  why: 'Steps are rows / batch / accumulate · epochs, rounded up in each epoch, and it is easy to end with a handful of them: a run of 14 steps with a warm-up of 100 looks like a method that does not learn (cruijff_kit issue 329, finBERT issue 12). A run that `max_steps` cuts short is not meant.',
  bad: { text: experiment({}), data: { train: { rows: 40 } } },
  good: { text: experiment({ tune: 'batch: 2' }), data: { train: { rows: 40 } } },
  check: (c) => {
    const { total, ofEpochs } = c.steps;
    if (total >= least || total < ofEpochs) return [];
    const { batch, accumulate, epochs } = c.resolved.spec.tune;
    const each = accumulate === 1 ? `${batch}` : `${batch} x ${accumulate}`;
    return [
      {
        span: placeOf(c, 'tune.epochs'),
        message: `the run has ${counted(total, 'optimiser step')}: ${counted(c.resolved.trainRows, 'row')} by ${each}, ${counted(epochs, 'time')} over`,
        help: 'write more epochs or a smaller batch',
      },
    ];
  },
};
