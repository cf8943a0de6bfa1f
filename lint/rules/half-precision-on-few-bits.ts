/**
 * @file PEFT1409: activations stand in 16-bit floats over weights of about 4 bits.
 */
import { bitsOf } from '../memory.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1409',
  name: 'half-precision-on-few-bits',
  level: 'info',
  on: 'experiment',
  summary: 'activations stand in 16-bit floats over weights of about 4 bits',
  why: '16-bit floats end at 65,504. Activations over weights of 4 bits have overflowed in training elsewhere (TRL issue 618; the QLoRA README warns of it). Here sums are f32 and the loss has a factor that follows overflows, so a run goes on, but steps may be left out: `metrics.jsonl` counts them.',
  bad: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize linears except head as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
      tune: 'precision: f16',
    }),
  },
  good: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize linears except head as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) => {
    if (c.resolved.spec.tune.precision !== 'f16') return [];
    const few = [...c.resolved.formats.values()].filter((f) => bitsOf(f) < 6);
    const [first] = few;
    return first === undefined
      ? []
      : [
          {
            span: placeOf(c, 'tune.precision'),
            message: `activations stand in 16 bits over ${few.length} ${few.length === 1 ? 'weight' : 'weights'} in ${first.definition.name.text}`,
            help: 'watch the skipped steps in metrics.jsonl, or leave precision out',
          },
        ];
  },
};
