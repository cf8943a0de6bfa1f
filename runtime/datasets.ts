/**
 * @file From the tables of an experiment to encoded data sets and the lengths its batches are padded to.
 */
import type { BatchInput } from '../compiler/plan/program.js';
import { chooseBuckets } from './data/batches.js';
import { encodeTable, type BatchField, type Dataset } from './data/dataset.js';
import { ok, type Result } from './data/result.js';
import { readTable, type TableOptions } from './data/table.js';
import { openTokenizer, type Tokenizer } from './data/tokenizer.js';

/** A table to read. */
export interface TablePlace {
  readonly path: string;
  readonly options: TableOptions;
}

/** What to read and how. */
export interface DataRequest {
  readonly train: TablePlace | undefined;
  readonly eval: TablePlace | undefined;
  /** Column of the table for each column field of the task. */
  readonly columns: Readonly<Record<string, string>>;
  readonly batch: readonly BatchInput[];
  readonly maxTokens: number;
  readonly buckets: number;
  /** Folder with the tokenizer. */
  readonly tokenizer: string;
}

/** Encoded data sets with what filled them. */
export interface Datasets {
  readonly train: Dataset | undefined;
  readonly eval: Dataset | undefined;
  readonly fields: readonly BatchField[];
  readonly tokenizer: Tokenizer;
  /** Padded lengths, ascending. */
  readonly lengths: readonly number[];
}

/** Fields of a batch as the pipeline fills them. */
export function batchFields(batch: readonly BatchInput[], columns: Readonly<Record<string, string>>): BatchField[] {
  const columnOf = (b: BatchInput): string => columns[b.column ?? ''] ?? b.column ?? '';
  return batch.map((b): BatchField => {
    const column = columnOf(b);
    const naming = { kind: 'numbers', count: b.classes ?? 0 } as const;
    switch (b.recipe) {
      case 'class':
        return { name: b.name, kind: b.recipe, column, naming };
      case 'tags': {
        // The compiler has seen to it that a batch with tags reads one text.
        const text = batch.find((other) => other.recipe === 'tokens' || other.recipe === 'token_mask' || other.recipe === 'targets');
        return { name: b.name, kind: b.recipe, column, naming, words: text === undefined ? '' : columnOf(text) };
      }
      case 'number':
      case 'tokens':
      case 'token_mask':
      case 'targets':
        return { name: b.name, kind: b.recipe, column };
      default:
        return b.recipe satisfies never;
    }
  });
}

/** Reads and encodes the tables and chooses the padded lengths. */
export async function readDatasets(request: DataRequest): Promise<Result<Datasets>> {
  const fields = batchFields(request.batch, request.columns);
  const tokenizer = await openTokenizer(request.tokenizer);
  if (!tokenizer.ok) return tokenizer;
  const encode = async (place: TablePlace | undefined): Promise<Result<Dataset | undefined>> => {
    if (place === undefined) return ok(undefined);
    const table = await readTable(place.path, { ...place.options, columns: [...new Set(fields.map((f) => f.column))] });
    return table.ok ? encodeTable(table.value, fields, tokenizer.value, request.maxTokens) : table;
  };
  const train = await encode(request.train);
  if (!train.ok) return train;
  const evaluation = await encode(request.eval);
  if (!evaluation.ok) return evaluation;
  const lengths = [...(train.value?.lengths ?? []), ...(evaluation.value?.lengths ?? [])];
  return ok({
    train: train.value,
    eval: evaluation.value,
    fields,
    tokenizer: tokenizer.value,
    lengths: chooseBuckets(lengths, request.maxTokens, request.buckets),
  });
}
