/** @file The generated pages of `docs/` are what the standard library would generate now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adaptersPage, modelsPage } from '../../scripts/generate-docs.js';
import { found } from '../stdlib/definitions.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const command = /Run it with `([^`]+)`/.exec(read('scripts/generate-docs.ts'))?.[1] ?? 'scripts/generate-docs.ts';
const stale = (path: string): string => `${path} is stale; regenerate it with\n  ${command}\n`;

const pages = [
  { path: 'docs/models.md', text: modelsPage(), what: 'model' },
  { path: 'docs/adapters.md', text: adaptersPage(), what: 'adapter' },
] as const;

test.each(pages)('$path is fresh', ({ path, text }) => expect(read(path), stale(path)).toBe(text));

test.each(pages)('$path has a section for every $what, in alphabetical order', ({ text, what }) => {
  const names = found(what).map((d) => d.definition.name.text);
  expect([...text.matchAll(/^## (\w+)$/gm)].map((m) => m[1])).toEqual(names.sort());
});

test.each(pages)('$path has a row of the same width under every head', ({ text }) => {
  const width = (line: string): number => line.replaceAll('\\|', '').split('|').length;
  const tables = text.trimEnd().split('\n\n').filter((block) => block.startsWith('| '));
  expect(tables.length).toBeGreaterThan(0);
  for (const block of tables) expect(new Set(block.split('\n').map(width)).size, block).toBe(1);
});
