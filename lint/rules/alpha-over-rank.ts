/**
 * @file PEFT1021: the factor on the change is far from what the method expects.
 */
import type { AdapterInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { argumentPlace, isOn, numberOf, placed } from '../sites.js';

const most = 4;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1021',
  name: 'alpha-over-rank',
  level: 'warning',
  on: 'experiment',
  summary: 'alpha / rank is less than a quarter or more than four times what it is by default',
  why: 'The change is multiplied by alpha / rank. A small factor looks like a method that does not learn, a large one like a learning rate that is too high. The factor is easily forgotten when the rank changes, or confused with `scale` (microsoft/LoRA issue 101, lorax issue 299, mlx-examples issues 982 and 1186, PEFT pull request 1244).',
  bad: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 32)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 8)\ntrain head' }) },
  check: (c) =>
    placed(c).flatMap(({ adapters: [adapter] }): Finding[] => {
      const rank = numberOf(adapter, 'rank');
      const alpha = numberOf(adapter, 'alpha');
      if (rank === undefined || alpha === undefined || isOn(adapter, 'rslora')) return [];
      const usual = usualFactor(adapter);
      const factor = alpha / rank;
      if (factor >= usual / most && factor <= usual * most) return [];
      return [
        {
          span: argumentPlace(c, adapter, 'alpha', 'rank'),
          message: `the factor alpha / rank is ${Number(factor.toPrecision(3))}, where ${adapter.definition.name.text} has ${usual} by default`,
          help: `write an alpha between ${(usual / most) * rank} and ${usual * most * rank} for rank ${rank}`,
        },
      ];
    }),
};

/** alpha / rank as the definition has them. */
function usualFactor({ definition }: AdapterInstance): number {
  const standard = (name: string): number => {
    const value = definition.params.find((p) => p.name.text === name)?.default;
    return value?.kind === 'number' ? value.value : NaN;
  };
  const factor = standard('alpha') / standard('rank');
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}
