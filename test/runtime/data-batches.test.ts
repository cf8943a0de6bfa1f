/**
 * @file Labels, encoded tables, batches and metrics.
 */
import { describe, expect, test } from 'vitest';
import { must, words } from './data-results.js';
import { batchesOf, chooseBuckets, countTokens, fillBatch, planBatches, type BatchOptions } from '../../runtime/data/batches.js';
import type { Cell } from '../../runtime/data/columns.js';
import { encodeTable, type BatchField, type Dataset } from '../../runtime/data/dataset.js';
import { readClasses, readTexts, type ClassNaming } from '../../runtime/data/labels.js';
import { accuracyOf, confusionOf, f1Of, macroF1Of, perplexityOf } from '../../runtime/data/metrics.js';
import { mixBits, permutation } from '../../runtime/data/shuffle.js';
import type { Table } from '../../runtime/data/table.js';
import type { Tokenizer } from '../../runtime/data/tokenizer.js';

const tableOf = (columns: Readonly<Record<string, readonly Cell[]>>, firstRow = 1): Table => {
  const names = Object.keys(columns);
  const height = columns[names[0]!]!.length;
  return {
    path: 'T',
    format: 'tsv',
    columns: names,
    rows: Array.from({ length: height }, (_, i) => names.map((name) => columns[name]![i]!)),
    firstRow,
  };
};
const two: ClassNaming = { kind: 'numbers', count: 2 };
const named: ClassNaming = { kind: 'names', names: ['negative', 'positive'] };

describe('labels', () => {
  const good: readonly (readonly [string, readonly Cell[], ClassNaming, readonly number[]])[] = [
    ['whole numbers as text', ['0', ' 1 ', '+1', '01'], two, [0, 1, 1, 1]],
    ['numbers', [1, 0], two, [1, 0]],
    ['truth values', [true, false], two, [1, 0]],
    ['names', ['positive', 'negative'], named, [1, 0]],
    ['names that are numbers', [5, '7', true], { kind: 'names', names: ['7', '5', 'true'] }, [1, 0, 2]],
  ];
  test.each(good)('%s', (_, cells, naming, expected) =>
    expect([...must(readClasses(tableOf({ y: cells }), 'y', naming))]).toEqual(expected),
  );

  const bad: readonly (readonly [string, readonly Cell[], ClassNaming, string])[] = [
    ['outside', ['0', '7'], two, 'y 7 in row 12 of data file T is outside 0..1 | the task has 2 labels, 0 to 1'],
    [
      'counted from 1',
      ['1', '2'],
      two,
      'y 2 in row 12 of data file T is outside 0..1 | labels count from 0; with labels: 3 it would be the last',
    ],
    ['negative', [0, -1], two, 'y -1 in row 12 of data file T is outside 0..1'],
    ['a fraction', ['0', '0.5'], two, 'y "0.5" in row 12 of data file T is not a whole number'],
    ['a word', [0, 'positive'], two, 'y "positive" in row 12 of data file T is not a whole number | name the classes'],
    ['nothing', ['0', ''], two, 'y "" in row 12 of data file T is not a whole number'],
    ['missing', [1, null], two, 'y (missing) in row 12 of data file T is not a whole number'],
    [
      'an unknown name',
      ['positive', 'negativ'],
      named,
      'y "negativ" in row 12 of data file T is none of the classes | did you mean "negative"?',
    ],
    ['a structure', [0, [1]], two, 'y (a structure) in row 12 of data file T is not a whole number'],
  ];
  test.each(bad)('%s', (_, cells, naming, expected) =>
    expect(words(readClasses(tableOf({ y: cells }, 11), 'y', naming))).toContain(expected),
  );

  test('texts', () => {
    expect(must(readTexts(tableOf({ x: ['a', ''] }), 'x'))).toEqual(['a', '']);
    expect(words(readTexts(tableOf({ x: ['a', null] }, 5), 'x'))).toContain('x in row 6 of data file T is missing');
    expect(words(readTexts(tableOf({ x: [3] }), 'x'))).toContain('x in row 1 of data file T is no text but the value 3');
    expect(words(readTexts(tableOf({ text: ['a'] }), 'tetx'))).toContain('has no column "tetx" | did you mean "text"?');
  });
});

