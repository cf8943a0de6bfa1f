/**
 * @file Parameters of published models from their configurations alone, no weights: counts measured with PEFT 0.21. What PEFT prints
 * as `all params` holds a head that is trained in full twice (its copy and the frozen original); here it is counted once.
 */
import { describe, expect, it } from 'vitest';
import type { Resolved } from '../../compiler/spec/check.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { allParameters, trainedParameters } from '../../compiler/driver/budget.js';
import { saveGraph } from '../../compiler/driver/graphs.js';
import { resolveLast } from './experiments.js';
import type { JsonObject } from './world.js';

const bertBase = {
  vocab_size: 32000,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  max_position_embeddings: 512,
  type_vocab_size: 2,
};
const robertaBase = {
  ...bertBase,
  vocab_size: 50265,
  max_position_embeddings: 514,
  type_vocab_size: 1,
  layer_norm_eps: 1e-5,
  pad_token_id: 1,
};
const robertaLarge = { ...robertaBase, hidden_size: 1024, num_hidden_layers: 24, num_attention_heads: 16, intermediate_size: 4096 };
const gpt2 = { vocab_size: 50257, n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024 };
const gpt2Medium = { ...gpt2, n_embd: 1024, n_layer: 24, n_head: 16 };
const llama7b = {
  vocab_size: 32000,
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  intermediate_size: 11008,
  max_position_embeddings: 2048,
};
const llama13b = {
  ...llama7b,
  hidden_size: 5120,
  num_hidden_layers: 40,
  num_attention_heads: 40,
  num_key_value_heads: 40,
  intermediate_size: 13824,
  max_position_embeddings: 4096,
};
const llama8b = {
  ...llama7b,
  vocab_size: 128256,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  max_position_embeddings: 8192,
  rope_theta: 500000,
};
const rope = { rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
const llama1b = {
  vocab_size: 128256,
  hidden_size: 2048,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  intermediate_size: 8192,
  max_position_embeddings: 131072,
  rope_theta: 500000,
  rope_scaling: rope,
  tie_word_embeddings: true,
};
const llama3b = { ...llama1b, hidden_size: 3072, num_hidden_layers: 28, num_attention_heads: 24, head_dim: 128 };
const mistral7b = {
  vocab_size: 32000,
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  max_position_embeddings: 32768,
  sliding_window: 4096,
};
const qwen05b = {
  vocab_size: 151936,
  hidden_size: 896,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  intermediate_size: 4864,
  max_position_embeddings: 32768,
  rope_theta: 1000000,
  tie_word_embeddings: true,
};

interface Count {
  readonly title: string;
  readonly base: string;
  readonly config: JsonObject;
  readonly statements: string;
  readonly trained: number;
  /** What PEFT prints as `all params`; where nobody measured it, it is not compared. */
  readonly all?: number;
  /** The share that PEFT prints, in percent. */
  readonly percent?: number;
  /** Parameters of the head, which `all` holds twice. */
  readonly head?: number;
}

const causal = (model: string): string => `${model} from "models/published" for causal()`;
const classifier = (model: string): string => `${model} from "models/published" for classify(labels: 2)`;
const seven = (rank: number): string => `adapt attention + mlp with lora(rank: ${rank})`;
const two = (method: string): string => `adapt attention.{query, value} with ${method}`;
const five = (method: string): string => `adapt attention.{query, key, value} + mlp.{up, down} with ${method}`;
const bank = (more: string): string => `vblora(${more})`;

const counts: readonly Count[] = [
  {
    title: 'bert-base of 32,000 words, rank 8 on query, key, value, dense',
    base: classifier('bert'),
    config: bertBase,
    statements: `${seven(8)}  adapt pooler with lora(rank: 8)  train head`,
    trained: 1_340_930,
    all: 111_959_812,
    percent: 1.1977,
    head: 1_538,
  },
  {
    title: 'bert-base of 30,522 words, the same',
    base: classifier('bert'),
    config: { ...bertBase, vocab_size: 30522 },
    statements: `${seven(8)}  adapt pooler with lora(rank: 8)  train head`,
    trained: 1_340_930,
    all: 110_824_708,
    percent: 1.21,
    head: 1_538,
  },
  {
    title: 'the same without the head',
    base: classifier('bert'),
    config: bertBase,
    statements: `${seven(8)}  adapt pooler with lora(rank: 8)`,
    trained: 1_339_392,
  },
  { title: 'its pooler alone', base: classifier('bert'), config: bertBase, statements: 'adapt pooler with lora(rank: 8)', trained: 12_288 },
  {
    title: 'its encoder layers only',
    base: classifier('bert'),
    config: bertBase,
    statements: 'adapt linears and layers with lora(rank: 8)',
    trained: 1_327_104,
  },
  {
    title: 'bert-base of 32,000 words, rank 8 on query, value',
    base: classifier('bert'),
    config: bertBase,
    statements: `${two('lora(rank: 8)')}  train head`,
    trained: 296_450,
    percent: 0.2673,
    head: 1_538,
  },
  {
    title: 'roberta-base, rank 8 on query, value',
    base: classifier('roberta'),
    config: robertaBase,
    statements: `${two('lora(rank: 8)')}  train head`,
    trained: 887_042,
    all: 125_534_212,
    percent: 0.7066,
    head: 592_130,
  },
  {
    title: 'roberta-large, the same',
    base: classifier('roberta'),
    config: robertaLarge,
    statements: `${two('lora(rank: 8)')}  train head`,
    trained: 1_838_082,
    all: 357_199_876,
    percent: 0.5146,
    head: 1_051_650,
  },
  {
    title: 'gpt2, rank 8 on the fused projection',
    base: causal('gpt2'),
    config: gpt2,
    statements: 'adapt attention.query with lora(rank: 8)',
    trained: 294_912,
    all: 124_734_720,
  },
  {
    title: 'gpt2 medium, rank 4 on the fused projection',
    base: causal('gpt2'),
    config: gpt2Medium,
    statements: 'adapt attention.query with lora(rank: 4)',
    trained: 393_216,
    all: 355_216_384,
  },
  {
    title: 'llama-7b, rank 8 on query, value',
    base: causal('llama'),
    config: llama7b,
    statements: two('lora(rank: 8)'),
    trained: 4_194_304,
    all: 6_742_609_920,
    percent: 0.0622,
  },
  { title: 'llama-7b, rank 8 on all seven', base: causal('llama'), config: llama7b, statements: seven(8), trained: 19_988_480 },
  {
    title: 'llama-7b, rank 16 on all seven',
    base: causal('llama'),
    config: llama7b,
    statements: seven(16),
    trained: 39_976_960,
    all: 6_778_392_576,
    percent: 0.5898,
  },
  { title: 'llama-7b, rank 32 on all seven', base: causal('llama'), config: llama7b, statements: seven(32), trained: 79_953_920 },
  { title: 'llama-7b, rank 64 on all seven', base: causal('llama'), config: llama7b, statements: seven(64), trained: 159_907_840 },
  {
    title: 'llama-3-8b, rank 16 on all seven',
    base: causal('llama'),
    config: llama8b,
    statements: seven(16),
    trained: 41_943_040,
    all: 8_072_204_288,
    percent: 0.5196,
  },
  {
    title: 'llama-3.2-1b, rank 16 on all seven',
    base: causal('llama'),
    config: llama1b,
    statements: seven(16),
    trained: 11_272_192,
    all: 1_247_086_592,
    percent: 0.9039,
  },
  {
    title: 'llama-3.2-3b, rank 32 on query, value',
    base: causal('llama'),
    config: llama3b,
    statements: two('lora(rank: 32)'),
    trained: 9_175_040,
    all: 3_221_924_864,
    percent: 0.2848,
  },
  {
    title: 'mistral-7b, rank 64 on all seven',
    base: causal('mistral'),
    config: mistral7b,
    statements: seven(64),
    trained: 167_772_160,
    percent: 2.2643,
  },
  {
    title: 'qwen2.5-0.5b, rank 8 on all seven',
    base: causal('qwen2'),
    config: qwen05b,
    statements: seven(8),
    trained: 4_399_104,
    all: 498_431_872,
    percent: 0.8826,
  },

  {
    title: 'llama-7b, lora of rank 32 on query, key, value, up, down',
    base: causal('llama'),
    config: llama7b,
    statements: five('lora(rank: 32)'),
    trained: 56_098_816,
  },
  {
    title: 'llama-7b, dora of rank 32 on the same',
    base: causal('llama'),
    config: llama7b,
    statements: five('dora(rank: 32)'),
    trained: 56_975_360,
  },
  {
    title: 'llama-7b, dora of rank 16 on the same',
    base: causal('llama'),
    config: llama7b,
    statements: five('dora(rank: 16)'),
    trained: 28_925_952,
  },

  {
    title: 'llama2-7b, vblora on every linear layer',
    base: causal('llama'),
    config: { ...llama7b, max_position_embeddings: 4096 },
    statements: `adapt attention + mlp with ${bank('num_vectors: 2048')}`,
    trained: 80_478_208,
  },
  {
    title: 'llama2-13b, vblora of rank 6 on every linear layer',
    base: causal('llama'),
    config: llama13b,
    statements: `adapt attention + mlp with ${bank('rank: 6, num_vectors: 2048')}`,
    trained: 188_284_928,
  },

  {
    title: 'llama-3.2-3b, dora of rank 32 on query, value',
    base: causal('llama'),
    config: llama3b,
    statements: two('dora(rank: 32)'),
    trained: 9_289_728,
  },
  {
    title: 'llama-3.2-3b, lora of rank 64 on query, value',
    base: causal('llama'),
    config: llama3b,
    statements: two('lora(rank: 64)'),
    trained: 18_350_080,
  },
  {
    title: 'llama-3.2-3b, waveft of 5,000 frequencies on query, value',
    base: causal('llama'),
    config: llama3b,
    statements: two('waveft(frequencies: 5000)'),
    trained: 280_000,
  },
  {
    title: 'llama-3.2-3b, vblora on query, value',
    base: causal('llama'),
    config: llama3b,
    statements: two('vblora()'),
    trained: 1_212_416,
  },
  { title: 'llama-3.2-3b, vera on query, value', base: causal('llama'), config: llama3b, statements: two('vera()'), trained: 129_024 },
];

const text = (base: string, statements: string): string => `import std.adapters.{dora, lora, vblora, vera, waveft}
experiment count {
  base ${base}
  ${statements}
  data { train: tsv("train.tsv") text: "text" ${base.includes('classify') ? 'label: "label"' : ''} }
  tune { optimizer: adamw(lr: 1e-4) }
}`;

const planned = (base: string, config: JsonObject, statements: string): Resolved =>
  resolveLast(text(base, statements), { config, tensors: 'none', tokenizer: 'there is none' });

describe('parameters from the configuration alone', () => {
  it.each(counts)('$title', ({ base, config, statements, trained, all, percent, head = 0 }) => {
    const r = planned(base, config, statements);
    const layout = layoutOf(r);
    const whole = allParameters(layout) + head;
    expect(trainedParameters(layout)).toBe(trained);
    if (all !== undefined) expect(whole).toBe(all);
    if (percent !== undefined) expect(((100 * trained) / whole).toFixed(4)).toBe(percent.toFixed(4));
    // Nothing was read, so nothing is missing: every tensor is new.
    expect([...r.bindings.values()].filter((b) => b.kind !== 'fresh')).toEqual([]);
  });
});

interface Stored {
  readonly title: string;
  readonly base: string;
  readonly config: JsonObject;
  readonly statements: string;
  readonly vectors: number;
  readonly stored: number;
}

const small = bank('num_vectors: 90, save_only_topk: true');
const onAll = `adapt attention + mlp with ${small}`;
const stored: readonly Stored[] = [
  {
    title: 'roberta-base, query and value',
    base: classifier('roberta'),
    config: robertaBase,
    statements: two(small),
    vectors: 90,
    stored: 23_904,
  },
  {
    title: 'roberta-base, every linear layer',
    base: classifier('roberta'),
    config: robertaBase,
    statements: onAll,
    vectors: 90,
    stored: 26_928,
  },
  {
    title: 'roberta-large, query and value',
    base: classifier('roberta'),
    config: robertaLarge,
    statements: two(small),
    vectors: 90,
    stored: 25_344,
  },
  {
    title: 'roberta-large, every linear layer',
    base: classifier('roberta'),
    config: robertaLarge,
    statements: onAll,
    vectors: 90,
    stored: 33_408,
  },
  {
    title: 'llama2-7b, every linear layer',
    base: causal('llama'),
    config: { ...llama7b, max_position_embeddings: 4096 },
    statements: `adapt attention + mlp with ${bank('num_vectors: 2048, save_only_topk: true')}`,
    vectors: 2048,
    stored: 602_368,
  },
  {
    title: 'llama2-13b, rank 6 on every linear layer',
    base: causal('llama'),
    config: llama13b,
    statements: `adapt attention + mlp with ${bank('rank: 6, num_vectors: 2048, save_only_topk: true')}`,
    vectors: 2048,
    stored: 707_648,
  },
];

/** Bytes in which PEFT stores the index of one of `vectors` vectors. */
const indexBytes = (vectors: number): number => (vectors < 2 ** 8 ? 1 : vectors < 2 ** 15 ? 2 : 4);

describe('what vblora stores of the vectors it chose, in numbers of 32 bits', () => {
  it.each(stored)('$title', ({ base, config, statements, vectors, stored }) => {
    const r = planned(base, config, statements);
    const saved = saveGraph(r)?.saved ?? [];
    const sum = (dtype: 'f32' | 'i32'): number =>
      saved.filter((s) => s.dtype === dtype).reduce((n, s) => n + s.shape.reduce((a, b) => a * b, 1), 0);
    const shared = layoutOf(r).trainables.find((t) => t.key.endsWith('vector_bank'))?.elements ?? 0;
    expect(shared + sum('f32') + (sum('i32') * indexBytes(vectors)) / 4).toBe(stored);
  });
});
