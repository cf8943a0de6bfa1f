/**
 * @file PEFT1003: an adapter sits on a module that the checkpoint lacks.
 */
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { firstOf, isHead, isNew, nameOf, placed } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1003',
  name: 'frozen-fresh-adapted',
  level: 'warning',
  on: 'experiment',
  summary: 'an adapter sits on a module that the checkpoint lacks, so its random weights stay frozen',
  why: 'A part that is newly made, such as the head of a classifier or a pooler that the checkpoint does not have, must be trained itself. An adapter on it adds a small change to random numbers. In PEFT a broad target does so silently: `dense` also reaches the pooler of BERT, and a new head stays frozen under `all-linear` (PEFT issues 577, 1070, 2027 and 2390).',
  bad: { text: experiment({ targets: 'adapt linears except head with lora(rank: 2, alpha: 4)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt linears except head except pooler with lora(rank: 2, alpha: 4)\ntrain head + pooler' }) },
  check: (c) =>
    placed(c).flatMap(({ span, adapters }): Finding[] => {
      const fresh = adapters.filter((a) => isNew(c, a.site) && a.own.length < a.site.storage.length).map((a) => a.site);
      if (fresh.length === 0) return [];
      const names = [...new Set(fresh.map((m) => (isHead(m) ? 'head' : nameOf(m))))];
      return [
        {
          span,
          message: `${firstOf(fresh)} ${fresh.length === 1 ? 'is' : 'are'} not in the checkpoint, so this adapter changes random numbers that stay frozen`,
          help: `write ${names.map((n) => `except ${n}`).join(' ')} here, and train ${names.join(' + ')}`,
        },
      ];
    }),
};
