/**
 * @file A base in four bits, from the command line: trained over, written as a checkpoint and trained over again, merged. Needs a device.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../cli/surroundings.js';

const quickstart = fileURLToPath(new URL('../../examples/quickstart/', import.meta.url));

const experiment = (base: string, quantize: string, head = 'head'): string => `import std.adapters.lora
import std.formats.{int_groups, nf4}

experiment small {
  base bert from "${base}" for classify(labels: 2)
  ${quantize}
  adapt attention + mlp with lora(rank: 2, alpha: 16)
  train ${head}
  data {
    train: tsv("train.tsv", take: 160)
    eval: tsv("test.tsv", take: 40)
    text: "text"
    label: "label"
    max_length: 24 tokens
    buckets: 1
  }
  tune { optimizer: adamw(lr: 3e-3)  max_steps: 30 steps  batch: 16  eval_every: none }
}
`;
const base = join(quickstart, 'base');
const lossOf = (text: string): number => (JSON.parse(text) as { loss: number }).loss;

describe('a base in four bits', () => {
  it('is trained over alike however it comes, and merged by name', async () => {
    const tables = Object.fromEntries(['train.tsv', 'test.tsv'].map((name) => [name, readFileSync(join(quickstart, name))]));
    const nf4 = 'quantize linears except head as nf4(block: 32, double: true)';
    const texts = {
      'a.peft': experiment(base, nf4),
      'b.peft': experiment('quantized', ''),
      'merged.peft': experiment('merged', ''),
      'float.peft': experiment(base, ''),
      'head.peft': experiment(base, 'quantize linears as nf4(block: 32)'),
      'groups.peft': experiment(base, 'quantize layers as int_groups(bits: 3, group: 32)'),
      'again.peft': experiment('quantized', 'quantize linears except head as nf4(block: 64)'),
    };
    await inFolder({ ...texts, ...tables }, async (folder, peft) => {
      const adapter = (name: string): Buffer => readFileSync(join(folder, name, 'adapter_model.safetensors'));
      const run = (file: string, out: string) => peft(['run', file, '--out', out]);
      expect(await run('a.peft', 'run-a')).toMatchObject({ code: 0 });
      expect(await peft(['quantize', 'a.peft', '--out', 'quantized'])).toMatchObject({ code: 0 });
      // The checkpoint says itself what its weights are.
      expect(await run('b.peft', 'run-b')).toMatchObject({ code: 0 });
      expect(adapter('run-b').equals(adapter('run-a'))).toBe(true);
      expect(await run('float.peft', 'run-float')).toMatchObject({ code: 0 });
      expect(adapter('run-float').equals(adapter('run-a')), 'negative control').toBe(false);

      const refused = await peft(['merge', 'a.peft', '--adapter', 'run-a', '--out', 'merged']);
      expect(refused.code).not.toBe(0);
      expect(refused.err).toMatch(/differ from those of the base by \d+(\.\d+)? %/);
      expect(refused.err).toContain('--into dequantized');
      const original = await peft(['merge', 'a.peft', '--adapter', 'run-a', '--out', 'original', '--into', 'original']);
      expect(original).toMatchObject({ code: 0 });
      expect(original.err).toContain('warning');
      expect(await peft(['merge', 'a.peft', '--adapter', 'run-a', '--out', 'merged', '--into', 'dequantized'])).toMatchObject({ code: 0 });
      const adapted = lossOf((await peft(['eval', 'a.peft', '--adapter', 'run-a', '--format', 'json'])).out);
      const merged = lossOf((await peft(['eval', 'merged.peft', '--untrained', '--format', 'json'])).out);
      const bare = lossOf((await peft(['eval', 'a.peft', '--untrained', '--format', 'json'])).out);
      expect(Math.abs(merged - adapted)).toBeLessThan(1e-5);
      expect(Math.abs(bare - adapted), 'negative control').toBeGreaterThan(1e-3);
      // The quantised base has no other weights to merge into.
      expect((await peft(['merge', 'b.peft', '--adapter', 'run-b', '--out', 'x', '--into', 'original'])).err).toContain('stored quantised');
      expect(await peft(['merge', 'b.peft', '--adapter', 'run-b', '--out', 'from-four-bits'])).toMatchObject({ code: 0 });
      expect(
        readFileSync(join(folder, 'from-four-bits', 'model.safetensors')).equals(readFileSync(join(folder, 'merged', 'model.safetensors'))),
      ).toBe(true);

      const head = await peft(['check', 'head.peft']);
      expect(head.code).toBe(0);
      expect(head.err + head.out).toContain('classifier is trained in full, so its weight stays in f32');
      const again = await peft(['check', 'again.peft']);
      expect(again.code).not.toBe(0);
      expect((again.err + again.out).match(/cannot be quantised again/g)).toHaveLength(1);
      expect((await peft(['quantize', 'groups.peft', '--out', 'y'])).err).toContain('which the checkpoints of bitsandbytes do not have');
      expect(await run('groups.peft', 'run-groups')).toMatchObject({ code: 0 });
    });
  }, 240_000);
});
