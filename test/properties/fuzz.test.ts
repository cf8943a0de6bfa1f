/** @file Random bytes and random token sequences never throw and never take a second; bench/fuzz.ts runs 100,000 of each. */
import { beforeAll, expect, test } from 'vitest';
import { bytes, fuzz, tokenMaker, type Maker } from '../../bench/fuzz.js';
import { openLibrary } from '../../cli/library.js';
import type { Library } from '../../compiler/elaborate/library.js';

let library: Library;
let tokens: Maker;
beforeAll(async () => {
  library = await openLibrary();
  tokens = await tokenMaker();
});

test.each(['bytes', 'tokens'] as const)('random %s', (name) => {
  const done = fuzz(name === 'bytes' ? bytes : tokens, 3000, 5, library);
  expect(done.faults).toEqual([]);
  expect(done.parsed, 'some are right').toBeGreaterThan(0);
});

test('an import of a folder is answered', () => {
  const folder = fuzz(() => 'import "..".{a}\ndef f() = 1\n', 1, 1, library);
  expect([folder.faults, folder.parsed]).toEqual([[], 1]);
});

test('a fault is seen', () => {
  const broken: Library = {
    ...library,
    scopeOf: () => {
      throw new Error('out of order');
    },
  };
  expect(fuzz(() => 'def f() = 1', 1, 1, broken).faults[0]?.what).toContain('out of order');
});
