/**
 * @file PEFT1002: adapters reach few of the linear layers.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';
import { adapterPlace, bodyLinears, isHead, isKind, trainedBody } from '../sites.js';

const share = 0.1;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1002',
  name: 'low-coverage',
  level: 'warning',
  on: 'experiment',
  summary: 'adapters reach less than a tenth of the linear layers and nothing else of the base is trained',
  why: 'An adapter on a few layers can change little of what a base computes: where default targets reached 7 % of the layers of Nemotron-H, the loss of DPO stayed at ln 2 (PEFT issue 3554), and mlx-examples issue 1067 tells of a run over another number of layers than its user meant.',
  bad: { text: experiment({ targets: 'adapt layers[0].attention.query with lora(rank: 2, alpha: 4)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention.{query, value} with lora(rank: 2, alpha: 4)\ntrain head' }) },
  check: (c) => {
    const adapters = [...c.resolved.adapters.values()];
    const first = adapters[0];
    // What sits elsewhere (on norms, before the text) is not measured in linear layers.
    if (first === undefined || adapters.some((a) => !isKind(a.site, 'linear')) || trainedBody(c).length > 0) return [];
    const all = bodyLinears(c).length;
    const reached = adapters.filter((a) => !isHead(a.site)).length;
    if (reached >= share * all) return [];
    return [
      {
        span: adapterPlace(c, first),
        message: `adapters reach ${reached} of the ${all} linear layers, and nothing else of the base is trained`,
        help: 'adapt a role of every layer, such as attention, or linears except head',
      },
    ];
  },
};
