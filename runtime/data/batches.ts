/**
 * @file Batches: which examples stand together, padded to one of few compiled lengths.
 *
 * Shuffled order: the epoch's permutation is cut into windows of `window` batches, each window is sorted by length and cut
 * into batches (so that a batch holds texts of like length), and the batches of all windows are shuffled. A last short
 * batch is filled with empty rows: mask 0, label -100, number 0. Everything is a function of lengths, seed and epoch.
 */
import type { BatchField, Dataset } from './dataset.js';
import { ignoredLabel } from './labels.js';
import { permutation } from './shuffle.js';

/** How an epoch is cut into batches. */
export interface BatchOptions {
  /** Rows of a batch. */
  readonly batch: number;
  /** Compiled lengths, ascending; the last holds the longest example. */
  readonly buckets: readonly number[];
  /** `shuffled` for training; `sorted` by length for evaluation; `given`: as in the file. */
  readonly order: 'shuffled' | 'sorted' | 'given';
  readonly seed?: number;
  readonly epoch?: number;
  /** Leave out a last short batch. Default false. */
  readonly dropLast?: boolean;
  /** Batches sorted by length together; 1 switches length bucketing off. Default 50. */
  readonly window?: number;
}

/** Which examples a batch holds, in order of its rows, and the length it is padded to. */
export interface BatchPlan {
  readonly examples: readonly number[];
  readonly length: number;
}

/** Values of one field of a batch, row by row. */
export type BatchValues = Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** A batch as the device reads it: one array a field. */
export interface Batch {
  readonly length: number;
  /** Rows, filling rows included. */
  readonly rows: number;
  /** The example of each row; -1 for a filling row. */
  readonly examples: Int32Array;
  readonly fields: ReadonlyMap<string, BatchValues>;
}

/**
 * At most `count` lengths, multiples of 8 (or `max` itself), such that padding each example to the nearest costs the fewest
 * tokens. Examples longer than `max` count as `max`. The last length holds the longest example.
 */
export function chooseBuckets(lengths: ArrayLike<number>, max: number, count = 3): number[] {
  const weights = new Map<number, number>();
  for (let i = 0; i < lengths.length; i++) {
    const padded = Math.min(max, Math.max(8, Math.ceil(lengths[i]! / 8) * 8));
    weights.set(padded, (weights.get(padded) ?? 0) + 1);
  }
  const ends = [...weights.keys()].sort((a, b) => a - b);
  if (ends.length === 0) return [Math.min(8, max)];
  const upTo = [0];
  for (const end of ends) upTo.push(upTo[upTo.length - 1]! + weights.get(end)!);
  // best[j] = fewest tokens for the first j distinct lengths with the buckets used so far; cuts[k][j] = where the last begins.
  let best = ends.map((end, j) => end * upTo[j + 1]!);
  const cuts: number[][] = [ends.map(() => 0)];
  for (let k = 1; k < Math.min(count, ends.length); k++) {
    const cut = ends.map(() => 0);
    const next = best.map((whole, j) => {
      let least = whole;
      for (let i = 1; i <= j; i++) {
        const cost = best[i - 1]! + ends[j]! * (upTo[j + 1]! - upTo[i]!);
        if (cost < least) {
          least = cost;
          cut[j] = i;
        }
      }
      return least;
    });
    // No gain from one more bucket: where it changed nothing, the cut of the level before holds.
    for (let j = 0; j < ends.length; j++) if (next[j] === best[j]) cut[j] = -1;
    cuts.push(cut);
    best = next;
  }
  const buckets: number[] = [];
  let j = ends.length - 1;
  for (let k = cuts.length - 1; k >= 0 && j >= 0; k--) {
    const from = cuts[k]![j]!;
    if (from < 0) continue;
    buckets.push(ends[j]!);
    j = from - 1;
  }
  return buckets.reverse();
}

