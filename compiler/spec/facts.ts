/**
 * @file Facts: what the checker is told about the world, as plain data. The compiler opens no file; whoever calls it reads
 * `config.json`, the headers of safetensors files, the tokenizer and the columns of tables, and passes them in.
 */
import type { BaseSource, Json, TableSource } from './spec.js';

/** What a file or folder turned out to be, or why it could not be read, and `near`, the path that may have been meant. */
export type Fact<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly help?: string; readonly near?: string };

/** A format that a tensor is stored in, by its name in files, with its arguments. */
export interface StoredFormat {
  readonly format: string;
  readonly args: { readonly [name: string]: Json };
}

/** What the header of a file says of a tensor; the shape is that of the weight, however it is stored. */
export interface TensorFacts {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantized?: StoredFormat;
}

/** What is known of a base. */
export interface BaseFacts {
  /** Name of the configuration for messages: `models/x/config.json`. */
  readonly configName: string;
  readonly config: { readonly [key: string]: Json };
  /** Name, shape and dtype of every tensor, from the header alone; undefined where there are no weights: a new
   * model, or a plan from the configuration alone. */
  readonly tensors: ReadonlyMap<string, TensorFacts> | undefined;
  /** Undefined where there is no tokenizer. */
  readonly tokenizer: Fact<{ readonly vocabulary: number; readonly maskToken?: number }>;
}

/** What is known of a table. */
export interface TableFacts {
  readonly columns: readonly string[];
  /** Rows after `take`. */
  readonly rows: number;
}

/** Answers about the sources that an experiment names. */
export interface Facts {
  readonly base: (source: BaseSource) => Fact<BaseFacts>;
  readonly table: (source: TableSource) => Fact<TableFacts>;
}

/** A key that is the same for the same source. */
export const sourceKey = (source: BaseSource | TableSource): string => JSON.stringify(source);
