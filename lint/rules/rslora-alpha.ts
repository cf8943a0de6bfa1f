/**
 * @file PEFT1022: alpha is chosen for division by the rank, but divided by its root.
 */
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { argumentPlace, isOn, numberOf, placed } from '../sites.js';

const most = 8;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1022',
  name: 'rslora-alpha',
  level: 'warning',
  on: 'experiment',
  summary: 'alpha is divided by the root of the rank, and was chosen for the rank itself',
  why: 'Rank-stabilised LoRA multiplies the change by alpha / √rank. An alpha that gave a factor of 2 with rank 64 gives 16 there (PEFT pull request 1244, which added it).',
  bad: { text: experiment({ targets: 'adapt attention with lora(rank: 4, alpha: 32, rslora: true)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention with lora(rank: 4, alpha: 8, rslora: true)\ntrain head' }) },
  check: (c) =>
    placed(c).flatMap(({ adapters: [adapter] }): Finding[] => {
      const rank = numberOf(adapter, 'rank');
      const alpha = numberOf(adapter, 'alpha');
      if (rank === undefined || alpha === undefined || !isOn(adapter, 'rslora')) return [];
      const factor = alpha / Math.sqrt(rank);
      if (factor <= most) return [];
      return [
        {
          span: argumentPlace(c, adapter, 'alpha', 'rslora'),
          message: `the factor alpha / sqrt(rank) is ${Number(factor.toPrecision(3))}`,
          help: `write alpha: ${Number(factor.toPrecision(3))} for the factor ${Number((alpha / rank).toPrecision(3))} that it is without rslora`,
        },
      ];
    }),
};
