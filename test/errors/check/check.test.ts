/**
 * @file Bad input to the checker, as data. Each case is checked against what is written under its code, and each fix is made
 * to see that it mends what it says. `UPDATE_CASES=1` writes what the checker says now into the files.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { annotated, applied, casesOf, diagnosticsOf, showCase } from './case.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

describe.each(readdirSync(folder).filter((f) => f.endsWith('.txt')))('%s', (file) => {
  const path = join(folder, file);
  if (process.env['UPDATE_CASES'] === '1') {
    const { head, cases } = casesOf(readFileSync(path, 'utf8'));
    writeFileSync(path, head + cases.map((one) => showCase(one, annotated(one))).join(''));
  }
  const { head, cases } = casesOf(readFileSync(path, 'utf8'));

  it.each(cases)('$title', (one) => {
    expect(annotated(one)).toBe(one.text);
    const { code, diagnostics } = diagnosticsOf(one);
    for (const d of diagnostics) {
      const [word = ''] = d.message.split(' ');
      expect(
        /^[^A-Z\n]/.test(word) || code.includes(word) ? d.message : '',
        'lower case but for words of the text, one line, no stop',
      ).toMatch(/^[^\n]+[^.\n]$/);
      if (d.fix === undefined) continue;
      const after = diagnosticsOf(one, applied(code, d)).diagnostics;
      expect(
        after.map((x) => [x.code, x.message]),
        'the fix mends it',
      ).not.toContainEqual([d.code, d.message]);
      expect(after.length, 'and brings nothing new').toBeLessThanOrEqual(diagnostics.length);
    }
  });

  it('is written as it is shown', () =>
    expect(head + cases.map((one) => showCase(one, one.text)).join('')).toBe(readFileSync(path, 'utf8')));
});
