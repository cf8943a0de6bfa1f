/**
 * @file Adapter configurations of PEFT in both directions: what is exported and imported again means the same, and configurations
 * written by hand match what PEFT would match.
 */
import { describe, expect, it } from 'vitest';
import { importAdapter } from '../../cli/import-adapter.js';
import { foreignAdapters } from '../../compiler/spec/foreign.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Json } from '../../compiler/spec/spec.js';
import { resolveLast } from './experiments.js';
import { configs, libraryOf, type JsonObject } from './world.js';

const library = libraryOf();
const tasks: { readonly [model: string]: string } = { bert: 'classify(labels: 3)', llama: 'causal()', gpt2: 'causal()' };
const sections = (model: string): string[] => [
  `data { train: tsv("train.tsv") text: "text" ${tasks[model]?.startsWith('classify') ? 'label: "label"' : ''} max_length: 8 tokens }`,
  'tune { optimizer: adamw(lr: 1e-3) }',
];

const experiment = (model: string, statements: string): Resolved =>
  resolveLast(`import std.adapters.lora
experiment test {
  base ${model} from "models/${model}" for ${tasks[model]}
  ${statements}
  ${sections(model).join('\n  ')}
}`);

type Imported = { readonly ok: true; readonly resolved: Resolved } | { readonly ok: false; readonly reasons: readonly string[] };

function imported(model: string, config: JsonObject): Imported {
  const made = importAdapter({
    library,
    name: 'test',
    config,
    baseConfig: configs.get(model) ?? {},
    source: `"models/${model}"`,
    labels: 3,
    sections: sections(model),
  });
  return made.ok ? { ok: true, resolved: resolveLast(made.text) } : made;
}

function exported(r: Resolved): JsonObject {
  const [made] = foreignAdapters(r);
  if (made === undefined) throw new Error('no adapter is written');
  return JSON.parse(JSON.stringify(made.config)) as JsonObject;
}

const cases: readonly { readonly model: string; readonly statements: string }[] = [
  { model: 'bert', statements: 'adapt attention.{query, value} with lora(rank: 3, alpha: 5)  train head' },
  { model: 'bert', statements: 'adapt attention + mlp + pooler with lora(rank: 4, dropout: 12.5%)  train head + embeddings.norm' },
  { model: 'bert', statements: 'adapt linears except head with lora(rank: 2, rslora: true, bias: true)' },
  {
    model: 'bert',
    statements:
      'adapt attention with lora(rank: 4)  adapt layers[0].attention.query with lora(rank: 2)  adapt mlp.down with lora(rank: 4, alpha: 3)',
  },
  { model: 'bert', statements: 'adapt layers[1].attention with lora(rank: 2)  train norms + head' },
  { model: 'bert', statements: 'adapt "**.output.dense" with lora(rank: 1)' },
  { model: 'llama', statements: 'adapt linears except head with lora(rank: 4)' },
  {
    model: 'llama',
    statements:
      'adapt attention.{query, value} with lora(rank: 2)  adapt layers[1].attention.value with lora(rank: 1, alpha: 2.5)  train head',
  },
  { model: 'llama', statements: 'adapt head with lora(rank: 4)  adapt layers[0].mlp.{gate, up} with lora(rank: 8)' },
  { model: 'gpt2', statements: 'adapt attention with lora(rank: 2)  adapt layers[0].mlp with lora(rank: 8, alpha: 1)' },
];

