/**
 * @file Every rule on its own examples: the bad one is found, the good one is not, and what a fix makes of the bad one is found no more. No rule
 * says anything about an experiment without faults, and messages keep to the form.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applyFixes } from '../../lint/fixes.js';
import { rules } from '../../lint/rules.js';
import { experiment } from '../../lint/example.js';
import { lintExample } from './example.js';

describe('the rules', () => {
  it('are all in the list, with a code and a name of their own', () => {
    const files = readdirSync(new URL('../../lint/rules/', import.meta.url)).map((f) => f.replace(/\.ts$/, ''));
    expect(rules.map((r) => r.name).sort()).toEqual(files.sort());
    expect(new Set(rules.map((r) => r.code)).size).toBe(rules.length);
    expect(rules.map((r) => r.code)).toEqual(rules.map((r) => r.code).sort());
  });

  it('have nothing to say about a plain experiment', () => {
    expect(
      lintExample({ text: experiment({ tune: 'schedule: linear(warmup: 6%)  epochs: 3  seed: 1' }) }).map((d) => `${d.code} ${d.message}`),
    ).toEqual([]);
  });

  it.each(rules.map((r) => [r.code, r] as const))('%s', (code, rule) => {
    const bad = lintExample(rule.bad);
    const own = bad.filter((d) => d.code === code);
    expect(bad.filter((d) => d.severity === 'error' && !d.code.startsWith('PEFT1')).map((d) => d.message)).toEqual([]);
    expect(own.length, `bad: ${bad.map((d) => d.code).join()}`).toBeGreaterThan(0);
    expect(lintExample(rule.good).map((d) => d.code)).not.toContain(code);
    expect(
      lintExample(rule.good)
        .filter((d) => d.severity === 'error')
        .map((d) => d.message),
    ).toEqual([]);
    for (const d of own) {
      expect(d.message).toMatch(/^[^A-Z].*[^.]$/);
      expect(d.message).not.toContain('\n');
      expect(d.span.end).toBeGreaterThan(d.span.start);
      expect(d.help !== undefined || d.fix !== undefined, 'it says what to do').toBe(true);
    }
    const fixes = own.flatMap((d) => d.fix ?? []);
    if (fixes.length === 0) return;
    const text = applyFixes(rule.bad.text, fixes);
    const after = lintExample({ ...rule.bad, text });
    expect(
      after.filter((d) => d.code === code),
      text,
    ).toEqual([]);
    expect(
      after.filter((d) => d.severity === 'error').map((d) => d.message),
      text,
    ).toEqual([]);
  });
});