/** One id a character, between 1 and 2. */
const letters: Tokenizer = {
  folder: 'L',
  vocabularySize: 300,
  special: {},
  padId: 9,
  before: [1],
  after: [2],
  maxLength: undefined,
  encode: (text, max = Infinity) => letters.truncate(Int32Array.from([1, ...Buffer.from(text), 2]), max),
  encodeWords: () => ({ ids: Int32Array.of(1, 2), words: Int32Array.of(-1, -1) }),
  truncate: (ids, max) => (ids.length <= max ? ids : Int32Array.from([...ids.subarray(0, max - 1), 2])),
  decode: () => '',
};
const fields: readonly BatchField[] = [
  { name: 'ids', kind: 'tokens', column: 'text' },
  { name: 'mask', kind: 'token_mask', column: 'text' },
  { name: 'target', kind: 'targets', column: 'text' },
  { name: 'label', kind: 'class', column: 'y', naming: two },
];
const small = (): Promise<Dataset> =>
  encodeTable(tableOf({ text: ['AB', 'C', 'DEFGHIJ'], y: ['1', '0', '1'] }), fields, letters, 8).then(must);

describe('batches', () => {
  test('a table is encoded', async () => {
    const dataset = await small();
    expect(dataset).toMatchObject({
      size: 3,
      truncated: 1,
      lengths: Int32Array.of(4, 3, 8),
      classes: new Map([['y', Int32Array.of(1, 0, 1)]]),
    });
    expect(dataset.tokens.get('text')).toEqual([
      Int32Array.of(1, 65, 66, 2),
      Int32Array.of(1, 67, 2),
      Int32Array.of(1, 68, 69, 70, 71, 72, 73, 2),
    ]);
    expect(words(await encodeTable(tableOf({ text: ['a'], y: ['2'] }), fields, letters, 8))).toContain(
      'y 2 in row 1 of data file T is outside 0..1',
    );
    expect(words(await encodeTable(tableOf({ text: ['a'], y: ['1'] }), fields, letters, 2))).toContain('2 tokens leave no room');
  });

  test('fields, padding and filling rows', async () => {
    const batch = fillBatch(await small(), fields, { examples: [1, 0], length: 5 }, 3, letters.padId);
    expect(Object.fromEntries([...batch.fields].map(([name, values]) => [name, [...values]]))).toEqual({
      ids: [1, 67, 2, 9, 9, 1, 65, 66, 2, 9, 9, 9, 9, 9, 9],
      mask: [1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
      target: [1, 67, 2, -100, -100, 1, 65, 66, 2, -100, -100, -100, -100, -100, -100],
      label: [0, 1, -100],
    });
    expect([batch.rows, batch.length, [...batch.examples]]).toEqual([3, 5, [1, 0, -1]]);
  });

  test('in the order given', async () => {
    const dataset = await small();
    const batches = [...batchesOf(dataset, fields, 9, { batch: 2, buckets: [4, 8], order: 'given' })];
    expect(batches.map(({ length, examples, rows }) => [length, rows, [...examples]])).toEqual([
      [4, 2, [0, 1]],
      [8, 2, [2, -1]],
    ]);
    expect([...batchesOf(dataset, fields, 9, { batch: 2, buckets: [4, 8], order: 'given', dropLast: true })].length).toBe(1);
    expect(planBatches(dataset.lengths, { batch: 2, buckets: [4, 8], order: 'sorted' })).toEqual([
      { examples: [1, 0], length: 4 },
      { examples: [2], length: 8 },
    ]);
  });

  // Lengths with a long tail, as reviews have.
  const lengths = Int32Array.from({ length: 1003 }, (_, i) => 3 + Math.floor(120 * (mixBits(1, 2, i) / 2 ** 32) ** 3));
  const options: BatchOptions = { batch: 16, buckets: chooseBuckets(lengths, 128), order: 'shuffled', seed: 42, epoch: 0 };
  const flat = (o: BatchOptions): number[] => planBatches(lengths, o).flatMap(({ examples }) => [...examples]);

  test('every example once, each in a length that holds it, in an order that only seed and epoch determine', () => {
    const plans = planBatches(lengths, options);
    expect(plans.length).toBe(Math.ceil(1003 / 16));
    expect(flat(options).sort((a, b) => a - b)).toEqual(Array.from({ length: 1003 }, (_, i) => i));
    expect(plans.every(({ examples, length }) => options.buckets.includes(length) && examples.every((i) => lengths[i]! <= length))).toBe(
      true,
    );
    expect(planBatches(lengths, options)).toEqual(plans);
    expect(flat({ ...options, epoch: 1 })).not.toEqual(flat(options));
    expect(flat({ ...options, seed: 43 })).not.toEqual(flat(options));
    expect(plans.filter(({ examples }) => examples.length < 16).length).toBe(1);
    expect(planBatches(lengths, { ...options, dropLast: true }).every(({ examples }) => examples.length === 16)).toBe(true);
  });

  test('bucketing saves padding and leaves the batches in mixed order', () => {
    const padded = (o: BatchOptions): number => countTokens(lengths, planBatches(lengths, o), 16).padded;
    expect(padded(options)).toBeLessThan(0.8 * padded({ ...options, window: 1 }));
    const means = planBatches(lengths, options).map(({ examples }) => examples.reduce((sum, i) => sum + lengths[i]!, 0) / examples.length);
    const rises = means.slice(1).filter((mean, i) => mean > means[i]!).length;
    expect(rises).toBeGreaterThan(means.length / 4);
    expect(rises).toBeLessThan((means.length * 3) / 4);
    expect(countTokens(lengths, planBatches(lengths, options), 16).real).toBe(lengths.reduce((a, b) => a + b, 0));
  });

  test('no examples', () => {
    expect(planBatches(new Int32Array(0), options)).toEqual([]);
    expect(chooseBuckets([], 128)).toEqual([8]);
  });
});

describe('lengths of buckets', () => {
  const cost = (lengths: readonly number[], buckets: readonly number[]): number =>
    lengths.reduce((sum, n) => sum + buckets.find((b) => b >= n)!, 0);
  const cases: readonly (readonly [readonly number[], number, number, readonly number[]])[] = [
    [[3], 128, 3, [8]],
    [[0, 8, 9], 128, 3, [8, 16]],
    [[5, 5, 5, 60, 128], 128, 3, [8, 64, 128]],
    [[200, 300], 100, 3, [100]],
    [[97], 100, 1, [100]],
    [[1, 20, 40, 60], 128, 1, [64]],
    [[4], 4, 3, [4]],
  ];
  test.each(cases)('%j at most %i in %i', (lengths, max, count, expected) => expect(chooseBuckets(lengths, max, count)).toEqual(expected));

  test('none cheaper exists', () => {
    for (let round = 0; round < 60; round++) {
      const lengths = Array.from({ length: 1 + (mixBits(5, round, 99) % 30) }, (_, i) => 1 + (mixBits(5, round, i) % 72));
      const count = 1 + (round % 4);
      const chosen = chooseBuckets(lengths, 72, count);
      expect(chosen.length).toBeLessThanOrEqual(count);
      // All sets of at most `count` multiples of 8 that hold the longest.
      const top = Math.ceil(Math.max(...lengths) / 8) * 8;
      const below = Array.from({ length: top / 8 - 1 }, (_, i) => 8 * (i + 1));
      let least = Infinity;
      for (let set = 0; set < 2 ** below.length; set++) {
        const buckets = [...below.filter((_, i) => (set >> i) & 1), top];
        if (buckets.length <= count) least = Math.min(least, cost(lengths, buckets));
      }
      expect(cost(lengths, chosen)).toBe(least);
    }
  });
});

describe('shuffling', () => {
  test('every order of four comes about equally often', () => {
    const counts = new Map<string, number>();
    const rounds = 24_000;
    for (let i = 0; i < rounds; i++) {
      const key = permutation(4, 7, i).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // Chi-squared with 23 degrees of freedom exceeds 49.7 in one of a thousand cases; a shuffle that always leaves the
    // last in place would give 24,000 times 3.
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - rounds / 24) ** 2 / (rounds / 24), 0);
    expect(chi).toBeLessThan(49.7);
  });
});

