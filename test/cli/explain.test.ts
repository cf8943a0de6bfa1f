/**
 * @file `peft explain`: every code is explained in words and as data, however it is written, and a wrong one gets a suggestion.
 */
import { describe, expect, test } from 'vitest';
import { explanations } from '../../compiler/explanations/explanations.js';
import { rules } from '../../lint/rules.js';
import { suppressionCodes } from '../../lint/suppression-rules.js';
import { inFolder, type Answer } from './surroundings.js';

async function explain(...args: readonly string[]): Promise<Answer> {
  let answer: Answer | undefined;
  await inFolder({}, async (_folder, peft) => {
    answer = await peft(['explain', ...args]);
  });
  return answer as Answer;
}

interface Explained {
  readonly formatVersion: number;
  readonly code: string;
  readonly name?: string;
  readonly level: string;
  readonly title: string;
  readonly why: string;
  readonly todo?: string;
  readonly example?: readonly { readonly kind: string; readonly text: string }[];
  readonly suppress?: string;
}

const explained = async (code: string): Promise<Explained> => JSON.parse((await explain('--format', 'json', code)).out) as Explained;
const suppressions = Object.values(suppressionCodes);
const codes = [...explanations, ...rules, ...suppressions].map((e) => e.code).sort();

describe('peft explain', () => {
  test.each([
    ['PEFT0401', 'PEFT0401'],
    ['peft0401', 'PEFT0401'],
    ['peft401', 'PEFT0401'],
    ['401', 'PEFT0401'],
    ['1', 'PEFT0001'],
    ['1101', 'PEFT1101'],
    ['warmup-too-long', 'PEFT1101'],
    ['Warmup-Too-Long', 'PEFT1101'],
    ['unused-allow', 'PEFT1902'],
  ])('%s is %s', async (word, code) => {
    const { code: ending, out, err } = await explain(word);
    expect([ending, err]).toEqual([0, '']);
    expect(out.startsWith(`${code}: `)).toBe(true);
  });

  test('shows the reason, what to do, and an example with its message', async () => {
    const { out } = await explain('401');
    const { title, why, todo } = explanations.find((e) => e.code === 'PEFT0401') as (typeof explanations)[number];
    expect(out.split('\n').slice(0, 3)).toEqual([`PEFT0401: ${title}`, 'error', '']);
    const flat = out.replace(/\s+/g, ' ');
    for (const part of [`${why} What to do ${todo} Example`, 'error[PEFT0401]: no module of this base has the role'])
      expect(flat).toContain(part);
    expect(out).not.toMatch(/```|<!--|^#/m);
  });

  test('shows the examples of a rule, and how it is suppressed', async () => {
    const rule = rules.find((r) => r.name === 'warmup-too-long') as (typeof rules)[number];
    const { out } = await explain(rule.code);
    expect(out).toContain('\nwarning of the rule warmup-too-long\n');
    for (const line of [...rule.bad.text.split('\n'), ...rule.good.text.split('\n')].filter((l) => l !== ''))
      expect(out).toContain(`    ${line}\n`);
    expect(out).toContain(`// peft-allow ${rule.code}: why`);
  });

  test('breaks prose into lines, and changes nothing else', async () => {
    const long = [...explanations].sort((a, b) => b.why.length - a.why.length)[0] as (typeof explanations)[number];
    const lines = (await explain(long.code)).out.split('\n');
    const from = lines.indexOf('') + 1;
    const why = lines.slice(from, lines.indexOf('', from));
    expect(why.length).toBeGreaterThan(1);
    expect(Math.max(...why.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(why.join(' ')).toBe(long.why);
  });

  test('as data says what the compiler has, for every code', async () => {
    for (const e of explanations) {
      const { code, title, level, why, todo } = await explained(e.code);
      expect({ code, title, level, why, todo }).toEqual(e);
    }
    for (const r of rules) {
      const { formatVersion, code, name, level, title, why, example } = await explained(r.code);
      expect([formatVersion, code, name, level, title]).toEqual([1, r.code, r.name, r.level, r.summary]);
      expect(why.startsWith(r.why), r.code).toBe(true);
      const texts = (example ?? []).filter((p) => p.kind === 'peft').map((p) => p.text);
      expect(texts, r.code).toEqual([r.bad.text.trim(), r.good.text.trim()]);
    }
    for (const s of suppressions) expect((await explained(s.code)).why, s.code).not.toBe('');
  });

  test.each([[[]], [['--list']], [['--list', '401']]])('%j lists all codes', async (args) => {
    const { code, out } = await explain(...args);
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, 8)),
    ).toEqual(codes);
    expect(out).toMatch(/^PEFT1101 {2}warning {2}.* \(warmup-too-long\)$/m);
  });

  test('lists them as data', async () => {
    const { out } = await explain('--format', 'json');
    const list = JSON.parse(out) as { readonly formatVersion: number; readonly codes: readonly Explained[] };
    expect([list.formatVersion, list.codes.map((c) => c.code)]).toEqual([1, codes]);
    expect(list.codes.find((c) => c.code === 'PEFT1101')?.name).toBe('warmup-too-long');
  });

  test.each([
    ['warmup-to-long', 'error: there is no code or rule "warmup-to-long"\n  help: did you mean warmup-too-long?\n'],
    ['PETF0401', 'error: there is no code or rule "PETF0401"\n  help: did you mean PEFT0401?\n'],
    ['7777', 'error: there is no code PEFT7777\n  help: peft explain --list shows all\n'],
    ['12345', 'error: there is no code or rule "12345"\n  help: peft explain --list shows all\n'],
    ['something else', 'error: there is no code or rule "something else"\n  help: peft explain --list shows all\n'],
    ['', 'error: there is no code or rule ""\n  help: peft explain --list shows all\n'],
  ])('%j is unknown', async (word, said) => expect(await explain(word)).toEqual({ code: 2, out: '', err: said }));
});
