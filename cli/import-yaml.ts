/**
 * @file Configurations of Axolotl and LLaMA-Factory (YAML) in the terms of PEFT's `adapter_config.json` and of our sections. Every key is either
 * carried over, known to say nothing about the training, or listed as lost. Sources: the projects' documentation of their configuration keys.
 */
import { parse } from 'yaml';
import type { Json } from '../compiler/spec/spec.js';

/** A text of YAML as plain data. */
export const parseYaml = (text: string): unknown => parse(text) as unknown;

type JsonObject = { readonly [key: string]: Json };

/** What a configuration says. */
export interface ForeignRun {
  readonly kind: 'Axolotl' | 'LLaMA-Factory';
  readonly base: string | undefined;
  /** What PEFT would be given; undefined where the model is trained in full. */
  readonly adapter: JsonObject | undefined;
  /** `nf4`, with or without double quantisation; undefined where weights stay as they are. */
  readonly quantized: { readonly double: boolean } | undefined;
  readonly data: readonly string[];
  readonly tune: readonly string[];
  /** Keys that could not be carried over, with why. */
  readonly lost: readonly string[];
}

/** How a key is taken: it is read by name, and what nobody has read in the end is lost. */
interface Reader {
  readonly get: (key: string) => Json | undefined;
  readonly number: (key: string) => number | undefined;
  readonly flag: (key: string) => boolean;
  readonly lose: (key: string, why: string) => void;
  readonly lost: () => string[];
}

function readerOf(config: JsonObject, silent: readonly string[]): Reader {
  const read = new Set<string>(silent);
  const told: string[] = [];
  const get = (key: string): Json | undefined => {
    read.add(key);
    return config[key] ?? undefined;
  };
  return {
    get,
    number: (key) => {
      const value = get(key);
      // YAML 1.1 reads 2e-5 as a text.
      const n = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
      return Number.isFinite(n) ? n : undefined;
    },
    flag: (key) => {
      const value = get(key);
      return value === true || value === 'true' || value === 'yes' || value === 'on';
    },
    lose: (key, why) => {
      read.add(key);
      if (config[key] !== undefined && config[key] !== null && config[key] !== false) told.push(`${key}: ${why}`);
    },
    lost: () => [
      ...told,
      ...Object.keys(config)
        .filter((key) => !read.has(key) && config[key] !== null && config[key] !== false)
        .map((key) => `${key}: there is nothing like it here`),
    ],
  };
}

/** Which project a configuration is of; undefined where it is of neither. */
export function kindOf(config: JsonObject): ForeignRun['kind'] | undefined {
  if ('model_name_or_path' in config || 'finetuning_type' in config) return 'LLaMA-Factory';
  return 'base_model' in config || 'micro_batch_size' in config || 'datasets' in config ? 'Axolotl' : undefined;
}

/** Reads a configuration. */
export function readForeign(kind: ForeignRun['kind'], config: JsonObject): ForeignRun {
  return kind === 'Axolotl' ? axolotl(config) : llamaFactory(config);
}

const say = (n: number): string => {
  const text = String(n);
  return /e/.test(text) ? text.replace('e+', 'e') : n !== 0 && Math.abs(n) < 1e-3 ? n.toExponential().replace('e+', 'e') : text;
};
const quoted = (s: string): string => JSON.stringify(s);
const list = (value: Json | undefined): string[] =>
  Array.isArray(value)
    ? value.map(String)
    : typeof value === 'string'
      ? value
          .split(',')
          .map((s) => s.trim())
          .filter((s) => s !== '')
      : [];

