/**
 * @file PEFT1025: more than half of the numbers are dropped.
 */
import { experiment } from '../example.js';
import { written } from '../places.js';
import type { Finding, Rule } from '../rule.js';
import { argumentPlace, placed } from '../sites.js';

const most = 0.5;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1025',
  name: 'high-dropout',
  level: 'warning',
  on: 'experiment',
  summary: 'more than half of the inputs are dropped',
  why: 'Recipes drop between nothing and a tenth: 5 to 10 % in the papers of LoRA, QLoRA and DoRA. More than half is mostly a rate of what is kept, or a number meant as a percentage.',
  bad: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 4, dropout: 90%)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention with lora(rank: 2, alpha: 4, dropout: 10%)\ntrain head' }) },
  check: (c) => {
    const finding = (span: Finding['span'], name: string, share: number): Finding => ({
      span,
      message: `${name} drops ${percent(share)} of the numbers and keeps ${percent(1 - share)}`,
      help: `write ${percent(1 - share)} if that is what should be dropped`,
    });
    const ofAdapters = placed(c).flatMap(({ adapters: [adapter] }): Finding[] =>
      [...adapter.params].flatMap(([name, value]) =>
        value.kind === 'number' && value.unit === 'ratio' && isDropout(name) && value.value > most
          ? [finding(argumentPlace(c, adapter, name), name, value.value)]
          : [],
      ),
    );
    const ofBase = Object.entries(c.resolved.spec.base.overrides).flatMap(([name, value]): Finding[] => {
      const span = written(c, `base.overrides.${name}`);
      return span !== undefined && isDropout(name) && typeof value === 'number' && value > most ? [finding(span, name, value)] : [];
    });
    return [...ofAdapters, ...ofBase];
  },
};

const isDropout = (name: string): boolean => /drop/.test(name);

const percent = (share: number): string => `${Number((share * 100).toPrecision(4))}%`;
