/**
 * @file Parameters of published models from their configurations alone, no weights: counts measured with PEFT 0.21. PEFT counts a
 * head that is trained in full twice (its copy and the frozen original); here it is counted once.
 */
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../compiler/driver/layout.js';
import { allParameters, trainedParameters } from '../../compiler/driver/budget.js';
import { parseFile } from '../../grammar/parse.js';
import { checkFile } from '../../compiler/spec/file.js';
import { resolveLast } from './experiments.js';
import { factsOf, libraryOf, type JsonObject } from './world.js';

const bertBase = { vocab_size: 32000, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, intermediate_size: 3072, max_position_embeddings: 512, type_vocab_size: 2 };
const llama7b = { vocab_size: 32000, hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 32, intermediate_size: 11008, max_position_embeddings: 2048 };
const llama8b = { ...llama7b, vocab_size: 128256, num_key_value_heads: 8, intermediate_size: 14336, max_position_embeddings: 8192, rope_theta: 500000 };
const llama1b = { vocab_size: 128256, hidden_size: 2048, num_hidden_layers: 16, num_attention_heads: 32, num_key_value_heads: 8, head_dim: 64, intermediate_size: 8192, max_position_embeddings: 131072, rope_theta: 500000, tie_word_embeddings: true };
const gpt2 = { vocab_size: 50257, n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024 };

interface Count {
  readonly title: string;
  readonly base: string;
  readonly config: JsonObject;
  readonly statements: string;
  readonly trained: number;
  readonly all: number;
}

const classifier = 'bert from "models/bert" for classify(labels: 2)';
const counts: readonly Count[] = [
  { title: 'bert-base of 32,000 words, rank 8 on query, key, value, dense', base: classifier, config: bertBase, statements: 'adapt attention + mlp + pooler with lora(rank: 8)  train head', trained: 1_340_930, all: 111_959_812 - 1_538 },
  { title: 'bert-base of 30,522 words, the same', base: classifier, config: { ...bertBase, vocab_size: 30522 }, statements: 'adapt attention + mlp + pooler with lora(rank: 8)  train head', trained: 1_340_930, all: 110_824_708 - 1_538 },
  { title: 'its encoder layers only', base: classifier, config: bertBase, statements: 'adapt linears and layers with lora(rank: 8)', trained: 1_327_104, all: 110_618_882 + 1_327_104 },
  { title: 'bert-base, rank 8 on query, value', base: classifier, config: bertBase, statements: 'adapt attention.{query, value} with lora(rank: 8)  train head', trained: 296_450, all: 110_618_882 + 294_912 },
  { title: 'llama-7b, rank 8 on query, value', base: 'llama from "models/llama" for causal()', config: llama7b, statements: 'adapt attention.{query, value} with lora(rank: 8)', trained: 4_194_304, all: 6_742_609_920 },
  ...([[8, 19_988_480], [16, 39_976_960], [32, 79_953_920], [64, 159_907_840]] as const).map(([rank, trained]) => ({ title: `llama-7b, rank ${rank} on all seven`, base: 'llama from "models/llama" for causal()', config: llama7b, statements: `adapt attention + mlp with lora(rank: ${rank})`, trained, all: 6_738_415_616 + trained })),
  { title: 'llama-3-8b, rank 16 on all seven', base: 'llama from "models/llama" for causal()', config: llama8b, statements: 'adapt attention + mlp with lora(rank: 16)', trained: 41_943_040, all: 8_072_204_288 },
  { title: 'a llama of 1 billion with tied words, rank 16 on all seven', base: 'llama from "models/llama" for causal()', config: llama1b, statements: 'adapt attention + mlp with lora(rank: 16)', trained: 11_272_192, all: 1_247_086_592 },
  { title: 'gpt2, rank 8 on the fused projection', base: 'gpt2 from "models/gpt2" for causal()', config: gpt2, statements: 'adapt attention.query with lora(rank: 8)', trained: 294_912, all: 124_734_720 },
  { title: 'gpt2 medium, rank 4 on the fused projection', base: 'gpt2 from "models/gpt2" for causal()', config: { ...gpt2, n_embd: 1024, n_layer: 24, n_head: 16 }, statements: 'adapt attention.query with lora(rank: 4)', trained: 393_216, all: 355_216_384 },
];

const text = (base: string, statements: string): string => `import std.adapters.lora
experiment count {
  base ${base}
  ${statements}
  data { train: tsv("train.tsv") text: "text" ${base.includes('classify') ? 'label: "label"' : ''} }
  tune { optimizer: adamw(lr: 1e-4) }
}`;

describe('parameters from the configuration alone', () => {
  it.each(counts)('$title', ({ base, config, statements, trained, all }) => {
    const r = resolveLast(text(base, statements), { config, tensors: 'none', tokenizer: 'there is none' });
    const layout = layoutOf(r);
    expect(trainedParameters(layout)).toBe(trained);
    expect(allParameters(layout)).toBe(all);
    // Nothing was read, so nothing is missing: every tensor is new.
    expect([...r.bindings.values()].filter((b) => b.kind !== 'fresh')).toEqual([]);
  });

  it('a rope that is not there is refused: llama 3.1 and later', () => {
    const rope = { rope_scaling: { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192, rope_type: 'llama3' } };
    const parsed = parseFile(text('llama from "models/llama" for causal()', 'adapt attention with lora'), 'test.peft');
    const { diagnostics } = checkFile(parsed.value, libraryOf(), factsOf({ config: { ...llama8b, ...rope }, tensors: 'none' }));
    expect(diagnostics.map((d) => d.message)).toEqual(['rope type llama3 is not supported, only default']);
  });
});