describe('metrics', () => {
  // Counted by hand; macro over the classes that are there or were predicted, as scikit-learn takes it.
  const cases: readonly (readonly [string, readonly number[], readonly number[], number, number, number, number])[] = [
    ['two classes', [1, 0, 1, 1, 0], [1, 0, 0, 1, 1], 2, 3 / 5, 2 / 3, (2 / 3 + 1 / 2) / 2],
    ['all right', [0, 1], [0, 1], 2, 1, 1, 1],
    ['never positive', [0, 0], [0, 1], 2, 1 / 2, 0, 1 / 3],
    ['three classes, one absent', [0, 1, 1], [0, 1, 0], 3, 2 / 3, 2 / 3, 2 / 3],
    ['ignored rows', [0, 1, 1], [0, -100, 1], 2, 1, 1, 1],
    ['a prediction outside', [5, 1], [0, 1], 2, 1 / 2, 1, 1 / 2],
  ];
  test.each(cases)('%s', (_, predictions, labels, classes, accuracy, f1, macro) => {
    const confusion = confusionOf(predictions, labels, classes);
    expect(accuracyOf(confusion)).toBeCloseTo(accuracy, 12);
    expect(f1Of(confusion)).toBeCloseTo(f1, 12);
    expect(macroF1Of(confusion)).toBeCloseTo(macro, 12);
  });

  test('nothing counted', () => {
    const confusion = confusionOf([1], [-100], 2);
    expect([accuracyOf(confusion), f1Of(confusion), macroF1Of(confusion), perplexityOf(0, 0)]).toEqual([NaN, 0, NaN, NaN]);
  });

  test('perplexity of a uniform guess is the number of choices', () => expect(perplexityOf(10 * Math.log(512), 10)).toBeCloseTo(512, 9));
});
