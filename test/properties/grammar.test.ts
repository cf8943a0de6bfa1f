/** @file Properties of the parser and the printer over random Asts, random tokens and random characters. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';
import { renderDiagnostics } from '../../grammar/render.js';
import { quote, tokenTypes, unquote } from '../../grammar/tokens.js';
import { withoutSpans } from '../golden/grammar/plain.js';
import { files } from './grammar-asts.js';

const seed = 20240717;

describe('printing', () => {
  test('a printed Ast parses as itself, comments included, and prints as itself', () => {
    fc.assert(
      fc.property(files, (file) => {
        const printed = printFile(file);
        const { value, diagnostics } = parseFile(printed, 'random.peft');
        expect(diagnostics, printed).toEqual([]);
        const head = value.trivia;
        expect(head, printed).toBeUndefined();
        const tail = value.tail[0] === '' ? value.tail.slice(1) : value.tail;
        const items = value.items.map((item) =>
          item.trivia?.before[0] === '' ? { ...item, trivia: { ...item.trivia, before: item.trivia.before.slice(1) } } : item,
        );
        expect(normal({ ...value, items, tail }), printed).toEqual(normal(file));
        expect(printFile(value)).toBe(printed);
      }),
      { seed, numRuns: 400 },
    );
  });

  test('quote and unquote undo each other for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => unquote(quote(value)) === value),
      { seed, numRuns: 500 },
    );
  });
});

/** Without spans and without trivia that says nothing. */
function normal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(withoutSpans(value)), (key, each: unknown) => {
    if (key !== 'trivia' || each === null || typeof each !== 'object') return each;
    const { before, after, tail } = each as { before: string[]; after?: string; tail?: string[] };
    return before.length === 0 && after === undefined && tail === undefined ? undefined : each;
  }) as unknown;
}

const pieces = [
  ...tokenTypes.flatMap((type) => (type.LABEL === undefined || type.LABEL === type.name ? [] : [type.LABEL])),
  'x',
  'rank',
  '8',
  '2e-5',
  '010',
  '"s"',
  '"open',
  '// c\n',
  '/// d\n',
  '\n',
  '\n',
  '  ',
  '\n  ',
  ';',
  '\0',
  'é',
];
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 80 }).map((words) => words.join(' '));

describe('any input', () => {
  const survives = (text: string): void => {
    const { value, diagnostics } = parseFile(text, 'soup.peft');
    for (const { span, message } of diagnostics) {
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      expect(span.end).toBeLessThanOrEqual(text.length);
      expect(message).toMatch(/\S/);
      expect(message).not.toMatch(/-->|undefined|Literal|\[object/);
    }
    const printed = printFile(value);
    renderDiagnostics(diagnostics, () => text);
    if (diagnostics.length > 0) return;
    const again = parseFile(printed, 'soup.peft');
    expect(again.diagnostics, printed).toEqual([]);
    expect(printFile(again.value)).toBe(printed);
  };

  test('tokens in any order do not throw', () => {
    fc.assert(fc.property(soup, survives), { seed, numRuns: 1500 });
  });

  test('a valid file with tokens put in or taken out does not throw, and is told once at a place', () => {
    fc.assert(
      fc.property(files, fc.nat(), fc.nat(20), fc.constantFrom(...pieces, ''), (file, at, drop, put) => {
        const text = printFile(file);
        const cut = at % (text.length + 1);
        survives(text.slice(0, cut) + put + text.slice(cut + drop));
      }),
      { seed, numRuns: 400 },
    );
  });

  test('characters in any order do not throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), { seed, numRuns: 500 });
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'(){}[]"\\-.:=,%\n x8/'), maxLength: 200 }), survives), {
      seed,
      numRuns: 500,
    });
  });

  const deep = 20_000;
  test.each([
    ['brackets', '('.repeat(deep)],
    ['braces', 'def f() '.concat('{'.repeat(deep))],
    ['blocks', `def f() = ${'{ a '.repeat(deep)}`],
    ['lists', `def f() = ${'['.repeat(deep)}${']'.repeat(deep)}`],
    ['minuses', `def f() = ${'-'.repeat(deep)}x`],
    ['nots', `def f() = ${'not '.repeat(deep)}x`],
    ['powers', `def f() = x${' ** x'.repeat(deep)}`],
    ['sums', `def f() = x${' + x'.repeat(deep)}`],
    ['conditions', `def f() = ${'if a then '.repeat(deep)}b`],
    ['elses', `def f() = ${'if a then b else '.repeat(deep)}c`],
    ['members', `def f() = a${'.b'.repeat(deep)}`],
    ['calls', `def f() = a${'()'.repeat(deep)}`],
    ['selectors', `experiment e { train ${'('.repeat(deep)}a }`],
    ['selector sums', `experiment e { train a${' + a'.repeat(deep)} }`],
    ['closers', '}'.repeat(deep)],
    ['items', 'def '.repeat(deep)],
    ['lines', 'a(\n'.repeat(deep)],
  ])('%s without end do not throw', (_name, text) => {
    const { value, diagnostics } = parseFile(text, 'deep.peft');
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.length).toBeLessThanOrEqual(50);
    printFile(value);
  });

  test('what nests within the limits parses and prints', () => {
    const levels = 90;
    for (const text of [
      `def f() = ${'(-'.repeat(levels)}x${')'.repeat(levels)}\n`,
      `def f() = ${'if a then b else '.repeat(levels)}c\n`,
      `def f() = ${'['.repeat(levels)}${']'.repeat(levels)}\n`,
    ]) {
      const { value, diagnostics } = parseFile(text, 'deep.peft');
      expect(diagnostics).toEqual([]);
      expect(parseFile(printFile(value), 'deep.peft').diagnostics).toEqual([]);
    }
  });
});
