/** @file The pages of `docs/errors/` are what would be generated now, and every code that the sources use has one. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explanations } from '../../compiler/explanations/explanations.js';
import { rules } from '../../lint/rules.js';
import { suppressionCodes } from '../../lint/suppression-rules.js';
import { errorPages } from '../../scripts/generate-error-pages.js';
import { filesOf } from '../arch/source-files.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const command = /Run it with `([^`]+)`/.exec(read('scripts/generate-error-pages.ts'))?.[1] ?? 'scripts/generate-error-pages.ts';
const pages = errorPages();

test('the pages are fresh', () => {
  const there = new Map(readdirSync(new URL('docs/errors', root)).map((name) => [`docs/errors/${name}`, read(`docs/errors/${name}`)]));
  const stale = [...new Set([...pages.keys(), ...there.keys()])].filter((path) => pages.get(path) !== there.get(path));
  expect(stale, `stale; regenerate them with\n  ${command}\n`).toEqual([]);
});

/** Codes that sources use, where they are raised: the tables that explain them apart. */
function codesUsed(): string[] {
  const files = filesOf(['grammar', 'compiler', 'cli'], ['.ts']).filter(
    ({ path }) => !path.startsWith('compiler/explanations/') && !path.startsWith('lint/rules/'),
  );
  return [...new Set(files.flatMap(({ text }) => [...text.matchAll(/['"](PEFT0\d{3})['"]/g)].map((m) => m[1] as string)))].sort();
}

test('every code that is used is explained, and no other', () => {
  expect(explanations.map((e) => e.code)).toEqual(codesUsed());
});

test('every rule has a page', () => {
  const codes = [...rules.map((r) => r.code), ...Object.values(suppressionCodes).map((s) => s.code)];
  expect(codes.filter((code) => !pages.has(`docs/errors/${code}.md`))).toEqual([]);
});

test.each(explanations.map((e) => [e.code, e] as const))('%s keeps to the form', (_, { title, why, todo }) => {
  expect(title).toMatch(/^[^A-Z\n][^\n]*[^.\n]$/);
  for (const text of [why, todo]) {
    expect(text).toMatch(/^[A-Z`][^\n]*[.…)]$/);
    expect(text.length).toBeLessThan(500);
  }
});

test('nearly every page of the checker shows an example', () => {
  const without = explanations.filter((e) => pages.get(`docs/errors/${e.code}.md`)?.includes('## Example') !== true).map((e) => e.code);
  // What only a plan, a device, a quantised base, the bytes of a file or a sweep shows has no case among the tests of the checker.
  expect(without.filter((code) => !/^PEFT0(015|13\d|41[345]|70\d|90\d)$/.test(code))).toEqual([]);
});

test('a page has its message', () => {
  const page = pages.get('docs/errors/PEFT0401.md') ?? '';
  expect(page).toContain('error[PEFT0401]: no module of this base has the role');
  expect(page).toContain('## What to do');
});
