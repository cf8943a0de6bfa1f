/**
 * @file Weights put into fewer bits by the device: the same bytes as from the host, for every format that may, with blocks of zeros, ragged
 * ends and numbers that are too small or too large for it. Needs a device.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codecOf } from '../../compiler/driver/codec.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openEncoder } from '../../runtime/encode-device.js';
import type { Codec } from '../../runtime/init.js';
import { createRandom } from '../ops/samples.js';
import { resolveLast } from '../spec/experiments.js';
import { found } from '../stdlib/definitions.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const imports = found('format')
  .map((d) => `import std.${d.path.split('/')[0]}.${d.definition.name.text}`)
  .join('\n');

/** The format of a weight of 1,100 x 260 elements; a block does not end with it. */
const formatOf = (format: string) => {
  const resolved = resolveLast(
    `${imports}
import std.adapters.lora
model one_linear(vocab_size: Int, hidden_size: Int) for "one_linear" {
  part embed = embedding(vocab_size, hidden_size) as "embed" role embeddings.word
  part up = linear(hidden_size, vocab_size) as "up" role mlp.up
  task causal { logits = up(embed(ids)) }
}
experiment test {
  base one_linear from "models/one_linear" for causal()
  quantize mlp as ${format}
  adapt mlp with lora(rank: 2)
  data { train: tsv("train.tsv") text: "text" max_length: 8 tokens }
  tune { optimizer: adamw(lr: 1e-3) }
}`,
    { config: { model_type: 'one_linear', vocab_size: 1100, hidden_size: 260 }, tensors: 'none' },
  );
  const [one] = resolved.formats.values();
  if (one === undefined) throw new Error('there is no format');
  return one;
};

function weights(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: 1100 * 260 }, (_, i) => {
    const block = Math.floor(i / 512);
    // Some stretches are zero, others large or small.
    return block % 7 === 3 ? 0 : (random() - 0.5) * 2 ** ((block % 11) - 5) * (i % 97 === 0 ? 20 : 1);
  });
}

describe('encoding on the device', () => {
  it.each([
    ['nf4(block: 64)', true],
    ['nf4(block: 64, double: true)', true],
    ['fp4(block: 128)', true],
    // Their formulas add to a product, or take bits of a float: the host does them.
    ['int8()', false],
    ['int_groups(bits: 4, group: 128)', false],
    ['f16()', false],
  ] as const)('%s gives the bytes of the host, by the device: %s', async (format, wanted) => {
    const f = formatOf(format);
    const codec: Codec = codecOf([f]);
    const name = f.weight.keys[0] as string;
    const encoder = openEncoder(device);
    try {
      for (const seed of [1, 2]) {
        const values = weights(seed);
        const own = await encoder.encode(codec, name, values);
        expect(own !== undefined).toBe(wanted);
        if (own === undefined) return;
        const host = codec.encode(name, values);
        expect([...own.keys()]).toEqual([...host.keys()]);
        for (const [part, made] of host) expect(bytes(own.get(part)).equals(bytes(made)), part).toBe(true);
        const other = codec.encode(name, weights(seed + 10));
        expect(
          [...host].every(([part, made]) => bytes(other.get(part)).equals(bytes(made))),
          'negative control',
        ).toBe(false);
      }
      const tiny = weights(3);
      tiny[5] = 1e-35;
      expect(await encoder.encode(codec, name, tiny)).toBe(undefined);
      tiny[5] = Infinity;
      expect(await encoder.encode(codec, name, tiny)).toBe(undefined);
    } finally {
      encoder.close();
    }
  });
});

const bytes = (words: Uint32Array | Float32Array | undefined): Buffer =>
  words === undefined ? Buffer.alloc(0) : Buffer.from(words.buffer, words.byteOffset, words.byteLength);
