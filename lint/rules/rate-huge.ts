/**
 * @file PEFT1106: the learning rate is above 0.1.
 */
import { experiment } from '../example.js';
import { placeOf, rateBand } from '../places.js';
import { rateOf, showRate } from '../rates.js';
import type { Rule } from '../rule.js';

const most = 0.1;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1106',
  name: 'rate-huge',
  level: 'warning',
  on: 'experiment',
  summary: 'the learning rate is above 0.1',
  why: 'With Adam each number moves by about the learning rate in every step, and weights are of the order of 0.01 to 0.1. Rates above 0.1 are mostly a lost exponent (numbers that YAML reads as something else: LlamaFactory issue 4014, TRL issue 1450). A method whose documentation names such a band is left in peace.',
  bad: { text: experiment({ tune: 'optimizer: adamw(lr: 2.0)' }) },
  good: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-4)' }) },
  check: (c) => {
    const rate = rateOf(c);
    const highest = Math.max(most, ...[...c.resolved.adapters.values()].map((a) => rateBand(a.definition)?.high ?? 0));
    if (rate <= highest) return [];
    return [
      {
        span: placeOf(c, 'tune.optimizer.args.lr'),
        message: `each step moves by ${showRate(rate)} times the direction of the optimiser`,
        help: 'write a rate such as 2e-4',
      },
    ];
  },
};
