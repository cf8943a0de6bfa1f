/** @file Syntax errors: each marked error is reported at its place with its words, and nothing else is. */
import { describe, expect, test } from 'vitest';
import { syntaxErrors } from '../../../grammar/codes.js';
import type { Diagnostic } from '../../../grammar/diagnostics.js';
import { parseFile } from '../../../grammar/parse.js';
import { lineColumn, renderDiagnostics } from '../../../grammar/render.js';
import { syntaxCases } from './syntax-cases.js';

const isMark = (line: string): boolean => /^\s*(\^+ PEFT\d{4} |help: |note: )/.test(line);

/** A text with the marks under its lines. */
function marked(text: string, diagnostics: readonly Diagnostic[]): string {
  const lines = text.split('\n');
  return lines
    .flatMap((line, index) => [
      line,
      ...diagnostics.flatMap(({ span, code, message, help, notes = [] }) => {
        const { line: at, column } = lineColumn(text, span.start);
        if (at !== index + 1) return [];
        const blank = ' '.repeat(column - 1);
        return [
          `${blank}${'^'.repeat(Math.max(1, span.end - span.start))} ${code} ${message}`,
          ...notes.map((note) => `${blank}note: ${note.message}`),
          ...(help === undefined ? [] : [`${blank}help: ${help}`]),
        ];
      }),
    ])
    .join('\n');
}

describe('marked errors', () => {
  test.each(syntaxCases)('$name', ({ marked: wanted }) => {
    const text = wanted
      .split('\n')
      .filter((line) => !isMark(line))
      .join('\n');
    expect(marked(text, parseFile(text, 'case.peft').diagnostics)).toBe(wanted);
  });
});

describe('the table of codes', () => {
  test.each(Object.entries(syntaxErrors))('%s', (code, { bad, good }) => {
    expect(parseFile(bad, 'bad.peft').diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
    expect(parseFile(good, 'good.peft').diagnostics).toEqual([]);
  });
});

describe('fixes', () => {
  test('the fix of a number with a leading 0 mends it', () => {
    const text = 'def f() = 010 + 00_7.5';
    const { diagnostics } = parseFile(text, 'f.peft');
    const edits = diagnostics.flatMap((diagnostic) => diagnostic.fix?.edits ?? []).sort((a, b) => b.span.start - a.span.start);
    const mended = edits.reduce((now, { span, text: put }) => now.slice(0, span.start) + put + now.slice(span.end), text);
    expect(mended).toBe('def f() = 10 + 7.5');
    expect(parseFile(mended, 'f.peft').diagnostics).toEqual([]);
  });
});

describe('rendering', () => {
  const render = (text: string): string =>
    renderDiagnostics(parseFile(text, 'a.peft').diagnostics, (file) => (file === 'a.peft' ? text : undefined));

  test('shows the line, the place, notes beside and apart, and help', () => {
    expect(render('import a.b\nmodule k() {\n  f(x) {\n    a = g(b c)\n    다 = 1\n  let y = 010\n}\n'))
      .toBe(`error[PEFT0008]: this \`{\` is never closed
 --> a.peft:3:8
  |
3 |   f(x) {
  |        ^
note: \`}\` was expected here
 --> a.peft:5:10
  |
5 |     다 = 1
  |           -

error[PEFT0006]: expected \`,\` or \`)\` after \`b\`
 --> a.peft:4:13
  |
4 |     a = g(b c)
  |             ^
  |          - \`(\` stands here

error[PEFT0001]: unexpected character U+B2E4
 --> a.peft:5:5
  |
5 |     다 = 1
  |     ^^
  = help: names are made of the letters a to z, digits and \`_\`

error[PEFT0003]: a number does not begin with 0
 --> a.peft:6:11
  |
6 |   let y = 010
  |           ^^^
  = help: write \`10\`
`);
  });

  test('shows a window of a long line and no control characters', () => {
    const shown = render(`def f() = "${'x'.repeat(5000)}" \u001b[2J`);
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThan(200);
    expect(shown).not.toContain('\u001b');
    expect(shown).toContain('\uFFFD');
  });

  test('colours only through the painter, and works without the source', () => {
    const { diagnostics } = parseFile('def f() = 010', 'a.peft');
    const paint = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
    const painter = { bold: paint('b'), dim: paint('d'), red: paint('r'), yellow: paint('y'), blue: paint('l'), green: paint('g') };
    expect(renderDiagnostics(diagnostics, () => undefined, painter)).toBe(
      '<b><r>error[PEFT0003]</r></b><b>: a number does not begin with 0</b>\n <l>--></l> a.peft\n  <l>=</l> <b><g>help</g></b>: write `10`\n',
    );
  });

  test('lineColumn counts lines of all three endings', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 99].map((offset) => lineColumn('a\nb\r\nc\rd', offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 2, column: 1 },
      { line: 2, column: 2 },
      { line: 2, column: 3 },
      { line: 3, column: 1 },
      { line: 3, column: 2 },
      { line: 4, column: 2 },
    ]);
  });
});