/** Fields of `tune` that both projects have under names of their own. */
function tuneOf(
  r: Reader,
  keys: {
    readonly rate: string;
    readonly epochs: string;
    readonly batch: string;
    readonly schedule: string;
    readonly optimizer: string;
    readonly checkpointing: string;
  },
): string[] {
  const decay = r.number('weight_decay');
  const [beta1, beta2, eps] = [r.number('adam_beta1'), r.number('adam_beta2'), r.number('adam_epsilon')];
  const name = String(r.get(keys.optimizer) ?? 'adamw_torch');
  const eight = /8bit/.test(name);
  const paged = /^paged/.test(name);
  if (!/^(paged_)?adamw/.test(name)) r.lose(keys.optimizer, `${name} is not in the standard library; adamw stands in its place`);
  const optimizer = [
    `lr: ${say(r.number(keys.rate) ?? 5e-5)}`,
    ...(beta1 === undefined ? [] : [`beta1: ${say(beta1)}`]),
    ...(beta2 === undefined ? [] : [`beta2: ${say(beta2)}`]),
    ...(eps === undefined ? [] : [`eps: ${say(eps)}`]),
    ...(decay === undefined ? [] : [`weight_decay: ${say(decay)}`]),
  ].join(', ');
  const ratio = r.number('warmup_ratio');
  const steps = r.number('warmup_steps');
  // A share below one in warmup_steps is what people mean by a ratio.
  const warmup =
    steps !== undefined && steps >= 1
      ? `warmup: ${Math.round(steps)} steps`
      : (ratio ?? steps ?? 0) > 0
        ? `warmup: ${say(Number((100 * (ratio ?? steps ?? 0)).toPrecision(6)))}%`
        : '';
  const wanted = String(r.get(keys.schedule) ?? 'linear');
  const schedule = ['linear', 'cosine', 'constant'].find((s) => wanted === s || wanted === `${s}_with_warmup`);
  if (schedule === undefined) r.lose(keys.schedule, `${wanted} is not in the standard library; cosine stands in its place`);
  const most = r.number('max_steps');
  const accumulate = r.number('gradient_accumulation_steps');
  const clip = r.number('max_grad_norm');
  const [evaluate, save, log, seed] = [r.number('eval_steps'), r.number('save_steps'), r.number('logging_steps'), r.number('seed')];
  return [
    `optimizer: ${eight ? 'adamw8bit' : 'adamw'}(${optimizer})`,
    `schedule: ${schedule ?? 'cosine'}(${warmup})`,
    `epochs: ${Math.max(1, Math.ceil(r.number(keys.epochs) ?? 1))}`,
    ...(most === undefined || most <= 0 ? [] : [`max_steps: ${most} steps`]),
    `batch: ${r.number(keys.batch) ?? 1}`,
    ...(accumulate === undefined || accumulate <= 1 ? [] : [`accumulate: ${accumulate}`]),
    ...(clip === undefined ? [] : [`clip: ${clip === 0 ? 'none' : say(clip)}`]),
    ...(r.flag(keys.checkpointing) ? ['checkpointing: layers'] : []),
    ...(paged ? ['paging: optimizer'] : []),
    ...(r.flag('fp16') ? ['precision: f16'] : []),
    ...(evaluate === undefined || evaluate < 1 ? [] : [`eval_every: ${evaluate} steps`]),
    ...(save === undefined || save < 1 ? [] : [`save_every: ${save} steps`]),
    ...(log === undefined || log < 1 ? [] : [`log_every: ${log} steps`]),
    ...(seed === undefined ? [] : [`seed: ${seed}`]),
  ];
}

/** What PEFT would be given for LoRA and its relatives. */
const loraConfig = (
  r: Reader,
  keys: { readonly rank: string; readonly alpha: string; readonly dropout: string; readonly dora: string; readonly rslora: string },
  targets: Json,
  saved: readonly string[],
): JsonObject => ({
  peft_type: 'LORA',
  task_type: 'CAUSAL_LM',
  r: r.number(keys.rank) ?? 8,
  lora_alpha: r.number(keys.alpha) ?? 2 * (r.number(keys.rank) ?? 8),
  lora_dropout: r.number(keys.dropout) ?? 0,
  use_dora: r.flag(keys.dora),
  use_rslora: r.flag(keys.rslora),
  target_modules: targets,
  modules_to_save: saved.length === 0 ? null : saved,
});

