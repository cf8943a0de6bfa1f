/**
 * @file PEFT1011: a method trains tensors of the base in place.
 */
import { experiment } from '../example.js';
import { counted } from '../intervals.js';
import type { Finding, Rule } from '../rule.js';
import { placed } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1011',
  name: 'base-changed-in-place',
  level: 'info',
  on: 'experiment',
  summary: 'a method trains tensors of the base itself, so the base is not what is left without the adapter',
  why: 'Biases and norms that are trained in place belong to the base: switching the adapter off does not give the base back, and two such adapters cannot be loaded beside each other. The documentation of PEFT says so of `bias="all"` and `bias="lora_only"`.',
  bad: { text: experiment({ imports: 'import std.adapters.bitfit', targets: 'adapt attention with bitfit\ntrain head' }) },
  good: { text: experiment({}) },
  check: (c) =>
    placed(c).flatMap(({ span, adapters }): Finding[] => {
      const own = adapters.reduce((sum, a) => sum + a.own.length, 0);
      if (own === 0) return [];
      return [
        {
          span,
          message: `${adapters[0].definition.name.text} trains ${counted(own, 'tensor')} of the base in place, so the base is not what is left without it`,
          help: 'use a method with tensors of its own where several adapters shall share one base',
        },
      ];
    }),
};
