/**
 * @file PEFT1023: two statements of one method have different ranks and the same alpha.
 */
import type { AdapterInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { argumentPlace, isOn, numberOf, placed } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1023',
  name: 'rank-changed-alpha-kept',
  level: 'warning',
  on: 'experiment',
  summary: 'two statements of one method have different ranks and the same alpha, so their changes are scaled differently',
  why: 'The factor alpha / rank follows the rank, so a smaller rank on some layers gives those a larger factor, and in effect a higher learning rate. In PEFT `rank_pattern` without `alpha_pattern` does this (PEFT pull request 1244, microsoft/LoRA issue 101).',
  bad: {
    text: experiment({ targets: 'adapt attention with lora(rank: 4, alpha: 8)\nadapt mlp with lora(rank: 2, alpha: 8)\ntrain head' }),
  },
  good: {
    text: experiment({ targets: 'adapt attention with lora(rank: 4, alpha: 8)\nadapt mlp with lora(rank: 2, alpha: 4)\ntrain head' }),
  },
  check: (c) => {
    const groups = placed(c).toSorted((a, b) => a.span.start - b.span.start);
    return groups.flatMap(({ adapters: [adapter] }, i): Finding[] => {
      const first = groups.slice(0, i).find((g) => g.adapters[0].definition === adapter.definition)?.adapters[0];
      const [one, other] = [first && scaling(first), scaling(adapter)];
      if (first === undefined || one === undefined || other === undefined) return [];
      if (one.alpha !== other.alpha || one.rank === other.rank) return [];
      return [
        {
          span: argumentPlace(c, adapter, 'rank', 'alpha'),
          message: `rank ${other.rank} and alpha ${other.alpha} give the factor ${short(other)}, where rank ${one.rank} has ${short(one)}`,
          notes: [{ message: 'the other rank is here', span: argumentPlace(c, first, 'rank', 'alpha') }],
          help: `write alpha: ${Number(((one.alpha / one.rank) * other.rank).toPrecision(4))} for the same factor`,
        },
      ];
    });
  },
};

interface Scaling {
  readonly rank: number;
  readonly alpha: number;
}

const short = ({ rank, alpha }: Scaling): number => Number((alpha / rank).toPrecision(3));

/** Rank and alpha of a method that divides the one by the other. */
function scaling(adapter: AdapterInstance): Scaling | undefined {
  const rank = numberOf(adapter, 'rank');
  const alpha = numberOf(adapter, 'alpha');
  return rank === undefined || alpha === undefined || isOn(adapter, 'rslora') ? undefined : { rank, alpha };
}
