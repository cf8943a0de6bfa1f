/**
 * @file PEFT1107: the weight decay is large.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { optimizerNumber } from '../rates.js';
import type { Rule } from '../rule.js';

const most = 0.3;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1107',
  name: 'weight-decay-large',
  level: 'warning',
  on: 'experiment',
  summary: 'the weight decay is above 0.3',
  why: 'Recipes use 0 to 0.1. Decay pulls what is trained towards 0: for an adapter that is towards the unchanged base, for a weight that is trained in full towards nothing at all.',
  bad: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-4, weight_decay: 1.0)' }) },
  good: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-4, weight_decay: 0.1)' }) },
  check: (c) => {
    const decay = optimizerNumber(c, 'weight_decay');
    if (decay === undefined || decay <= most) return [];
    return [{ span: placeOf(c, 'tune.optimizer.args.weight_decay'), message: `the weight decay is ${decay}`, help: 'write 0.1 or less' }];
  },
};
