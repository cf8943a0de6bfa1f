/**
 * @file PEFT1164: weights of the base are trained in full from the first step at the whole rate.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { isAdaptive, scheduleFactors } from '../rates.js';
import type { Rule } from '../rule.js';
import { trainedBody } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1164',
  name: 'no-warmup',
  level: 'info',
  on: 'experiment',
  summary: 'weights of the base are trained in full without a warm-up',
  why: "Adam's first steps are made of very few gradients and are all of full size, whatever the gradient. Pretrained weights are moved by them away from where they were good; an adapter, which begins at no change, takes less harm. Recipes for full fine-tuning warm up over 3 to 10 % of the run.",
  bad: { text: experiment({ targets: 'train all', tune: 'optimizer: adamw(lr: 5e-5)' }) },
  good: { text: experiment({ targets: 'train all', tune: 'optimizer: adamw(lr: 5e-5)  schedule: linear(warmup: 6%)' }) },
  check: (c) => {
    const modules = trainedBody(c).length;
    const factors = scheduleFactors(c);
    const first = factors[0];
    if (modules === 0 || !isAdaptive(c) || first === undefined || first <= 0 || first < Math.max(...factors)) return [];
    return [
      {
        span: placeOf(c, 'tune.schedule'),
        message: `${modules === 1 ? '1 module is' : `${modules} modules are`} trained in full at the whole rate from the first step`,
        help: 'write a warm-up, such as warmup: 6%',
      },
    ];
  },
};
