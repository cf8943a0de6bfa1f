/**
 * @file What was locked or reviewed is what is run: `lock`, `plan --out`, and code 3 with the reason where something has drifted. Needs a device.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../cli/surroundings.js';

const quickstart = fileURLToPath(new URL('../../examples/quickstart/', import.meta.url));
const text = `import std.adapters.lora

experiment small {
  base bert from "${join(quickstart, 'base')}" for classify(labels: 2)
  adapt attention with lora(rank: 2, alpha: 4)
  train head
  data {
    train: tsv("train.tsv", take: 32)
    eval: tsv("test.tsv", take: 16)
    text: "text"
    label: "label"
    max_length: 24 tokens
    buckets: 1
  }
  tune { optimizer: adamw(lr: 3e-3)  max_steps: 2 steps  batch: 16 }
}
`;
const files = {
  'a.peft': text,
  ...Object.fromEntries(['train.tsv', 'test.tsv'].map((name) => [name, readFileSync(join(quickstart, name))])),
};

describe('what is locked', () => {
  it(
    'is run, and refused with the reason when it has drifted',
    () =>
      inFolder(files, async (folder, peft) => {
        expect(await peft(['lock', 'a.peft'])).toMatchObject({ code: 0, err: 'wrote a.peft.lock\n' });
        const lock = JSON.parse(readFileSync(join(folder, 'a.peft.lock'), 'utf8')) as {
          experiments: { small: { base: { tensors: object; files: object }; data: object } };
        };
        expect(Object.keys(lock.experiments.small.data)).toEqual(['train.tsv', 'test.tsv']);
        expect(Object.keys(lock.experiments.small.base.tensors).length).toBeGreaterThan(20);
        expect(Object.keys(lock.experiments.small.base.files)).toEqual(expect.arrayContaining(['config.json', 'tokenizer.json']));
        expect(await peft(['lock', '--check', 'a.peft'])).toMatchObject({ code: 0, out: 'small: as locked\n' });
        expect(await peft(['plan', 'a.peft', '--out', 'a.plan.json'])).toMatchObject({ code: 0 });
        expect(await peft(['run', 'a.plan.json', '--out', 'first'])).toMatchObject({ code: 0 });
        expect(await peft(['eval', 'a.peft', '--adapter', 'first'])).toMatchObject({ code: 0 });
        // The lock of a run knows what it came to, and can be compared.
        expect((await peft(['diff', 'first', 'a.peft', '--exit-code'])).out).toBe('no difference in meaning\n');

        writeFileSync(join(folder, 'a.peft'), text.replace('rank: 2', 'rank: 4'));
        const changed = await peft(['run', 'a.peft', '--out', 'second']);
        expect(changed.code).toBe(3);
        expect(changed.err).toContain('this is not what a.peft.lock says: the experiment means something else');
        // The plan still holds what was reviewed.
        expect(await peft(['run', 'a.plan.json', '--out', 'again'])).toMatchObject({ code: 0 });
        const adapter = (name: string): Buffer => readFileSync(join(folder, name, 'adapter_model.safetensors'));
        expect(adapter('again').equals(adapter('first'))).toBe(true);
        expect((await peft(['diff', 'first', 'a.peft'])).out).toMatch(/^adapters\.rank of \d+ modules {2}2 -> 4/);

        appendFileSync(join(folder, 'train.tsv'), 'one more\t1\n');
        const drifted = await peft(['run', 'a.plan.json', '--out', 'third']);
        expect(drifted.code).toBe(3);
        expect(drifted.err).toContain('table train.tsv has changed');
        const told = await peft(['lock', '--check', 'a.peft']);
        expect(told.code).toBe(3);
        expect(told.out).toContain('small: table train.tsv has changed\n');
        expect((await peft(['eval', 'a.peft', '--adapter', 'first'])).code).toBe(3);
        await peft(['lock', 'a.peft']);
        expect(await peft(['run', 'a.peft', '--out', 'fourth'])).toMatchObject({ code: 0 });

        writeFileSync(join(folder, 'a.plan.json'), '{}');
        expect((await peft(['run', 'a.plan.json'])).err).toContain('a.plan.json is no plan');
      }),
    120_000,
  );
});
