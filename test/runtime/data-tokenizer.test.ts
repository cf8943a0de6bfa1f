/**
 * @file Tokenizers against Hugging Face's own: small ones of three kinds with recorded ids, and the real bases by a digest
 * of the ids of real data (`data-tokenizer-golden.py` made both).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { must, words } from './data-results.js';
import { readColumn, readTable } from '../../runtime/data/table.js';
import { encodeTexts, openTokenizer } from '../../runtime/data/tokenizer.js';

interface Golden {
  readonly tokenizers: readonly {
    readonly name: string;
    readonly tokenizer: Record<string, unknown>;
    readonly settings: Record<string, unknown>;
    readonly size: number;
    readonly cases: readonly { readonly text: string; readonly max: number | null; readonly ids: readonly number[] }[];
  }[];
  readonly shared: readonly {
    readonly model: string;
    readonly file: string;
    readonly column: number;
    readonly header: boolean;
    readonly max: number;
    readonly count: number;
    readonly sha256: string;
  }[];
}
const golden = JSON.parse(readFileSync(new URL('./data-tokenizer-golden.json', import.meta.url), 'utf8')) as Golden;

const root = mkdtempSync(join(tmpdir(), 'peft-tokenizer-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}
const recorded = (name: string): Golden['tokenizers'][number] => golden.tokenizers.find((one) => one.name === name)!;
const folderOfRecorded = (name: string): string =>
  folderOf({ 'tokenizer.json': recorded(name).tokenizer, 'tokenizer_config.json': recorded(name).settings });

describe.each(golden.tokenizers)('$name', ({ name, size, cases }) => {
  test('ids, whole and cut', async () => {
    const tokenizer = must(await openTokenizer(folderOfRecorded(name)));
    expect(tokenizer.vocabularySize).toBe(size);
    const got = cases.map(({ text, max }) => ({ text, max, ids: [...tokenizer.encode(text, max ?? undefined)] }));
    expect(got).toEqual(cases);
    for (const { text, max } of cases)
      if (max !== null) expect(tokenizer.truncate(tokenizer.encode(text), max)).toEqual(tokenizer.encode(text, max));
  });
});

test('special tokens', async () => {
  const pieces = must(await openTokenizer(folderOfRecorded('pieces')));
  expect(pieces).toMatchObject({
    padId: 0,
    before: [2],
    after: [3],
    maxLength: 64,
    special: { pad: { token: '[PAD]', id: 0 }, sep: { token: '[SEP]', id: 3 }, unk: { id: 1 }, cls: { id: 2 }, mask: { id: 4 } },
  });
  const fallback = must(await openTokenizer(folderOfRecorded('fallback')));
  expect(fallback).toMatchObject({ padId: 2, before: [1], after: [], maxLength: undefined, special: { bos: { id: 1 }, eos: { id: 2 } } });
  expect(fallback.special.pad).toBeUndefined();
  const level = must(await openTokenizer(folderOfRecorded('level')));
  expect(level).toMatchObject({ padId: 0, before: [], after: [] });
  const text = '정말 😀 따뜻한 film';
  expect(level.decode([...level.encode(text)])).toBe(text);
  expect(pieces.decode([...pieces.encode('the warm cat')])).toBe('the warm cat');
  expect(pieces.decode([...pieces.encode('the warm cat')], true)).toBe('[CLS] the warm cat [SEP]');
  expect(pieces.decode([])).toBe('');
});

test('special tokens named only in the older file', async () => {
  const folder = folderOf({ 'tokenizer.json': recorded('pieces').tokenizer, 'special_tokens_map.json': { pad_token: '[MASK]' } });
  expect(must(await openTokenizer(folder)).padId).toBe(4);
});

test('many texts', async () => {
  const tokenizer = must(await openTokenizer(folderOfRecorded('pieces')));
  const texts = ['the cat', 'warm '.repeat(50), ''];
  const progress: number[] = [];
  const encoded = must(await encodeTexts(tokenizer, texts, 8, (done) => progress.push(done)));
  expect(encoded.truncated).toBe(1);
  expect(encoded.ids.map((ids) => ids.length)).toEqual([4, 8, 2]);
  expect([encoded.ids[1]![0], encoded.ids[1]![7]]).toEqual([2, 3]);
  expect(progress).toEqual([3]);
  expect(words(await encodeTexts(tokenizer, texts, 2), tokenizer.folder)).toBe(
    '2 tokens leave no room for a text beside the 2 special tokens of tokenizer FILE | the least is 3 tokens',
  );
});

describe('a tokenizer is refused', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['none', { 'config.json': {} }, 'base FILE has no tokenizer.json | copy the tokenizer'],
    ['only a vocabulary', { 'vocab.txt': 'a' }, 'base FILE has its tokenizer only as vocab.txt, which is not read | convert it'],
    ['no JSON', { 'tokenizer.json': '{' }, 'tokenizer FILE/tokenizer.json is not valid JSON'],
    ['no model', { 'tokenizer.json': {} }, 'tokenizer FILE/tokenizer.json has no model'],
    [
      'unknown part',
      { 'tokenizer.json': { ...recorded('pieces').tokenizer, normalizer: { type: 'Dreamt' } } },
      'tokenizer FILE/tokenizer.json cannot be used: Unknown Normalizer type: Dreamt',
    ],
    [
      'broken settings',
      { 'tokenizer.json': recorded('pieces').tokenizer, 'tokenizer_config.json': '[]' },
      'tokenizer configuration FILE/tokenizer_config.json must hold a JSON object',
    ],
  ];
  test.each(cases)('%s', async (_, files, expected) => {
    const folder = folderOf(files);
    expect(words(await openTokenizer(folder), folder)).toContain(expected);
  });
  test('no folder', async () =>
    expect(words(await openTokenizer(join(root, 'none')), join(root, 'none'))).toContain('base FILE does not exist'));
});

const shared = '../shared';
if (!existsSync(join(shared, 'models'))) console.warn('data-tokenizer.test: real bases are not checked, because ../shared is missing');
describe.runIf(existsSync(join(shared, 'models'))).each(golden.shared)(
  '$model on $file',
  ({ model, file, column, header, max, count, sha256 }) => {
    test('200 texts, whole and cut, have the recorded ids', async () => {
      const tokenizer = must(await openTokenizer(join(shared, 'models', model)));
      const table = must(await readTable(join(shared, 'data', file), { header, take: 200 }));
      const texts = must(readColumn(table, table.columns[column]!)) as readonly string[];
      const ids = [...texts.map((text) => [...tokenizer.encode(text)]), ...texts.map((text) => [...tokenizer.encode(text, max)])];
      expect(ids.reduce((sum, one) => sum + one.length, 0)).toBe(count);
      expect(createHash('sha256').update(JSON.stringify(ids)).digest('hex')).toBe(sha256);
    });
  },
);