describe('export and import', () => {
  it.each(cases)('$model: $statements', ({ model, statements }) => {
    const r = experiment(model, statements);
    const config = exported(r);
    const back = imported(model, config);
    expect(back).toMatchObject({ ok: true });
    if (!back.ok) return;
    const of = (x: Resolved): Json =>
      JSON.parse(JSON.stringify({ adapters: x.spec.adapters, trained: x.spec.trained, task: x.spec.base.task.name })) as Json;
    expect(of(back.resolved)).toEqual(of(r));
    expect(exported(back.resolved)).toEqual(config);
  });

  it('writes each key that PEFT reads', () => {
    expect(
      exported(
        experiment(
          'bert',
          'adapt attention.{query, value} with lora(rank: 4, alpha: 8, dropout: 10%)  adapt layers[0].attention.query with lora(rank: 2, alpha: 8, dropout: 10%)  train head',
        ),
      ),
    ).toEqual({
      alpha_pattern: {},
      base_model_name_or_path: 'models/bert',
      bias: 'none',
      fan_in_fan_out: false,
      inference_mode: true,
      lora_alpha: 8,
      lora_bias: false,
      lora_dropout: 0.1,
      modules_to_save: ['classifier'],
      peft_type: 'LORA',
      r: 4,
      rank_pattern: { '0.attention.self.query': 2 },
      revision: null,
      target_modules: ['query', 'value'],
      task_type: 'SEQ_CLS',
      use_dora: false,
      use_rslora: false,
    });
  });

  it('says when the stored weight is the other way round', () =>
    expect(exported(experiment('gpt2', 'adapt attention with lora'))['fan_in_fan_out']).toBe(true));
});

// --- configurations by hand --------------------------------------------------------------------------------------------

const layers = (...names: readonly string[]): string[] => [0, 1].flatMap((i) => names.map((n) => `model.layers.${i}.${n}`));
const q = 'self_attn.q_proj';
const v = 'self_attn.v_proj';
const seven = [q, 'self_attn.k_proj', v, 'self_attn.o_proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'];

/** A configuration beside `peft_type` and `task_type`, and which modules get which rank and alpha; defaults are 8 and 8. */
const configurations: readonly {
  readonly title: string;
  readonly config: JsonObject;
  readonly modules: { readonly [path: string]: readonly [rank: number, alpha: number] };
}[] = [
  {
    title: 'a list of suffixes',
    config: { r: 4, lora_alpha: 6, target_modules: ['q_proj', 'self_attn.v_proj'] },
    modules: all([q, v], 4, 6),
  },
  { title: 'names are no expressions', config: { r: 4, lora_alpha: 6, target_modules: ['q_proj', '.*v_proj'] }, modules: all([q], 4, 6) },
  { title: 'nothing but targets', config: { target_modules: ['q_proj'] }, modules: all([q], 8, 8) },
  {
    title: 'an expression matches the whole name',
    config: { r: 2, target_modules: '.*\\.[01]\\.self_attn\\.(q|v)_proj' },
    modules: all([q, v], 2, 8),
  },
  { title: 'every linear layer, the head left out', config: { r: 2, target_modules: 'all-linear' }, modules: all(seven, 2, 8) },
  {
    title: 'exceptions by suffix',
    config: { r: 2, target_modules: 'all-linear', exclude_modules: ['mlp.up_proj', 'gate_proj', 'down_proj'] },
    modules: all(seven.slice(0, 4), 2, 8),
  },
  {
    title: 'exceptions by expression',
    config: { r: 2, target_modules: ['q_proj', 'v_proj'], exclude_modules: 'model\\.layers\\.0\\..*' },
    modules: { [`model.layers.1.${q}`]: [2, 8], [`model.layers.1.${v}`]: [2, 8] },
  },
  {
    title: 'one layer',
    config: { r: 2, target_modules: ['q_proj'], layers_to_transform: 1 },
    modules: { [`model.layers.1.${q}`]: [2, 8] },
  },
  {
    title: 'layers, some of them not there',
    config: { r: 2, target_modules: ['q_proj'], layers_to_transform: [1, 7], layers_pattern: 'layers' },
    modules: { [`model.layers.1.${q}`]: [2, 8] },
  },
  {
    title: 'ranks and alphas by suffix',
    config: { r: 4, lora_alpha: 6, target_modules: ['q_proj', 'v_proj'], rank_pattern: { v_proj: 2 }, alpha_pattern: { q_proj: 1 } },
    modules: { ...all([q], 4, 1), ...all([v], 2, 6) },
  },
  {
    title: 'the first pattern wins',
    config: { r: 4, lora_alpha: 6, target_modules: ['q_proj'], rank_pattern: { '^model.layers.0.self_attn.q_proj': 1, q_proj: 2 } },
    modules: { [`model.layers.0.${q}`]: [1, 6], [`model.layers.1.${q}`]: [2, 6] },
  },
  {
    title: 'what is saved is no target',
    config: { r: 2, target_modules: ['q_proj', 'lm_head'], modules_to_save: ['lm_head'] },
    modules: all([q], 2, 8),
  },
  {
    title: 'a saved module is saved with what is inside',
    config: { r: 2, target_modules: ['q_proj', 'v_proj'], modules_to_save: ['layers.1'] },
    modules: { [`model.layers.0.${q}`]: [2, 8], [`model.layers.0.${v}`]: [2, 8] },
  },
];

