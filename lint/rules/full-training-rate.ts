/**
 * @file PEFT1103: weights of the base are trained in full at a high rate.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { isAdaptive, rateOf, showRate } from '../rates.js';
import type { Rule } from '../rule.js';
import { firstOf, trainedBody } from '../sites.js';

const most = 1e-3;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1103',
  name: 'full-training-rate',
  level: 'warning',
  on: 'experiment',
  summary: 'weights of the base are trained in full at a rate that suits adapters',
  why: 'Pretrained weights are usually trained at 1e-5 to 1e-4. A rate for adapters that is ten times as high destroys what the base has learnt within a few steps, and the loss then stays where it is.',
  bad: { text: experiment({ targets: 'train all', tune: 'optimizer: adamw(lr: 2e-3)' }) },
  good: { text: experiment({ targets: 'train all', tune: 'optimizer: adamw(lr: 5e-5)' }) },
  check: (c) => {
    const rate = rateOf(c);
    const full = trainedBody(c);
    if (!isAdaptive(c) || rate <= most || full.length === 0) return [];
    return [
      {
        span: placeOf(c, 'tune.optimizer.args.lr'),
        message: `${firstOf(full)} ${full.length === 1 ? 'is' : 'are'} trained in full at a rate of ${showRate(rate)}`,
        help: 'write a rate of 1e-5 to 1e-4, or put adapters on these modules',
      },
    ];
  },
};
