/** @file What is generated from the grammar is what the grammar would generate now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cstTypes, grammarEbnf } from '../../../scripts/generate-cst.js';

const root = new URL('../../../', import.meta.url);

test('grammar/cst.d.ts is fresh', () => {
  expect(readFileSync(new URL('grammar/cst.d.ts', root), 'utf8')).toBe(cstTypes());
});

test('docs/grammar.ebnf is fresh', () => {
  expect(readFileSync(new URL('docs/grammar.ebnf', root), 'utf8')).toBe(grammarEbnf());
});

test('the grammar has at most about 40 rules', () => {
  const rules = grammarEbnf().split('\n').filter((line) => /^[a-z]\w* = /.test(line));
  expect(rules.length).toBeGreaterThan(30);
  expect(rules.length).toBeLessThanOrEqual(47);
});
