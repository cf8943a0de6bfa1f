/**
 * @file The checker never throws: texts that work, with tokens removed, doubled, swapped and replaced, are answered by findings that
 * point into a file, whatever they say.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../ops/samples.js';
import { casesOf, diagnosticsOf, type Case } from './case.js';

const folder = fileURLToPath(new URL('.', import.meta.url));
const stdlib = fileURLToPath(new URL('../../../stdlib', import.meta.url));

const good = `import std.adapters.lora
experiment good {
  base bert from "models/bert" with (hidden_dropout_prob: 0%) for classify(labels: 2)
  adapt layers[0..1].attention.{query, key} + "**.output.dense" with lora(rank: 2, alpha: 4.0, dropout: 10%)
  train head except pooler
  data { train: tsv("train.tsv", take: 5)  text: "text"  label: "label"  max_length: 8 tokens }
  tune { optimizer: adamw(lr: 1e-3)  schedule: cosine(warmup: 6%)  epochs: 2  eval_every: 3 steps }
}
experiment other = good { budget { gpu_memory: 8 GiB } }
`;

/** An experiment, alone, and with definitions that are its own in place of those of the library. */
const own = (file: string, change: (text: string) => string): string => `${readFileSync(join(stdlib, file), 'utf8')}\n${change(good)}`;
const texts: readonly string[] = [
  good,
  own('adapters/lora.peft', (t) => t.replace('import std.adapters.lora\n', '')),
  own('models/bert.peft', (t) => t),
  own('models/llama.peft', (t) =>
    t
      .replace('bert from "models/bert" with (hidden_dropout_prob: 0%) for classify(labels: 2)', 'llama from "models/llama" for causal()')
      .replace('label: "label"', '')
      .replace(' + "**.output.dense"', '')
      .replace('train head except pooler', 'train norms'),
  ),
  own('optim/adamw.peft', (t) => t),
  own('optim/schedules.peft', (t) => t),
  own('tasks/tasks.peft', (t) => t),
  own('prelude.peft', (t) => t),
].map((t) => (t.includes('\nimport std') ? `import std.adapters.lora\n${t.replace('\nimport std.adapters.lora', '')}` : t));

const caseOf = (text: string): Case => ({ title: '', given: {}, text, head: '' });

function mutated(text: string, random: () => number): string {
  const tokens = text.match(/\s+|\/\/.*|"[^"]*"|[\w.]+%?|[^\s\w]/g) ?? [];
  const below = (n: number): number => Math.floor(random() * n);
  const solid = tokens.flatMap((t, i) => (/^\s|^\/\//.test(t) ? [] : [i]));
  for (let n = 1 + below(2); n > 0; n -= 1) {
    const at = solid[below(solid.length)] as number;
    const from = tokens[solid[below(solid.length)] as number] as string;
    const choice = below(5);
    if (choice === 0) tokens[at] = '';
    else if (choice === 1) tokens[at] = `${tokens[at]} ${tokens[at]}`;
    else if (choice === 2) tokens[at] = from;
    else if (choice === 3)
      tokens[at] = ['0', '-1', '1e30', '9007199254740993', 'none', 'true', '[]', '{}', '""', 'x', '100%', '3 steps'][below(12)] as string;
    else tokens[at] = `${from} ${tokens[at]}`;
  }
  return tokens.join('');
}

/** Checks a text, and that what is said about it can be shown. */
function checkText(text: string): number {
  const { diagnostics } = diagnosticsOf(caseOf(text), text);
  for (const d of diagnostics) {
    expect(d.span.file, `${d.message}\n${text}`).not.toBe('');
    expect(d.span.start).toBeLessThanOrEqual(d.span.end);
    expect(d.message.trim()).not.toBe('');
    if (d.span.file === 'case.peft') expect(d.span.end).toBeLessThanOrEqual(text.length);
  }
  return diagnostics.filter((d) => d.severity === 'error').length;
}

describe('mutated texts', () => {
  it.each(texts.map((text, i) => ({ text, i })))('text $i is right as it is', ({ text }) => {
    const { diagnostics } = diagnosticsOf(caseOf(text), text);
    expect(diagnostics.filter((d) => d.severity === 'error').map((d) => d.message)).toEqual([]);
  });

  it.each(texts.map((text, i) => ({ text, i })))('text $i answers its mutations', ({ text, i }) => {
    const random = createRandom(41 + i);
    const tries = Number(process.env['MUTATIONS'] ?? 12);
    let wrong = 0;
    for (let n = 0; n < tries; n += 1) {
      const changed = mutated(text, random);
      try {
        wrong += checkText(changed) > 0 ? 1 : 0;
      } catch (error) {
        throw new Error(`${String(error)}\n${changed}`, { cause: error });
      }
    }
    expect(wrong).toBeGreaterThan(0);
  });

  it('every text of the other tests, cut short', () => {
    let cut = 0;
    for (const file of readdirSync(folder).filter((f) => f.endsWith('.txt'))) {
      const { head, cases } = casesOf(readFileSync(join(folder, file), 'utf8'));
      for (const one of cases.slice(0, 6)) cut += checkText(head + one.text.slice(0, one.text.length >> 1)) >= 0 ? 1 : 0;
    }
    expect(cut).toBeGreaterThan(20);
  });
});
