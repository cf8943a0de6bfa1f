/**
 * @file `peft merge` on a base in two shards of bfloat16: names, element types and shards stay, what the adapter does not touch stays to
 * the byte, and the merged base evaluates as the adapted one does. Needs a device.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { encodeElements } from '../../runtime/weights/element.js';
import { readRaw } from '../../runtime/weights/raw.js';
import { readTensor } from '../../runtime/weights/stream.js';
import { writeFileAtomically, writeWeights } from '../../runtime/weights/writer.js';
import { inFolder } from '../cli/surroundings.js';

const quickstart = fileURLToPath(new URL('../../examples/quickstart/', import.meta.url));

const experiment = (base: string): string => `import std.adapters.{lora, ia3}

experiment small {
  base bert from "${base}" for classify(labels: 2)
  adapt attention with lora(rank: 2, alpha: 16)
  adapt mlp with ia3()
  train head
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

/** The quickstart's base as bfloat16 in two shards. */
async function shard(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(quickstart, 'base', name), join(folder, name));
  const base = await openCheckpoint(join(quickstart, 'base'));
  if (!base.ok) throw new Error(base.error.message);
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
  const names = [...base.value.tensors.keys()];
  const half = Math.ceil(names.length / 2);
  for (const [i, file] of shards.entries()) {
    const sources = [];
    for (const name of i === 0 ? names.slice(0, half) : names.slice(half)) {
      const tensor = base.value.tensors.get(name);
      const value = tensor && (await readTensor(tensor.file, name));
      if (!value?.ok) throw new Error(name);
      sources.push({ name, dtype: 'BF16' as const, shape: tensor?.shape ?? [], data: encodeElements(value.value, 'BF16') });
    }
    expect((await writeWeights(join(folder, file), sources)).ok).toBe(true);
  }
  const index = { metadata: { total_size: 0 }, weight_map: Object.fromEntries(names.map((name, i) => [name, shards[i < half ? 0 : 1]])) };
  await writeFileAtomically(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

async function bytesOf(folder: string, name: string): Promise<Buffer> {
  const opened = await openCheckpoint(folder);
  if (!opened.ok) throw new Error(opened.error.message);
  const tensor = opened.value.tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of readRaw(tensor.file, name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const lossOf = (text: string): number => (JSON.parse(text) as { loss: number }).loss;

describe('merge', () => {
  it('keeps names, types and shards, and computes what the adapted base does', async () => {
    const tables = Object.fromEntries(['train.tsv', 'test.tsv'].map((name) => [name, readFileSync(join(quickstart, name))]));
    await inFolder({ 'a.peft': experiment('base'), 'b.peft': experiment('merged'), ...tables }, async (folder, peft) => {
      await shard(join(folder, 'base'));
      expect(await peft(['run', 'a.peft', '--out', 'run', '--format', 'json'])).toMatchObject({ code: 0 });
      expect(await peft(['merge', 'a.peft', '--adapter', 'run', '--out', 'merged'])).toMatchObject({ code: 0 });
      const [before, after] = [await openCheckpoint(join(folder, 'base')), await openCheckpoint(join(folder, 'merged'))];
      if (!before.ok || !after.ok) throw new Error('a checkpoint cannot be opened');
      const added = [...after.value.tensors.keys()].filter((name) => !before.value.tensors.has(name));
      expect(added.sort()).toEqual(['classifier.bias', 'classifier.weight']);
      for (const [name, tensor] of before.value.tensors) {
        const now = after.value.tensors.get(name);
        expect([now?.dtype, now?.shape, now?.file.path.split('/').at(-1)], name).toEqual([
          tensor.dtype,
          tensor.shape,
          tensor.file.path.split('/').at(-1),
        ]);
        const same = (await bytesOf(join(folder, 'base'), name)).equals(await bytesOf(join(folder, 'merged'), name));
        // LoRA changes the weights of attention; factors on outputs change weight and bias of the MLP.
        const touched =
          /encoder.*(attention.*(query|key|value|dense)\.weight|(intermediate|layer\.\d+\.output)\.dense\.(weight|bias))$/.test(name);
        expect(same, name).toBe(!touched);
      }
      const adapted = lossOf((await peft(['eval', 'a.peft', '--adapter', 'run', '--format', 'json'])).out);
      const merged = lossOf((await peft(['eval', 'b.peft', '--untrained', '--format', 'json'])).out);
      const bare = lossOf((await peft(['eval', 'a.peft', '--untrained', '--format', 'json'])).out);
      // bfloat16 keeps 8 bits: the merged weights are rounded once more.
      expect(Math.abs(merged - adapted)).toBeLessThan(5e-4);
      expect(Math.abs(bare - adapted), 'negative control').toBeGreaterThan(1e-3);
      expect((await peft(['merge', 'a.peft', '--adapter', 'run', '--out', 'base'])).code).not.toBe(0);
    });
  }, 120_000);
});