/** Keys of Axolotl that say where output goes, how processes are started, or what we do anyway. */
const axolotlSilent = [
  'output_dir',
  'wandb_project',
  'wandb_entity',
  'wandb_watch',
  'wandb_name',
  'wandb_log_model',
  'strict',
  'tf32',
  'logging_dir',
  'dataset_prepared_path',
  'special_tokens',
  'tokenizer_type',
  'model_type',
  'local_rank',
  'group_by_length',
  'pad_to_sequence_len',
  'flash_attention',
  'sdp_attention',
  'xformers_attention',
  'hub_model_id',
  'resume_from_checkpoint',
  'auto_resume_from_checkpoints',
];

function axolotl(config: JsonObject): ForeignRun {
  const r = readerOf(config, axolotlSilent);
  const method = r.get('adapter');
  const datasets = r.get('datasets');
  const first = Array.isArray(datasets) ? (datasets[0] as JsonObject | undefined) : undefined;
  if (Array.isArray(datasets) && datasets.length > 1) r.lose('datasets', `only the first of ${datasets.length} is carried over`);
  if (first?.['type'] !== undefined)
    r.lose('datasets', `the prompt format ${JSON.stringify(first['type'])} is lost: put the finished text into one column`);
  const tests = r.get('test_datasets');
  const evaluation = Array.isArray(tests) ? (tests[0] as JsonObject | undefined) : undefined;
  r.lose('val_set_size', 'split the rows yourself, and name them in eval');
  r.lose('sample_packing', 'each row is an example of its own here');
  r.lose('train_on_inputs', 'every token is a target here');
  r.lose('bf16', 'there are no bf16 activations in WebGPU: f32, or precision: f16');
  r.lose('load_in_8bit', 'write quantize linears except head as int8()');
  const four = r.flag('load_in_4bit') || method === 'qlora';
  r.get('load_in_4bit');
  const targets: Json = r.flag('lora_target_linear') ? 'all-linear' : list(r.get('lora_target_modules'));
  const saved = list(r.get('lora_modules_to_save'));
  const adapted = method === 'lora' || method === 'qlora';
  if (method !== undefined && !adapted) r.lose('adapter', `${JSON.stringify(method)} is not carried over`);
  const keys = { rank: 'lora_r', alpha: 'lora_alpha', dropout: 'lora_dropout', dora: 'peft_use_dora', rslora: 'peft_use_rslora' };
  const adapter = adapted ? loraConfig(r, keys, targets, saved) : undefined;
  const tune = tuneOf(r, {
    rate: 'learning_rate',
    epochs: 'num_epochs',
    batch: 'micro_batch_size',
    schedule: 'lr_scheduler',
    optimizer: 'optimizer',
    checkpointing: 'gradient_checkpointing',
  });
  for (const [key, field] of [
    ['evals_per_epoch', 'eval_every'],
    ['saves_per_epoch', 'save_every'],
  ] as const) {
    const times = r.number(key);
    if (times === 1) tune.push(`${field}: 1 epochs`);
    else r.lose(key, `write ${field} with a number of steps`);
  }
  const length = r.number('sequence_len');
  const base = r.get('base_model');
  return {
    kind: 'Axolotl',
    base: typeof base === 'string' ? base : undefined,
    adapter,
    quantized: four ? { double: true } : undefined,
    data: [
      ...tables(first?.['path'], evaluation?.['path']),
      `text: ${quoted(typeof first?.['field'] === 'string' ? first['field'] : 'text')}`,
      ...(length === undefined ? [] : [`max_length: ${length} tokens`]),
    ],
    tune,
    lost: r.lost(),
  };
}

