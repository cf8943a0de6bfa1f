/**
 * @file PEFT1102: the learning rate is far outside of the band that a method's documentation names.
 */
import type { AdapterInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import { placeOf, rateBand } from '../places.js';
import { isAdaptive, rateOf, showRate } from '../rates.js';
import type { Finding, Rule } from '../rule.js';

/** Bands are rough: only what is farther away than this is told. */
const slack = 2;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1102',
  name: 'rate-outside-band',
  level: 'warning',
  on: 'experiment',
  summary: 'the learning rate is far outside of the band in which the method learns',
  why: "The learning rate matters more than the method: in PEFT's comparison on MetaMathQA prompt tuning, FourierFT and LN tuning score near zero at 1e-4, at which LoRA does well, and C3A wants 0.1. The band stands as `rate: 1e-4 to 5e-4` in the doc comment of an adapter, and is meant for optimisers of the Adam family; the rule speaks where the rate is more than twice as far out.",
  bad: { text: experiment({ tune: 'optimizer: adamw(lr: 2e-5)' }) },
  good: { text: experiment({ tune: 'optimizer: adamw(lr: 3e-4)' }) },
  check: (c) => {
    if (!isAdaptive(c)) return [];
    const rate = rateOf(c);
    const methods = new Map([...c.resolved.adapters.values()].map((a) => [a.definition, a] as const));
    return [...methods.values()].flatMap((adapter): Finding[] => {
      const band = rateBand(adapter.definition);
      const factors = factorsOf(adapter);
      if (band === undefined || factors.length === 0) return [];
      const { low, high } = band;
      const below = factors.every((f) => rate * f < low / slack);
      const above = factors.every((f) => rate * f > high * slack);
      if (!below && !above) return [];
      const { text } = adapter.definition.name;
      return [
        {
          span: placeOf(c, 'tune.optimizer.args.lr'),
          message: `the learning rate ${showRate(rate)} is ${below ? 'below' : 'above'} the ${showRate(low)} to ${showRate(high)} in which ${text} learns`,
          help: `write lr: ${showRate(below ? low : high)}, or measure both`,
        },
      ];
    });
  },
};

/** The factors on the rate of what an adapter trains. */
const factorsOf = (adapter: AdapterInstance): number[] =>
  adapter.storage.flatMap((s) => (s.storage === 'train' ? [s.rate] : [])).concat(adapter.own.map(() => 1));