/** Cuts an epoch into batches. */
export function planBatches(lengths: Int32Array, options: BatchOptions): readonly BatchPlan[] {
  const { batch, buckets, order, seed = 0, epoch = 0, dropLast = false, window = 50 } = options;
  const count = lengths.length;
  const sequence = order === 'shuffled' ? permutation(count, seed, 2 * epoch) : Int32Array.from({ length: count }, (_, i) => i);
  // Sorting is stable and the order before it is determined, so the result is too.
  const span = order === 'given' || window <= 1 ? 0 : order === 'sorted' ? count : window * batch;
  const sorted = span === 0 ? [...sequence] : windowsOf(sequence, span).flatMap((part) => part.sort((a, b) => lengths[a]! - lengths[b]!));
  const plans = windowsOf(sorted, batch)
    .filter((examples) => !dropLast || examples.length === batch)
    .map((examples) => ({ examples, length: bucketOf(Math.max(0, ...examples.map((i) => lengths[i]!)), buckets) }));
  if (order !== 'shuffled') return plans;
  return [...permutation(plans.length, seed, 2 * epoch + 1)].map((i) => plans[i]!);
}

/** Fills the arrays of one batch. Tokens beyond the batch's length are left out. */
export function fillBatch(dataset: Dataset, fields: readonly BatchField[], plan: BatchPlan, rows: number, padId: number): Batch {
  const { length } = plan;
  const examples = new Int32Array(rows).fill(-1);
  examples.set(plan.examples);
  const filled = new Map(fields.map((field) => [field.name, fillField(dataset, field, plan, examples, padId)] as const));
  return { length, rows, examples, fields: filled };
}

function fillField(
  dataset: Dataset,
  field: BatchField,
  { examples: real, length }: BatchPlan,
  examples: Int32Array,
  padId: number,
): BatchValues {
  const { column } = field;
  /** A list of tokens, or of what goes with them, in each row, and `blank` behind it. */
  const padded = (lists: readonly Int32Array[], blank: number): Int32Array<ArrayBuffer> => {
    const values = new Int32Array(examples.length * length).fill(blank);
    for (const [row, i] of real.entries()) values.set(lists[i]!.subarray(0, length), row * length);
    return values;
  };
  switch (field.kind) {
    case 'tokens':
      return padded(dataset.tokens.get(column)!, padId);
    case 'targets':
      return padded(dataset.tokens.get(column)!, ignoredLabel);
    case 'tags':
      return padded(dataset.tags.get(column)!, ignoredLabel);
    case 'token_mask': {
      const tokens = dataset.tokens.get(column)!;
      const values = new Int32Array(examples.length * length);
      for (const [row, i] of real.entries()) values.fill(1, row * length, row * length + Math.min(tokens[i]!.length, length));
      return values;
    }
    case 'class': {
      const labels = dataset.classes.get(column)!;
      return Int32Array.from(examples, (i) => (i < 0 ? ignoredLabel : labels[i]!));
    }
    case 'number': {
      const numbers = dataset.numbers.get(column)!;
      return Float32Array.from(examples, (i) => (i < 0 ? 0 : numbers[i]!));
    }
    default:
      return field satisfies never;
  }
}

/** The batches of an epoch, one after the other. */
export function* batchesOf(dataset: Dataset, fields: readonly BatchField[], padId: number, options: BatchOptions): Generator<Batch, void> {
  for (const plan of planBatches(dataset.lengths, options)) yield fillBatch(dataset, fields, plan, options.batch, padId);
}

/** Tokens that batches hold and tokens they are padded to. */
export function countTokens(
  lengths: Int32Array,
  plans: readonly BatchPlan[],
  batch: number,
): { readonly real: number; readonly padded: number } {
  let real = 0;
  let padded = 0;
  for (const plan of plans) {
    for (const i of plan.examples) real += Math.min(lengths[i]!, plan.length);
    padded += plan.length * batch;
  }
  return { real, padded };
}

function bucketOf(length: number, buckets: readonly number[]): number {
  return buckets.find((bucket) => bucket >= length) ?? buckets[buckets.length - 1]!;
}

function windowsOf(sequence: ArrayLike<number>, size: number): number[][] {
  const all = Array.from(sequence);
  const parts: number[][] = [];
  for (let i = 0; i < all.length; i += size) parts.push(all.slice(i, i + size));
  return parts;
}
