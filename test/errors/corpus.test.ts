/**
 * @file Broken specs: a fixed part of the corpus of bench/broken-specs.ts. Everything is answered before a weight is loaded, nearly always at the
 * mistake, and with the word that was meant; of several mistakes each is found, and none is told twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { corpusOf, findingsOf, judge, layOut, sharesOf, suggests, type Verdict } from '../../bench/broken-specs.js';
import { mutationKinds } from '../../bench/mutations.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';

const folder = mkdtempSync(join(tmpdir(), 'peft-corpus-'));
const verdicts: Verdict[] = [];
const errorsBefore: string[] = [];

beforeAll(async () => {
  const examples = layOut(folder);
  const known = new Map<string, readonly Diagnostic[]>();
  for (const [example, text] of examples) {
    known.set(example, await findingsOf(folder, example, text));
    errorsBefore.push(...(known.get(example) ?? []).filter((d) => d.severity === 'error').map((d) => d.message));
  }
  for (const broken of await corpusOf(examples, 7, 4)) verdicts.push(await judge(folder, broken, known.get(broken.example) ?? []));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missed = (of: (v: Verdict) => boolean): string =>
  verdicts
    .filter(of)
    .map(({ broken: b, findings }) => `${b.kind}: ${b.example}: ${b.what}: ${findings.map((d) => d.message).join('; ')}`)
    .join('\n');

test('the examples are right as they are', () => expect(errorsBefore).toEqual([]));

test('there are enough, of every kind', () => {
  expect(verdicts.length).toBeGreaterThanOrEqual(300);
  expect(mutationKinds.filter((kind) => !verdicts.some((v) => v.broken.kind === kind))).toEqual([]);
});

test('all are answered', () => expect(missed((v) => !v.answered)).toBe(''));

test('at least 95 % of the answers stand on the mistake', () =>
  expect(
    sharesOf(verdicts).placed,
    missed((v) => !v.placed),
  ).toBeGreaterThanOrEqual(95));

test('for at least 90 % of misspelt words the right one is suggested', () => {
  expect(sharesOf(verdicts).words).toBeGreaterThan(50);
  expect(
    sharesOf(verdicts).suggested,
    missed((v) => v.suggested === false),
  ).toBeGreaterThanOrEqual(90);
});

test('of several mistakes in one text nearly all are all found, with a missing brace too', () => {
  const several = verdicts.filter((v) => v.broken.every === true);
  expect(several.some((v) => v.findings.some((d) => d.code === 'PEFT0008'))).toBe(true);
  expect(
    sharesOf(several).placed,
    missed((v) => v.broken.every === true && !v.placed),
  ).toBeGreaterThanOrEqual(95);
});

test('the measure is no flattery', () => {
  const said: Diagnostic = { code: 'PEFT0119', severity: 'error', message: 'x', span: { file: 'a', start: 0, end: 1 } };
  expect(suggests({ ...said, help: 'did you mean dora?' }, 'lora')).toBe(false);
  expect(suggests({ ...said, help: 'methods are dora, lora' }, 'lora')).toBe(false);
  expect(suggests({ ...said, help: 'did you mean lora?' }, 'lora')).toBe(true);
  expect(suggests({ ...said, help: 'did you mean `for`?' }, 'for')).toBe(true);
});