function all(names: readonly string[], rank: number, alpha: number): { [path: string]: readonly [number, number] } {
  return Object.fromEntries(layers(...names).map((path) => [path, [rank, alpha] as const]));
}

/** What must be refused, with a word of the reason. */
const refused: readonly { readonly title: string; readonly config: JsonObject; readonly reason: RegExp }[] = [
  { title: 'another method', config: { peft_type: 'NOBODY', target_modules: ['q_proj'] }, reason: /NOBODY/ },
  { title: 'a variant that changes the mathematics', config: { use_qalora: true, target_modules: ['q_proj'] }, reason: /use_qalora: true/ },
  {
    title: 'a variant that another kind of target does not have',
    config: { use_dora: true, target_modules: ['q_proj', 'embed_tokens'] },
    reason: /use_dora: true/,
  },
  { title: 'another initial value', config: { init_lora_weights: 'pissa', target_modules: ['q_proj'] }, reason: /init_lora_weights/ },
  { title: 'a key that is not known', config: { lora_turbo: 3, target_modules: ['q_proj'] }, reason: /lora_turbo: 3/ },
  { title: 'trained biases of the base', config: { bias: 'all', target_modules: ['q_proj'] }, reason: /bias: "all"/ },
  { title: 'targets that are not there', config: { target_modules: ['query'] }, reason: /matches nothing/ },
  {
    title: 'targets of another kind beside others',
    config: { target_modules: ['q_proj', 'input_layernorm'] },
    reason: /model.layers.0.input_layernorm is a rms_norm/,
  },
  { title: 'a bare word as an expression', config: { target_modules: 'q_proj' }, reason: /matches nothing/ },
  { title: 'an expression that cannot be read', config: { target_modules: '(?P<name>q_proj' }, reason: /no expression/ },
  { title: 'a pattern that cannot be read', config: { target_modules: ['q_proj'], rank_pattern: { '(q': 2 } }, reason: /no expression/ },
  { title: 'layers beside an expression', config: { target_modules: '.*q_proj', layers_to_transform: [0] }, reason: /layers_to_transform/ },
  { title: 'another task', config: { task_type: 'FEATURE_EXTRACTION', target_modules: ['q_proj'] }, reason: /FEATURE_EXTRACTION/ },
];

describe('configurations by hand', () => {
  it.each(configurations)('$title', ({ config, modules }) => {
    const made = imported('llama', { peft_type: 'LORA', task_type: 'CAUSAL_LM', ...config });
    expect(made.ok ? [] : made.reasons).toEqual([]);
    if (!made.ok) return;
    const got = Object.fromEntries(made.resolved.spec.adapters.map((a) => [a.module, [a.args['rank'], a.args['alpha']]]));
    expect(got).toEqual(modules);
  });

  it.each(refused)('refuses $title', ({ config, reason }) => {
    const made = imported('llama', { peft_type: 'LORA', task_type: 'CAUSAL_LM', ...config });
    expect(made.ok ? 'accepted' : made.reasons.join('; ')).toMatch(reason);
  });
});
