/**
 * @file Tables: what each format gives, and how damaged files are answered. Cases are the text of a file and what is
 * expected of it; `describeTable` must agree with `readTable` on every one.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { must, words } from './data-results.js';
import type { Cell } from '../../runtime/data/columns.js';
import { describeTable, readColumn, readTable, type TableOptions } from '../../runtime/data/table.js';
import { firstInvalidByte } from '../../runtime/data/text.js';

const folder = mkdtempSync(join(tmpdir(), 'peft-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function fileOf(extension: string, content: string | Uint8Array): string {
  const path = join(folder, `${files++}.${extension}`);
  writeFileSync(path, content);
  return path;
}

describe('a table reads', () => {
  const cases: readonly (readonly [string, string, string, TableOptions, readonly string[], readonly (readonly Cell[])[]])[] = [
    [
      'TSV',
      'tsv',
      'id\ttext\n1\tgood\n2\tbad\n',
      {},
      ['id', 'text'],
      [
        ['1', 'good'],
        ['2', 'bad'],
      ],
    ],
    ['TSV without a last line end', 'tsv', 'id\ttext\n1\tgood', {}, ['id', 'text'], [['1', 'good']]],
    ['TSV with CRLF and a mark of UTF-8', 'tsv', '\ufeffid\ttext\r\n1\tgood\r\n', {}, ['id', 'text'], [['1', 'good']]],
    [
      'TSV where quotes are nothing special',
      'tsv',
      'a\tb\n"x\ty"\n\'"\t""\n',
      {},
      ['a', 'b'],
      [
        ['"x', 'y"'],
        ['\'"', '""'],
      ],
    ],
    [
      'TSV with an empty field',
      'tsv',
      'id\ttext\tlabel\n1\t\t0\n\t\t\n',
      {},
      ['id', 'text', 'label'],
      [
        ['1', '', '0'],
        ['', '', ''],
      ],
    ],
    [
      'TSV with blank lines',
      'tsv',
      'a\tb\n\n1\t2\n\n\n3\t4\n\n',
      {},
      ['a', 'b'],
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'TSV without a header',
      'tsv',
      'fine film\t1\ndull\t0\n',
      { header: false },
      ['0', '1'],
      [
        ['fine film', '1'],
        ['dull', '0'],
      ],
    ],
    ['TSV without a header, named', 'tsv', 'fine\t1\n', { header: false, names: ['text', 'label'] }, ['text', 'label'], [['fine', '1']]],
    ['TSV, some columns in another order', 'tsv', 'a\tb\tc\n1\t2\t3\n', { columns: ['c', 'a'] }, ['c', 'a'], [['3', '1']]],
    ['TSV, skip and take', 'tsv', 'a\n1\n2\n3\n4\n', { skip: 1, take: 2 }, ['a'], [['2'], ['3']]],
    ['TSV, take more than there is', 'tsv', 'a\n1\n2\n', { take: 9 }, ['a'], [['1'], ['2']]],
    [
      'Korean',
      'tsv',
      'id\tdocument\tlabel\n9\t꼭 보라 하진 않겟지만..😀\t1\n',
      {},
      ['id', 'document', 'label'],
      [['9', '꼭 보라 하진 않겟지만..😀', '1']],
    ],
    ['CSV', 'csv', 'a,b\n1,2\n', {}, ['a', 'b'], [['1', '2']]],
    [
      'CSV with quotes, commas and line ends',
      'csv',
      'text,label\n"one, ""two""\nthree",1\nx,0\n',
      {},
      ['text', 'label'],
      [
        ['one, "two"\nthree', '1'],
        ['x', '0'],
      ],
    ],
    ['CSV with CRLF and a mark of UTF-8', 'csv', '\ufefftext,label\r\nx,0\r\n', {}, ['text', 'label'], [['x', '0']]],
    ['CSV without a header', 'csv', 'x,0\n', { header: false }, ['0', '1'], [['x', '0']]],
    [
      'JSON lines',
      'jsonl',
      '{"text":"a","label":1}\n{"label":0,"text":"b"}\n',
      {},
      ['text', 'label'],
      [
        ['a', 1],
        ['b', 0],
      ],
    ],
    [
      'JSON lines with all kinds of value',
      'jsonl',
      '{"a":null,"b":true,"c":[1,"x"],"d":{"e":2}}\n',
      {},
      ['a', 'b', 'c', 'd'],
      [[null, true, [1, 'x'], { e: 2 }]],
    ],
    [
      'JSON lines, a key left out',
      'jsonl',
      '{"a":1,"b":2}\n\n{"a":3,"c":4}\n',
      {},
      ['a', 'b'],
      [
        [1, 2],
        [3, null],
      ],
    ],
    [
      'JSON lines, columns, skip and take',
      'jsonl',
      '{"a":1}\n{"a":2,"b":5}\n{"a":3}\n',
      { columns: ['b'], skip: 1, take: 1 },
      ['b'],
      [[5]],
    ],
    ['plain text', 'txt', 'once upon\n\n a time\n', {}, ['text'], [['once upon'], [' a time']]],
    ['a format that is named', 'data', 'a\tb\n1\t2\n', { format: 'tsv' }, ['a', 'b'], [['1', '2']]],
  ];
  test.each(cases)('%s', async (_, extension, content, options, columns, rows) => {
    const path = fileOf(extension, content);
    const table = must(await readTable(path, options));
    expect(table.columns).toEqual(columns);
    expect(table.rows).toEqual(rows);
    expect(table.firstRow).toBe((options.skip ?? 0) + 1);
    const described = must(await describeTable(path, options));
    expect(described).toEqual({ path, format: table.format, columns, rowCount: rows.length, first: rows[0] });
  });

  test('whatever the pieces that it is read in', async () => {
    // More than one piece of 1 MiB, lines of any length up to several pieces, characters of 1 to 4 bytes at the seams.
    const rows = Array.from({ length: 60 }, (_, i) => [String(i), 'aé한😀'.repeat(i === 31 ? 400_000 : (i * 7919) % 20_000)]);
    for (const [extension, content] of [
      ['tsv', `n\ttext\n${rows.map((row) => row.join('\t')).join('\n')}`],
      ['csv', `n,text\n${rows.map((row) => row.join(',')).join('\n')}`],
      ['jsonl', rows.map(([n, text]) => JSON.stringify({ n, text })).join('\n')],
    ] as const) {
      const path = fileOf(extension, content);
      const table = must(await readTable(path));
      expect(table.rows.length).toBe(rows.length);
      expect(table.rows.findIndex((row, i) => row[0] !== rows[i]![0] || row[1] !== rows[i]![1])).toBe(-1);
      expect(must(await describeTable(path)).rowCount).toBe(rows.length);
    }
  });

  test('no more of a file than is asked for', async () => {
    const good = 'a\tb\n' + '1\t2\n'.repeat(1000);
    const path = fileOf('tsv', Buffer.concat([Buffer.from(good + 'x'.repeat(3 << 20) + '\n'), Buffer.from([0xff])]));
    expect(must(await readTable(path, { take: 5 })).rows.length).toBe(5);
    expect((await readTable(path)).ok).toBe(false);
  });
});

describe('a table is refused', () => {
  const bytes = (...parts: (string | number[])[]): Uint8Array => Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const cases: readonly (readonly [string, string, string | Uint8Array, TableOptions, string])[] = [
    ['empty', 'tsv', '', {}, 'data file FILE is empty'],
    ['only blank lines', 'tsv', '\n\n', {}, 'data file FILE is empty'],
    ['only a header', 'tsv', 'a\tb\n', {}, 'data file FILE has no rows'],
    ['empty CSV', 'csv', '', {}, 'data file FILE is empty'],
    ['empty JSON lines', 'jsonl', '\n', {}, 'data file FILE has no rows'],
    ['empty Parquet', 'parquet', '', {}, 'data file FILE is empty'],
    ['fewer rows than are skipped', 'tsv', 'a\n1\n', { skip: 3 }, 'data file FILE has no rows after the first 3'],
    [
      'missing column',
      'tsv',
      'id\tdocument\tlabel\n1\tx\t0\n',
      { columns: ['documnet'] },
      'data file FILE has no column "documnet" | did you mean "document"?',
    ],
    ['missing column, none near', 'csv', 'id,text\n1,x\n', { columns: ['sentiment'] }, 'has no column "sentiment" | there is "id", "text"'],
    ['missing column of JSON lines', 'jsonl', '{"text":"x"}\n', { columns: ['tetx'] }, 'has no column "tetx" | did you mean "text"?'],
    ['missing field of JSON lines', 'jsonl', '{"t":"x"}\n{"u":1}\n', { columns: ['t'] }, 'line 2 of data file FILE has no field "t"'],
    ['row too short', 'tsv', 'a\tb\n1\t2\n3\n', {}, 'line 3 of data file FILE has 1 field, but the header has 2'],
    ['row too long', 'tsv', 'a\tb\n\n1\t2\t3\n', {}, 'line 3 of data file FILE has 3 fields, but the header has 2'],
    ['ragged without a header', 'tsv', '1\t2\n3\n', { header: false }, 'line 2 of data file FILE has 1 field, but the lines before have 2'],
    ['ragged CSV', 'csv', 'a,b\n"x\ny",2\n3\n', {}, 'line 4 of data file FILE has 1 field, but the header has 2'],
    ['two columns of a name', 'csv', 'a,a\n1,2\n', {}, 'has two columns "a" | say header: false'],
    ['wrong number of names', 'tsv', 'x\t1\n', { header: false, names: ['text'] }, 'has 2 columns, but 1 name is given'],
    ['open quote', 'csv', 'a,b\n"x,1\ny,2\n', {}, 'has a quoted field that is not closed'],
    ['stray quote', 'csv', 'a,b\nx"y,1\n', {}, 'stray double quote in line 2'],
    ['quote closed early', 'csv', 'a,b\n"x"y,1\n', {}, 'stray double quote in line 2'],
    ['no JSON', 'jsonl', '{"a":1}\n{"a":\n', {}, 'line 2 of data file FILE is not valid JSON'],
    ['a list of JSON', 'jsonl', '[\n{"a":1}\n]\n', {}, 'line 1 of data file FILE is not valid JSON | write one object a line'],
    ['JSON that is no object', 'jsonl', '3\n', {}, 'line 1 of data file FILE is not a JSON object'],
    ['a .json file', 'json', '[]', {}, 'the format of data file FILE is not known from its name | write one JSON object a line'],
    ['an unknown format', 'xlsx', 'PK', {}, 'is not known from its name | the formats are tsv, csv, jsonl, parquet, text'],
    ['malformed UTF-8', 'tsv', bytes('a\n한글\nx', [0xc3, 0x28], '\n'), {}, 'data file FILE is not valid UTF-8 in line 3, at byte 10'],
    ['malformed UTF-8 in CSV', 'csv', bytes('a,b\n1,"', [0xff], '"\n'), {}, 'data file FILE is not valid UTF-8 in line 2, at byte 7'],
    [
      'malformed UTF-8 in JSON',
      'jsonl',
      bytes('{"a":"', [0xed, 0xa0, 0x80], '"}\n'),
      {},
      'data file FILE is not valid UTF-8 in line 1, at byte 6',
    ],
    ['cut within a character', 'tsv', bytes('a\nx', [0xed, 0x95]), {}, 'data file FILE is not valid UTF-8 in line 2, at byte 3'],
    ['NUL', 'tsv', 'a\nx\ny\0z\n', {}, 'data file FILE has a NUL byte in line 3, at byte 5'],
    ['UTF-16', 'csv', Buffer.from('\ufeffa,b\n', 'utf16le'), {}, 'data file FILE is UTF-16, not UTF-8'],
    ['no Parquet', 'parquet', 'a,b\n1,2\n', {}, 'data file FILE is not a Parquet file'],
    ['cut Parquet', 'parquet', 'PAR1' + 'x'.repeat(40), {}, 'data file FILE is truncated: the footer'],
    ['broken Parquet', 'parquet', 'PAR1' + 'x'.repeat(40) + '\x10\0\0\0PAR1', {}, 'data file FILE cannot be read as Parquet'],
  ];
  test.each(cases)('%s', async (_, extension, content, options, expected) => {
    const path = fileOf(extension, content);
    expect(words(await readTable(path, options), path)).toContain(expected);
  });

  test('missing, or a folder', async () => {
    for (const extension of ['tsv', 'csv', 'jsonl', 'parquet']) {
      const path = join(folder, `none.${extension}`);
      expect(words(await readTable(path), path)).toContain('data file FILE does not exist');
      expect(words(await describeTable(path), path)).toContain('data file FILE does not exist');
    }
    expect(words(await readTable(folder, { format: 'csv' }), folder)).toContain('data file FILE is a folder, not a file');
  });

  test('the malformed byte is found far into a file', async () => {
    const line = 'good line of text\n';
    const before = line.repeat(150_000);
    const path = fileOf('txt', Buffer.concat([Buffer.from(before + 'ab'), Buffer.from([0x80]), Buffer.from('\n' + line)]));
    expect(words(await readTable(path), path)).toContain(`not valid UTF-8 in line 150001, at byte ${before.length + 2}`);
  });
});

test('a column of a table', async () => {
  const table = must(await readTable(fileOf('csv', 'text,label\nx,0\ny,1\n')));
  expect(must(readColumn(table, 'label'))).toEqual(['0', '1']);
  expect(words(readColumn(table, 'labels'), table.path)).toContain('did you mean "label"?');
});

test('the first invalid byte is where the decoder stops', () => {
  // Every pair after a lead byte, against the platform's own decoder.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const valid = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  for (let lead = 0; lead < 256; lead++) {
    for (const second of [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0xc0]]) {
        const bytes = Uint8Array.of(lead, second, ...rest);
        const at = firstInvalidByte(bytes);
        if (valid(bytes) !== (at === bytes.length) || !valid(bytes.subarray(0, at))) expect({ bytes: [...bytes], at }).toBeUndefined();
      }
    }
  }
});

const shared = '../shared/data';
if (!existsSync(shared)) console.warn('data-table.test: real data is not read, because ../shared/data is missing');
test.runIf(existsSync(shared))('real reviews', async () => {
  const reviews = must(await readTable(join(shared, 'nsmc/ratings_test.tsv')));
  expect([reviews.columns, reviews.rows.length]).toEqual([['id', 'document', 'label'], 5000]);
  expect(must(await describeTable(join(shared, 'nsmc/ratings_train.tsv'), { take: 1000 }))).toMatchObject({ rowCount: 1000 });
  expect(must(await describeTable(join(shared, 'nsmc/ratings_train.tsv')))).toMatchObject({ rowCount: 20000 });
  const sentences = must(await readTable(join(shared, 'sst2/dev.tsv'), { header: false, names: ['sentence', 'label'] }));
  expect([sentences.rows.length, new Set(must(readColumn(sentences, 'label')))]).toEqual([872, new Set(['0', '1'])]);
});
