/**
 * @file PEFT1108: gradients are clipped always or never.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

const least = 0.01;
const most = 100;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1108',
  name: 'clip-extreme',
  level: 'warning',
  on: 'experiment',
  summary: 'the largest norm of the gradient is so small that every step is cut, or so large that none is',
  why: 'Recipes clip at 0.3 (QLoRA) to 1.0. Below 0.01 every gradient is cut to the same length, and with plain descent the run stands nearly still; above 100 the field does nothing that `none` would not say more clearly.',
  bad: { text: experiment({ tune: 'clip: 1000.0' }) },
  good: { text: experiment({ tune: 'clip: 0.3' }) },
  check: (c) => {
    const { clip } = c.resolved.spec.tune;
    if (clip === null || (clip >= least && clip <= most)) return [];
    return [
      {
        span: placeOf(c, 'tune.clip'),
        message: `gradients are cut to a norm of ${clip}, which is ${clip < least ? 'every one' : 'practically none'} of them`,
        help: clip < least ? 'write a norm such as 1.0' : 'write none to switch clipping off, or a norm such as 1.0',
      },
    ];
  },
};
