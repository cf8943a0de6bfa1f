/**
 * @file Codes of the diagnostics about syntax: PEFT0001 and on. A code never changes its meaning.
 */

/** The code of each kind of syntax error. */
export const codes = {
  character: 'PEFT0001',
  openString: 'PEFT0002',
  number: 'PEFT0003',
  escape: 'PEFT0004',
  value: 'PEFT0005',
  sign: 'PEFT0006',
  name: 'PEFT0007',
  unclosed: 'PEFT0008',
  unexpected: 'PEFT0009',
  statement: 'PEFT0010',
  chain: 'PEFT0011',
  nesting: 'PEFT0012',
  type: 'PEFT0013',
  role: 'PEFT0014',
} as const;

/** What each code means, for `peft explain` and the index of errors: a title, what is wrong and what is right. */
export const syntaxErrors: {
  readonly [K in (typeof codes)[keyof typeof codes]]: { readonly title: string; readonly bad: string; readonly good: string };
} = {
  PEFT0001: { title: 'a character that begins nothing in the language', bad: 'def f(x) = x;', good: 'def f(x) = x' },
  PEFT0002: { title: 'a string without an end', bad: 'import "./mine.peft', good: 'import "./mine.peft"' },
  PEFT0003: { title: 'a number that is not written as numbers are', bad: 'def f() = 010', good: 'def f() = 10' },
  PEFT0004: { title: 'an unknown escape in a string', bad: 'def f() = "a\\q"', good: 'def f() = "a\\\\q"' },
  PEFT0005: { title: 'a value is missing', bad: 'def f(x) =', good: 'def f(x) = x' },
  PEFT0006: { title: 'a sign or a word is missing', bad: 'def f(x) x', good: 'def f(x) = x' },
  PEFT0007: { title: 'a name is missing', bad: 'def (x) = x', good: 'def f(x) = x' },
  PEFT0008: { title: 'a bracket that is opened and never closed', bad: 'def f(x) = (x', good: 'def f(x) = (x)' },
  PEFT0009: { title: 'text that belongs to nothing', bad: 'def f(x) = x )', good: 'def f(x) = x' },
  PEFT0010: { title: 'an unknown statement', bad: 'experimnt a { train head }', good: 'experiment a { train head }' },
  PEFT0011: { title: 'comparisons in a chain', bad: 'def f(x) = 0 < x < 1', good: 'def f(x) = 0 < x and x < 1' },
  PEFT0012: {
    title: 'brackets or conditions that nest too deep',
    bad: `def f(x) = ${'('.repeat(300)}x${')'.repeat(300)}`,
    good: 'def f(x) = ((x))',
  },
  PEFT0013: { title: 'a type is missing', bad: 'def f(x: ) = x', good: 'def f(x: Int) = x' },
  PEFT0014: {
    title: 'an index where there can be none',
    bad: 'module m() { part a = b() role layers[0] }',
    good: 'module m() { part a = b() role layers }',
  },
};
