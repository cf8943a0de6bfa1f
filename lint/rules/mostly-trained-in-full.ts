/**
 * @file PEFT1009: most of the base is trained in full beside adapters.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';
import { elements } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1009',
  name: 'mostly-trained-in-full',
  level: 'warning',
  on: 'experiment',
  summary: 'more than half of the parameters are trained in full beside adapters',
  why: 'Adapters are there so that gradients and the state of the optimiser are small, and so that the base can be shared. Where most of the base is trained in full anyway neither holds, and the adapters only slow the run down. Targets and `modules_to_save` of PEFT that overlap are reported in PEFT issues 577 and 1689.',
  bad: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 4)\ntrain all except attention' }) },
  good: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 4)\ntrain head + norms' }) },
  check: (c) => {
    const { adapters, trained, matches } = c.resolved;
    if (adapters.size === 0) return [];
    const all = c.layout().baseElements;
    const full = [...trained].flatMap((m) => m.storage).reduce((sum, s) => sum + elements(s.shape), 0);
    if (2 * full <= all) return [];
    const largest = matches
      .filter((m) => m.text === 'train')
      .toSorted((a, b) => b.modules.length - a.modules.length)
      .at(0);
    return [
      {
        span: largest?.span ?? c.experiment.name.span,
        message: `${full} of ${all} parameters are trained in full beside adapters`,
        help: 'train less in full, or write train all without adapters',
      },
    ];
  },
};
