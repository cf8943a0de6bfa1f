/**
 * @file PEFT1024: an adapter trains more numbers than the weight has that it changes.
 */
import type { AdapterInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { argumentPlace, elements, numberOf, placed } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1024',
  name: 'adapter-larger-than-weight',
  level: 'warning',
  on: 'experiment',
  summary: 'an adapter trains more numbers than the weight has that it changes',
  why: 'Such an adapter costs more memory and time than training the weight itself, and can express no more. It happens with a rank that was chosen for larger layers, and with heads and key projections that are narrow: rank · (in + out) exceeds in · out.',
  bad: { text: experiment({ targets: 'adapt attention with lora(rank: 6, alpha: 6)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention with lora(rank: 3, alpha: 6)\ntrain head' }) },
  check: (c) =>
    placed(c).flatMap(({ adapters }): Finding[] => {
      const large = adapters.filter((a) => trained(a) > weight(a) && weight(a) > 0);
      const first = large[0];
      if (first === undefined) return [];
      const rank = numberOf(first, 'rank');
      const fitting = rank === undefined ? 0 : Math.floor((rank * weight(first)) / trained(first));
      const others = large.length === 1 ? '' : `, and so on ${large.length - 1} more`;
      return [
        {
          span: argumentPlace(c, first, 'rank'),
          message: `${trained(first)} numbers are trained to change the ${weight(first)} of ${first.site.path}${others}`,
          help: fitting >= 1 ? `write rank: ${fitting} or less, or train these modules in full` : 'train these modules in full',
        },
      ];
    }),
};

const trained = (adapter: AdapterInstance): number =>
  adapter.storage.reduce((sum, s) => (s.storage === 'train' && !s.shared ? sum + elements(s.shape) : sum), 0);

const weight = ({ site }: AdapterInstance): number => Math.max(0, ...site.storage.map((s) => elements(s.shape)));
