/**
 * @file The examples stand in the style that `peft fmt` writes.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.peft'));

test('there are examples', () => expect(files.length).toBeGreaterThan(2));

test.each(files)('%s', (name) => {
  const text = readFileSync(join('examples', name), 'utf8');
  const { value, diagnostics } = parseFile(text, name);
  expect(diagnostics).toEqual([]);
  expect(printFile(value)).toBe(text);
});

test('another style is told apart', () => {
  const text = 'experiment  a{train head}\n';
  expect(printFile(parseFile(text, 'a.peft').value)).not.toBe(text);
});
