/**
 * @file Spec: the resolved experiment. Every name, unit, default and selector is worked out; it holds no tensors and no device
 * facts. It is what is hashed, diffed and locked; `origins` says where each value was written and is no part of the hash.
 */
import type { Span } from '../../grammar/diagnostics.js';

/** Plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where the base comes from. */
export type BaseSource =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'hub'; readonly repo: string; readonly revision: string | null }
  /** Configuration and tokenizer of a folder, all weights new. */
  | { readonly kind: 'scratch'; readonly path: string };

/** Where rows come from. */
export interface TableSource {
  readonly format: 'tsv' | 'csv' | 'jsonl' | 'parquet';
  readonly path: string;
  readonly take: number | null;
  readonly header: boolean;
}

/** A call with its arguments by name; a number of steps, epochs, tokens or bytes names its unit: `{ count: 6, unit: 'steps' }`. */
export interface CallSpec {
  readonly name: string;
  readonly args: { readonly [name: string]: Json };
}

/** Every `every` is in steps or epochs. */
export interface Interval {
  readonly count: number;
  readonly unit: 'steps' | 'epochs';
}

/** What of the forward pass is kept for the gradient: all, what goes into the layers, or what the budget asks for. */
export type Checkpointing = (typeof checkpointings)[number];
/** The words for it. */
export const checkpointings = ['none', 'layers', 'auto'] as const;

/** What the host keeps between optimiser steps: nothing, the optimiser's state, or that where the budget asks for it. */
export type Paging = (typeof pagings)[number];
/** The words for it. */
export const pagings = ['none', 'optimizer', 'auto'] as const;

/** What activations and frozen weights stand in; sums, and everything that is trained, are f32 in both. */
export type Precision = (typeof precisions)[number];
/** The words for it. */
export const precisions = ['f32', 'f16'] as const;

/** A resolved experiment. */
export interface Spec {
  readonly format: 'peft-spec';
  readonly version: 1;
  readonly name: string;
  readonly base: {
    readonly model: string;
    readonly source: BaseSource;
    readonly overrides: { readonly [name: string]: Json };
    readonly task: CallSpec;
  };
  /** One for each module whose weight is kept in fewer bits, in the order of the model. */
  readonly quantized: readonly { readonly module: string; readonly format: string; readonly args: { readonly [name: string]: Json } }[];
  /** One for each site that carries an adapter, in the order of the model. */
  readonly adapters: readonly { readonly module: string; readonly method: string; readonly args: { readonly [name: string]: Json } }[];
  /** Checkpoint paths of the modules that are trained in full. */
  readonly trained: readonly string[];
  readonly data: {
    readonly train: TableSource;
    readonly eval: TableSource | null;
    /** Column of the table for each column the task names. */
    readonly columns: { readonly [name: string]: string };
    readonly max_length: number;
    readonly buckets: number;
  };
  readonly tune: {
    readonly optimizer: CallSpec;
    readonly schedule: CallSpec;
    readonly epochs: number;
    readonly max_steps: number | null;
    readonly batch: number;
    readonly accumulate: number;
    readonly clip: number | null;
    readonly checkpointing: Checkpointing;
    readonly paging: Paging;
    readonly precision: Precision;
    readonly seed: number;
    readonly shuffle: boolean;
    readonly eval_every: Interval | null;
    readonly save_every: Interval | null;
    readonly best: string | null;
    readonly log_every: number;
  };
  readonly budget: {
    readonly gpu_memory: number | null;
    readonly trainable: { readonly count: number } | { readonly share: number } | null;
  };
  readonly origins: { readonly [path: string]: Origin };
}

/** Where a value comes from: written in the file, or the default of a definition. */
export type Origin = { readonly kind: 'written'; readonly span: Span } | { readonly kind: 'default'; readonly of: string };

/** What is hashed and compared: the Spec without its origins and its name. */
export function meaning(spec: Spec): Json {
  const { origins: _origins, name: _name, ...rest } = spec;
  return JSON.parse(JSON.stringify(rest)) as Json;
}

/** Canonical JSON: keys sorted, no spaces. */
export function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${(json as readonly Json[]).map(canonical).join(',')}]`;
  if (json !== null && typeof json === 'object') {
    const entries = Object.entries(json as { readonly [key: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
  }
  return JSON.stringify(json);
}

/** The Spec as text, as `--dump` and `peft diff` show it. */
export const printSpec = (spec: Spec): string => `${JSON.stringify(spec, null, 2)}\n`;
