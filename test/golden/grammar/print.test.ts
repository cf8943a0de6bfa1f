/** @file Texts and their canonical form: what the parser reads and the formatter writes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../../grammar/parse.js';
import { printFile } from '../../../grammar/print.js';
import { printCases } from './print-cases.js';
import { withoutSpans } from './plain.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('canonical text', () => {
  test.each(printCases)('$name', ({ written, printed }) => {
    const { value, diagnostics } = parseFile(written, 'case.peft');
    expect(diagnostics).toEqual([]);
    expect(printFile(value)).toBe(printed);
    const again = parseFile(printed, 'case.peft');
    expect(again.diagnostics).toEqual([]);
    expect(printFile(again.value)).toBe(printed);
  });
});

const files = ['stdlib', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.peft'))
    .map((name) => join(folder, name)),
);

describe('files of the project', () => {
  test.each(files)('%s parses, prints as the same Ast and keeps its comments', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const { value, diagnostics } = parseFile(text, file);
    expect(diagnostics).toEqual([]);
    const printed = printFile(value);
    const again = parseFile(printed, file);
    expect(again.diagnostics).toEqual([]);
    expect(withoutSpans(again.value)).toEqual(withoutSpans(value));
    expect(printFile(again.value)).toBe(printed);
    expect(comments(printed)).toEqual(comments(text));
    expect(printed.split('\n').filter((line) => line.length > 120 && !line.includes('"') && !line.includes('//'))).toEqual([]);
  });
});

/** The comments of a text whose strings hold no `//`. */
function comments(text: string): string[] {
  return text.split('\n').flatMap((line) => /\/\/.*$/.exec(line)?.[0].trimEnd() ?? []);
}
