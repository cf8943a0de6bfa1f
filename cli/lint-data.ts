/**
 * @file What the tokenised tables of an experiment say, for the rules of `peft lint`.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { DataFacts, TableFacts } from '../lint/data-facts.js';
import type { Resolved } from '../compiler/spec/check.js';
import { countTokens, planBatches, chooseBuckets } from '../runtime/data/batches.js';
import type { BatchField, Dataset } from '../runtime/data/dataset.js';
import { readDatasets, type Datasets } from '../runtime/datasets.js';
import type { Tokenizer } from '../runtime/data/tokenizer.js';
import { baseFolder } from './facts.js';
import type { OpenedFile } from './experiment.js';
import { batchInputs, tablePlace } from './prepare.js';

/** Longer than any text: what is cut is worked out here. */
const uncut = 2 ** 30;

/** Reads and tokenises the tables of an experiment; undefined where that cannot be done (the check says why, or the run will). */
export function lintData(
  resolved: Resolved,
  opened: OpenedFile,
  known = new Map<string, Promise<DataFacts | undefined>>(),
): Promise<DataFacts | undefined> {
  const { base, data, tune } = resolved.spec;
  // Experiments that read the same in the same way have the same facts.
  const key = JSON.stringify([dirname(opened.path), base.source, data, tune.batch, tune.seed, batchInputs(resolved)]);
  const made = known.get(key) ?? readData(resolved, opened);
  known.set(key, made);
  return made;
}

async function readData(resolved: Resolved, opened: OpenedFile): Promise<DataFacts | undefined> {
  const { data } = resolved.spec;
  const folder = await baseFolder(resolved.spec.base.source, dirname(opened.path));
  if (!folder.ok || !resolved.base.tokenizer.ok) return undefined;
  const read = await readDatasets({
    train: tablePlace(opened, data.train),
    eval: data.eval === null ? undefined : tablePlace(opened, data.eval),
    columns: data.columns,
    batch: batchInputs(resolved),
    maxTokens: uncut,
    buckets: 1,
    tokenizer: folder.value,
  });
  if (!read.ok || read.value.train === undefined) return undefined;
  return factsOf(resolved, read.value, read.value.train);
}

function factsOf(resolved: Resolved, { eval: evaluation, fields, tokenizer }: Datasets, train: Dataset): DataFacts {
  const { special } = tokenizer;
  const unknownId = special.unk?.id;
  let unknown = 0;
  for (const column of train.tokens.values()) for (const ids of column) for (const id of ids) if (id === unknownId) unknown += 1;
  const total = sum([...train.tokens.values()].flatMap((column) => column.map((ids) => ids.length)));
  const seen = new Set(keysOf(train));
  return {
    tokenizer: {
      size: tokenizer.vocabularySize,
      padId: special.pad?.id,
      eosId: special.eos?.id,
      unkId: unknownId,
      unknown: total === 0 ? 0 : unknown / total,
    },
    train: tableOf(resolved, train, fields, tokenizer),
    eval: evaluation === undefined ? undefined : tableOf(resolved, evaluation, fields, tokenizer),
    overlap: evaluation === undefined ? 0 : keysOf(evaluation).filter((key) => seen.has(key)).length,
  };
}

const sum = (list: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < list.length; i += 1) total += list[i] as number;
  return total;
};

/** One key for each row, by its tokens. */
function keysOf(table: Dataset): string[] {
  return Array.from({ length: table.size }, (_, row) => {
    const hash = createHash('sha1');
    for (const column of table.tokens.values()) {
      const ids = column[row] as Int32Array;
      hash.update(`${ids.length}:`).update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    }
    return hash.digest('base64');
  });
}

function tableOf(resolved: Resolved, table: Dataset, fields: readonly BatchField[], tokenizer: Tokenizer): TableFacts {
  const { max_length: most, buckets } = resolved.spec.data;
  const lengths = table.lengths.map((n) => Math.min(n, most));
  const special = tokenizer.before.length + tokenizer.after.length;
  const label = fields.find((f) => f.kind === 'class');
  const classOf = label === undefined ? undefined : table.classes.get(label.column);
  const classes =
    classOf === undefined || label?.kind !== 'class'
      ? undefined
      : counts(classOf, label.naming.kind === 'numbers' ? label.naming.count : 0);
  const keys = keysOf(table);
  const { batch, seed } = resolved.spec.tune;
  const chosen = chooseBuckets(lengths, most, buckets);
  return {
    rows: table.size,
    tokens: sum(lengths),
    longest: table.lengths.reduce((a, b) => Math.max(a, b), 0),
    cut: table.lengths.filter((n) => n > most).length,
    lost: sum(table.lengths) - sum(lengths),
    empty: table.lengths.filter((n) => n <= special).length,
    duplicates: table.size - new Set(keys).size,
    classes,
    sorted: classOf !== undefined && (classes ?? []).filter((n) => n > 0).length > 1 && runs(classOf) === new Set(classOf).size,
    padded: countTokens(lengths, planBatches(lengths, { batch, buckets: chosen, order: 'shuffled', seed }), batch).padded,
    counted: counted(table, fields, lengths),
  };
}

/** Rows of each class. */
function counts(labels: Int32Array, classes: number): number[] {
  const found = new Array<number>(classes).fill(0);
  for (const label of labels) if (label >= 0) found[label] = (found[label] ?? 0) + 1;
  return found;
}

/** Stretches of rows of one class. */
const runs = (labels: Int32Array): number => labels.reduce((n, label, i) => (i > 0 && labels[i - 1] === label ? n : n + 1), 0);

/** What the loss counts: rows, tags, or the tokens that have one before them. */
function counted(table: Dataset, fields: readonly BatchField[], lengths: Int32Array): number {
  const tags = fields.find((f) => f.kind === 'tags');
  if (tags !== undefined) return sum((table.tags.get(tags.column) ?? []).map((row) => row.filter((tag) => tag >= 0).length));
  return fields.some((f) => f.kind === 'targets') ? sum(lengths.map((n) => Math.max(0, n - 1))) : table.size;
}
