/**
 * @file PEFT1420: one tensor in f32 takes more than all weights in fewer bits.
 */
import { showBytes } from '../../compiler/elaborate/value.js';
import { percent } from '../figures.js';
import { bytesOf } from '../memory.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1420',
  name: 'largest-left-in-f32',
  level: 'info',
  on: 'experiment',
  summary: 'one tensor in f32 takes more than all weights in fewer bits',
  why: 'Formats hold the weights of linear layers. In a model with many words and few layers the table of the words is most of it: what was saved on the layers is small beside it.',
  bad: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      base: 'base bert from "models/large" for classify(labels: 2)',
      targets: 'quantize linears except head as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
    config: {
      model_type: 'bert',
      vocab_size: 8000,
      hidden_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      intermediate_size: 64,
      max_position_embeddings: 128,
    },
  },
  good: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize linears except head as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) => {
    const statement = c.statements.formats.at(-1);
    const { tune } = c.resolved.spec;
    if (statement === undefined || c.resolved.formats.size === 0 || tune.precision !== 'f32') return [];
    const weights = c.layout().persistent.filter((p) => p.kind === 'weights' && p.within === undefined);
    const encoded = weights.filter((p) => p.source.kind === 'encoded').reduce((sum, p) => sum + bytesOf(p), 0);
    const all = weights.reduce((sum, p) => sum + bytesOf(p), 0);
    const largest = weights.filter((p) => p.source.kind !== 'encoded').sort((a, b) => bytesOf(b) - bytesOf(a))[0];
    return largest === undefined || bytesOf(largest) <= encoded || 2 * bytesOf(largest) <= all
      ? []
      : [
          {
            span: statement.span,
            message: `${largest.name} in f32 takes ${showBytes(bytesOf(largest))}, ${percent(bytesOf(largest) / all)} of all weights, and those in fewer bits ${showBytes(encoded)}`,
            help: 'take a base with fewer words, or judge the saving by the whole: peft plan shows what weights take',
          },
        ];
  },
};