const factorySilent = [
  'do_train',
  'do_eval',
  'do_predict',
  'output_dir',
  'overwrite_output_dir',
  'overwrite_cache',
  'plot_loss',
  'report_to',
  'trust_remote_code',
  'dataset_dir',
  'preprocessing_num_workers',
  'dataloader_num_workers',
  'ddp_timeout',
  'logging_strategy',
  'save_only_model',
  'resume_from_checkpoint',
  'flash_attn',
  'eval_strategy',
  'evaluation_strategy',
  'save_strategy',
];

function llamaFactory(config: JsonObject): ForeignRun {
  const r = readerOf(config, factorySilent);
  const type = r.get('finetuning_type') ?? 'lora';
  const stage = r.get('stage');
  if (stage !== undefined && stage !== 'sft' && stage !== 'pt') r.lose('stage', `${JSON.stringify(stage)} is another kind of training`);
  if (type === 'freeze') r.lose('finetuning_type', 'write train with the layers that are to be trained');
  r.lose('template', 'put the finished text into one column');
  r.lose('val_size', 'split the rows yourself, and name them in eval');
  r.lose('bf16', 'there are no bf16 activations in WebGPU: f32, or precision: f16');
  r.lose('max_samples', 'write take: N in the table');
  r.lose('per_device_eval_batch_size', 'evaluation uses the batch of the training');
  r.lose('packing', 'each row is an example of its own here');
  const bits = r.number('quantization_bit');
  if (bits !== undefined && bits !== 4) r.lose('quantization_bit', `${bits} bits: write quantize linears except head as int8()`);
  const double = r.get('double_quantization');
  r.get('quantization_type');
  r.get('quantization_method');
  const wanted = list(r.get('lora_target'));
  const targets: Json = wanted.length === 0 || wanted.includes('all') ? 'all-linear' : wanted;
  const keys = { rank: 'lora_rank', alpha: 'lora_alpha', dropout: 'lora_dropout', dora: 'use_dora', rslora: 'use_rslora' };
  const adapter = type === 'lora' ? loraConfig(r, keys, targets, list(r.get('additional_target'))) : undefined;
  const ratio = r.number('loraplus_lr_ratio');
  if (ratio !== undefined) r.lose('loraplus_lr_ratio', `write plus: ${ratio} among the arguments of the method`);
  const sets = list(r.get('dataset'));
  const evaluation = list(r.get('eval_dataset'));
  if (sets.length > 1) r.lose('dataset', `only the first of ${sets.length} is carried over`);
  const length = r.number('cutoff_len');
  const base = r.get('model_name_or_path');
  return {
    kind: 'LLaMA-Factory',
    base: typeof base === 'string' ? base : undefined,
    adapter,
    quantized: bits === 4 ? { double: double !== false } : undefined,
    data: [...tables(sets[0], evaluation[0]), 'text: "text"', ...(length === undefined ? [] : [`max_length: ${length} tokens`])],
    tune: tuneOf(r, {
      rate: 'learning_rate',
      epochs: 'num_train_epochs',
      batch: 'per_device_train_batch_size',
      schedule: 'lr_scheduler_type',
      optimizer: 'optim',
      checkpointing: 'gradient_checkpointing',
    }),
    lost: r.lost(),
  };
}

/** Tables by the names of data sets; what is no file gets the name of one. */
function tables(train: Json | undefined, evaluation: Json | undefined): string[] {
  const table = (name: Json | undefined, fallback: string): string => {
    const path = typeof name === 'string' ? name : fallback;
    const format = /\.(tsv|csv|jsonl|parquet)$/.exec(path)?.[1] ?? 'jsonl';
    return `${format}(${quoted(/\.(tsv|csv|jsonl|parquet)$/.test(path) ? path : `${path.replace(/[^\w.-]+/g, '_')}.jsonl`)})`;
  };
  return [`train: ${table(train, 'train')}`, ...(evaluation === undefined ? [] : [`eval: ${table(evaluation, 'eval')}`])];
}
