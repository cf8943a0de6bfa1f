/**
 * @file Words with a tag each, real numbers, the batches they make, and the metrics of both.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { must, words } from './data-results.js';
import { fillBatch } from '../../runtime/data/batches.js';
import type { Cell } from '../../runtime/data/columns.js';
import { encodeTable, type BatchField, type Dataset } from '../../runtime/data/dataset.js';
import { readNumbers, readTags, readWords, type ClassNaming } from '../../runtime/data/labels.js';
import { confusionOf, macroF1Of, meanSquaredErrorOf, metrics, pearsonOf, spearmanOf, type Measured } from '../../runtime/data/metrics.js';
import type { Result } from '../../runtime/data/result.js';
import { readTable, type Table } from '../../runtime/data/table.js';
import { encodeWordLists, openTokenizer, type Tokenizer } from '../../runtime/data/tokenizer.js';

const root = mkdtempSync(join(tmpdir(), 'peft-labels-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tableOf = (columns: Readonly<Record<string, readonly Cell[]>>, firstRow = 1): Table => {
  const names = Object.keys(columns);
  const height = columns[names[0]!]!.length;
  const rows = Array.from({ length: height }, (_, i) => names.map((name) => columns[name]![i]!));
  return { path: 'T', format: 'jsonl', columns: names, rows, firstRow };
};
const three: ClassNaming = { kind: 'numbers', count: 3 };

const golden = JSON.parse(readFileSync(new URL('./data-tokenizer-golden.json', import.meta.url), 'utf8')) as {
  readonly tokenizers: readonly { readonly name: string; readonly tokenizer: object; readonly settings: object }[];
};
async function tokenizerOf(name: string, settings: object = {}): Promise<Tokenizer> {
  const one = golden.tokenizers.find((t) => t.name === name)!;
  const folder = mkdtempSync(join(root, 'tokenizer-'));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(one.tokenizer));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...one.settings, ...settings }));
  return must(await openTokenizer(folder));
}

describe('words as tokens', () => {
  // Recorded from tokenizers 0.23: encode(WORDS, is_pretokenized=True), for `level` with add_prefix_space.
  const given = ['the', 'warm-cat', 'film', '정말', 'a', 'New York'];
  const cases: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['pieces', [2, 60, 59, 1, 69, 88, 64, 7, 1, 1, 3], [-1, 0, 1, 1, 1, 2, 3, 4, 5, 5, -1]],
    [
      'fallback',
      [1, 284, 285, 48, 298, 278, 301, 305, 278, 239, 163, 152, 238, 170, 147, 278, 261, 278, 81, 264, 277, 278, 92, 272, 273, 110],
      [-1, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    ],
    [
      'level',
      [272, 262, 13, 281, 221, 283, 286, 265, 276, 221, 65, 221, 46, 69, 87, 221, 57, 79, 82, 75],
      [0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    ],
  ];
  test.each(cases)('%s has the ids of Hugging Face', async (name, ids, of) => {
    const encoded = (await tokenizerOf(name)).encodeWords(given);
    expect([...encoded.ids]).toEqual(ids);
    expect([...encoded.words]).toEqual(of);
  });

  test('cut on either side, special tokens kept', async () => {
    const right = (await tokenizerOf('pieces')).encodeWords(given, 5);
    expect([[...right.ids], [...right.words]]).toEqual([
      [2, 60, 59, 1, 3],
      [-1, 0, 1, 1, -1],
    ]);
    const left = (await tokenizerOf('pieces', { truncation_side: 'left' })).encodeWords(given, 5);
    expect([[...left.ids], [...left.words]]).toEqual([
      [2, 7, 1, 1, 3],
      [-1, 4, 5, 5, -1],
    ]);
  });

  test('many', async () => {
    const pieces = await tokenizerOf('pieces');
    const encoded = must(await encodeWordLists(pieces, [['the'], given], 5));
    expect(encoded.truncated).toBe(1);
    expect(encoded.rows.map((row) => row.ids.length)).toEqual([3, 5]);
    expect(words(await encodeWordLists(pieces, [given], 2))).toContain('2 tokens leave no room');
  });
});

describe('real numbers', () => {
  test('as text and as numbers', () => {
    const cells = ['3.5', ' -1e-3 ', '+4', '.5', '2.', 7, -0.25];
    expect([...must(readNumbers(tableOf({ y: cells }), 'y'))]).toEqual([3.5, Math.fround(-1e-3), 4, 0.5, 2, 7, -0.25]);
  });

  test.each<[string, Cell, string]>([
    ['a word', 'high', 'y "high" in row 12 of data file T is not a number'],
    ['nothing', '', 'y "" in row 12 of data file T is not a number'],
    ['missing', null, 'y (missing) in row 12 of data file T is not a number'],
    ['a truth value', true, 'y true in row 12 of data file T is not a number'],
    ['a list', [1], 'y (a structure) in row 12 of data file T is not a number'],
    ['not a number', NaN, 'y NaN in row 12 of data file T is not a number'],
    ['in hexadecimal', '0x10', 'y "0x10" in row 12 of data file T is not a number'],
    ['too large for 32 bits', '1e39', 'y "1e39" in row 12 of data file T is not a finite number of 32 bits'],
    ['infinite', Infinity, 'y Infinity in row 12 of data file T is not a finite number of 32 bits'],
  ])('%s', (_, cell, expected) => expect(words(readNumbers(tableOf({ y: [0, cell] }, 11), 'y'))).toContain(expected));
});

describe('words and tags', () => {
  const tagged = (text: Cell, label: Cell): Result<readonly Int32Array[]> => {
    const table = tableOf({ x: ['a', text], y: ['0', label] }, 11);
    const read = readWords(table, 'x');
    return read.ok ? readTags(table, 'y', three, { column: 'x', rows: read.value }) : read;
  };
  test.each<[string, Cell, Cell]>([
    ['separated by spaces', 'Kim went  home ', ' 1 0 2'],
    ['lists of numbers', ['Kim', 'went', 'home'], [1, 0, 2]],
    ['lists of text', ['Kim', 'went', 'New York'], ['1', '0', '2']],
    ['a text and a list', 'Kim went home', [1, 0, 2]],
  ])('%s', (_, text, label) => expect([...must(tagged(text, label))[1]!]).toEqual([1, 0, 2]));

  test('names in place of numbers', () => {
    const table = tableOf({ x: ['a b'], y: ['B O'] });
    const naming: ClassNaming = { kind: 'names', names: ['O', 'B'] };
    expect(must(readTags(table, 'y', naming, { column: 'x', rows: [['a', 'b']] })).map((tags) => [...tags])).toEqual([[1, 0]]);
  });

  test.each<[string, Cell, Cell, string]>([
    ['too few tags', 'a b c', '0 1', 'y in row 12 of data file T has 2 tags for the 3 words of x | write one tag for each word'],
    ['too many tags', ['a'], [0, 1], 'y in row 12 of data file T has 2 tags for the 1 word of x'],
    ['no tags', 'a b', '', 'y in row 12 of data file T has 0 tags for the 2 words of x'],
    ['outside', 'a b', '0 7', 'y 7 of word 2 in row 12 of data file T is outside 0..2 | the task has 3 labels, 0 to 2'],
    ['negative', 'a b', [0, -1], 'y -1 of word 2 in row 12 of data file T is outside 0..2'],
    ['a name', 'a b', 'B-PER O', 'y "B-PER" of word 1 in row 12 of data file T is not a whole number'],
    ['a fraction', 'a b', [0, 0.5], 'y 0.5 of word 2 in row 12 of data file T is not a whole number'],
    ['one number', 'a', 1, 'y in row 12 of data file T is neither text nor a list of tags'],
    ['tags missing', 'a', null, 'y in row 12 of data file T is missing'],
    ['an empty text', ' ', '', 'x in row 12 of data file T has no words'],
    ['an empty list', [], [], 'x in row 12 of data file T has no words'],
    ['a text missing', null, '0', 'x in row 12 of data file T is missing'],
    ['a word that is none', ['a', 3], [0, 0], 'word 2 of x in row 12 of data file T is no text but 3'],
    ['a structure', { a: 1 }, '0', 'x in row 12 of data file T is neither text nor a list of words'],
  ])('%s', (_, text, label, expected) => expect(words(tagged(text, label))).toContain(expected));

  test('lists of a Parquet file', async () => {
    // Columns `tokens` (lists of text), `tags` (lists of 64-bit integers) and `score`, of two rows; made by hyparquet-writer.
    const path = join(root, 'rows.parquet');
    writeFileSync(
      path,
      Buffer.from(
        'UEFSMRUGFTAVNFwVBhUAFQQVABUGFQQAAAMCAz8AE0gDAAAAdGhlAwAAAGNhdAEAAABhFQYVOhUuXBUGFQAVBBUAFQYVBAAAAwIDPwAYAAANAQACDQgcAQAAAAAAAAAVBhUkFSRcFQQVABUEFQAVBBUAAAADAxAAAAUBJPg/AAAAAAAAAMAVBBmMSARyb290FQYANQIYBnRva2VucxUCFQYANQQYBGxpc3QVAgAVDCUCGAdlbGVtZW50JQAANQIYBHRhZ3MVAhUGADUEGARsaXN0FQIAFQQlAhgHZWxlbWVudAAVCiUCGAVzY29yZQAWBBkcGTwmCBwVDBkVABk4BnRva2VucwRsaXN0B2VsZW1lbnQVAhYGFloWXiYIPDYAKAN0aGUYAWEAGRwVBhUAFQIAAAAmZhwVBBkVABk4BHRhZ3MEbGlzdAdlbGVtZW50FQIWBhZkFlgmZjw2ACgIAgAAAAAAAAAYCAAAAAAAAAAAABkcFQYVABUCAAAAJr4BHBUKGRUAGRgFc2NvcmUVAhYEFk4WTia+ATw2ACgIAAAAAAAA+D8YCAAAAAAAAADANgAAGRwVBhUAFQIAAAAWjAIWBDaEAgAoCWh5cGFycXVldBk8HAAAHAAAHAAAAFgBAABQQVIx',
        'base64',
      ),
    );
    const table = must(await readTable(path, { columns: ['tokens', 'tags', 'score'] }));
    const rows = must(readWords(table, 'tokens'));
    expect(rows).toEqual([['the', 'cat'], ['a']]);
    expect(must(readTags(table, 'tags', three, { column: 'tokens', rows })).map((tags) => [...tags])).toEqual([[0, 2], [1]]);
    expect([...must(readNumbers(table, 'score'))]).toEqual([1.5, -2]);
  });

  test('lists of a JSON-lines file', async () => {
    const path = join(root, 'rows.jsonl');
    writeFileSync(path, '{"tokens":["the","cat"],"tags":[0,2]}\n{"tokens":["a"],"tags":["1"]}\n');
    const table = must(await readTable(path, { columns: ['tokens', 'tags'] }));
    const rows = must(readWords(table, 'tokens'));
    expect(must(readTags(table, 'tags', three, { column: 'tokens', rows })).map((tags) => [...tags])).toEqual([[0, 2], [1]]);
  });
});

describe('batches', () => {
  const fields: readonly BatchField[] = [
    { name: 'ids', kind: 'tokens', column: 'x' },
    { name: 'mask', kind: 'token_mask', column: 'x' },
    { name: 'label', kind: 'tags', column: 'y', naming: three, words: 'x' },
    { name: 'score', kind: 'number', column: 'z' },
  ];
  const table = tableOf({ x: ['warm-cat the', 'film'], y: ['2 1', '0'], z: ['-1.5', 4] });
  const small = async (max = 16): Promise<Dataset> => must(await encodeTable(table, fields, await tokenizerOf('pieces'), max));
  const filled = (data: Dataset, length: number): Record<string, number[]> =>
    Object.fromEntries(
      [...fillBatch(data, fields, { examples: [1, 0], length }, 3, 0).fields].map(([name, values]) => [name, [...values]]),
    );

  test('the first token of each word has its tag, padding and filling rows have none', async () => {
    const data = await small();
    expect(data).toMatchObject({ size: 2, truncated: 0, lengths: Int32Array.of(6, 3) });
    const none = -100;
    expect(filled(data, 7)).toEqual({
      ids: [2, 88, 3, 0, 0, 0, 0, 2, 59, 1, 69, 60, 3, 0, 0, 0, 0, 0, 0, 0, 0],
      mask: [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
      label: [none, 0, none, none, none, none, none, none, 2, none, none, 1, none, none, none, none, none, none, none, none, none],
      score: [4, -1.5, 0],
    });
    expect(fillBatch(data, fields, { examples: [0], length: 8 }, 1, 0).fields.get('score')).toBeInstanceOf(Float32Array);
  });

  test('tags are cut with their words', async () => {
    const data = await small(4);
    expect(data.truncated).toBe(1);
    expect([...data.tags.get('y')![0]!]).toEqual([-100, 2, -100, -100]);
    expect(data.tokens.get('x')![0]!.length).toBe(4);
  });

  test('mistakes are found', async () => {
    const pieces = await tokenizerOf('pieces');
    expect(words(await encodeTable(tableOf({ x: ['a b'], y: ['0'], z: [1] }), fields, pieces, 8))).toContain(
      'has 1 tag for the 2 words of x',
    );
    expect(words(await encodeTable(tableOf({ x: ['a'], y: ['0'], z: ['?'] }), fields, pieces, 8))).toContain(
      'z "?" in row 1 of data file T is not a number',
    );
  });
});

describe('metrics', () => {
  // From SciPy 1.17: pearsonr and spearmanr.
  const x = [0.1, 2.5, 2.5, -1.0, 4.0, 3.9];
  const y = [0.0, 2.0, 3.0, -0.5, 5.0, 5.0];
  test('of numbers', () => {
    expect(pearsonOf(x, y)).toBeCloseTo(0.9720403054902151, 12);
    expect(spearmanOf(x, y)).toBeCloseTo(0.9705882352941178, 12);
    expect(meanSquaredErrorOf(x, y)).toBeCloseTo(0.495, 12);
    expect(
      pearsonOf(
        x,
        x.map((v) => 1e6 - 2 * v),
      ),
    ).toBeCloseTo(-1, 9);
    expect(
      spearmanOf(
        x,
        x.map((v) => v ** 3),
      ),
    ).toBe(1);
    expect([pearsonOf([1, 1], [1, 2]), spearmanOf([1, 2], [3, 3]), spearmanOf([NaN, 1], [1, 2]), meanSquaredErrorOf([], [])]).toEqual([
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });

  test('the mean F1 without the first class', () => {
    // By hand: class 1 has one hit of two truths and two guesses, class 2 one of one and one.
    const confusion = confusionOf([0, 1, 1, 2, 0], [0, 0, 1, 2, 1], 3);
    expect(macroF1Of(confusion, 1)).toBeCloseTo((1 / 2 + 1) / 2, 12);
    expect(macroF1Of(confusion)).toBeCloseTo((1 / 2 + 1 / 2 + 1) / 3, 12);
    expect(macroF1Of(confusionOf([0], [0], 3), 1)).toBe(0);
  });

  const of = (name: string, more: Partial<Measured>): number | undefined =>
    metrics.get(name)!.measure({ lossSum: 6, count: 4, predictions: [], truths: [], kind: undefined, classes: 0, ...more });
  test('by name, of what they mean something for', () => {
    const guesses = { predictions: [0, 1, 1, 2, 0], truths: [0, 0, 1, 2, 1], classes: 3 };
    expect(of('f1', { ...guesses, kind: 'tags' })).toBeCloseTo(3 / 4, 12);
    expect(of('f1', { ...guesses, kind: 'class' })).toBeCloseTo(2 / 3, 12);
    expect(of('f1', { predictions: [1, 0], truths: [1, 1], classes: 2, kind: 'tags' })).toBeCloseTo(2 / 3, 12);
    expect(of('accuracy', { ...guesses, kind: 'tags' })).toBeCloseTo(3 / 5, 12);
    expect(of('pearson', { predictions: x, truths: y, kind: 'number' })).toBeCloseTo(0.9720403054902151, 12);
    expect(of('mse', { predictions: x, truths: y, kind: 'number' })).toBeCloseTo(0.495, 12);
    expect([of('accuracy', { kind: 'number' }), of('spearman', { ...guesses, kind: 'class' }), of('f1', {})]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([of('loss', {}), of('perplexity', {})]).toEqual([1.5, Math.exp(1.5)]);
  });
});
