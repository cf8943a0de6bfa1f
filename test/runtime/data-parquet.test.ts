/**
 * @file Parquet tables, written by the tests' own writer.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parquetBytes, type ParquetColumn } from './data-parquet-writer.js';
import { must, words } from './data-results.js';
import { describeTable, readTable } from '../../runtime/data/table.js';

const folder = mkdtempSync(join(tmpdir(), 'peft-parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns = (from: number, count: number): readonly ParquetColumn[] => [
  { name: 'text', type: 'text', values: Array.from({ length: count }, (_, i) => `리뷰 ${from + i}`) },
  { name: 'label', type: 'int', values: Array.from({ length: count }, (_, i) => (from + i) % 2) },
  { name: 'score', type: 'double', values: Array.from({ length: count }, (_, i) => (i === 1 ? null : (from + i) / 4)) },
];
const rows = Array.from({ length: 7 }, (_, i) => [`리뷰 ${i}`, i % 2, i === 1 || i === 5 ? null : i / 4]);

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, `${name}.parquet`);
  writeFileSync(path, bytes);
  return path;
}

describe('two row groups', () => {
  test.each(['none', 'snappy', 'gzip'] as const)('compression %s', async (codec) => {
    const path = fileOf(codec, parquetBytes([columns(0, 4), columns(4, 3)], codec));
    expect(must(await readTable(path))).toEqual({ path, format: 'parquet', columns: ['text', 'label', 'score'], rows, firstRow: 1 });
    expect(must(await readTable(path, { columns: ['label', 'text'], skip: 3, take: 2 })).rows).toEqual([
      [1, '리뷰 3'],
      [0, '리뷰 4'],
    ]);
    expect(must(await describeTable(path, { skip: 1, columns: ['label'] }))).toEqual({
      path,
      format: 'parquet',
      columns: ['label'],
      rowCount: 6,
      first: [1],
    });
  });

  test('what is refused', async () => {
    const whole = parquetBytes([columns(0, 4)], 'gzip');
    const path = fileOf('refused', whole);
    expect(words(await readTable(path, { columns: ['lable'] }), path)).toContain('has no column "lable" | did you mean "label"?');
    expect(words(await readTable(path, { skip: 9 }), path)).toContain('has no rows after the first 9');
    const damaged = Uint8Array.from(whole, (byte, i) => (i >= 40 && i < 80 ? byte ^ 0x55 : byte));
    const broken = fileOf('damaged', damaged);
    expect(words(await readTable(broken), broken)).toContain('cannot be read as Parquet');
    const malformed = fileOf('malformed', parquetBytes([[{ name: 'text', type: 'text', values: ['good', Uint8Array.of(0x66, 0xff)] }]]));
    expect(words(await readTable(malformed), malformed)).toContain('data file FILE holds text that is not valid UTF-8');
    const none = fileOf('none-there', parquetBytes([[{ name: 'text', type: 'text', values: [] }]]));
    expect(words(await readTable(none), none)).toContain('data file FILE has no rows');
  });
});
