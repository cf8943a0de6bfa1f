/**
 * @file PEFT1308: adapters stand on weights that are drawn at random and frozen.
 */
import { numberOf } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1308',
  name: 'scratch-with-adapters',
  level: 'warning',
  on: 'experiment',
  summary: 'adapters stand on weights that are drawn at random and frozen',
  why: 'A method with few parameters changes what a base has learnt. `scratch` draws all weights, and those that carry adapters stay as they were drawn: the adapters learn to make the best of noise.',
  bad: { text: experiment({ base: 'base bert from scratch("models/bert") for classify(labels: 2)' }) },
  good: { text: experiment({ base: 'base bert from scratch("models/bert") for classify(labels: 2)', imports: '', targets: 'train all' }) },
  check: (c) => {
    const sites = c.resolved.adapters.size;
    return c.resolved.spec.base.source.kind !== 'scratch' || sites === 0
      ? []
      : [
          {
            span: placeOf(c, 'base.source'),
            message: `${numberOf(sites, 'module')} with ${sites === 1 ? 'an adapter keeps a weight' : 'adapters keep weights'} drawn at random`,
            help: 'name a base that has weights, or write train all',
          },
        ];
  },
};
