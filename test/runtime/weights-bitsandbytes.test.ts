/**
 * @file The 4-bit layout of bitsandbytes: tables and a worked example by their hashes, real checkpoints read, decoded and written
 * again, and everything that can be wrong with a file, in words.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  dynamicMap,
  fp4Table,
  nf4Table,
  quantizedOf,
  quantTable,
  readQuantized,
  readQuantState,
  writeQuantized,
  type QuantLayout,
  type QuantParts,
} from '../../runtime/weights/bitsandbytes.js';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { readHeader, type WeightsFile } from '../../runtime/weights/header.js';
import { readTensor } from '../../runtime/weights/stream.js';
import { writeWeights, type TensorSource } from '../../runtime/weights/writer.js';
import { must, words } from './data-results.js';

const root = mkdtempSync(join(tmpdir(), 'peft-bitsandbytes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sha = (values: Uint8Array | Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);
const count = (shape: readonly number[]): number => shape.reduce((all, n) => all * n, 1);
const at = (list: Uint32Array, width: number, i: number): number =>
  (list[Math.floor((i * width) / 32)]! >>> ((i * width) % 32)) % 2 ** width;

let files = 0;
async function fileOf(tensors: readonly TensorSource[]): Promise<WeightsFile> {
  const path = join(root, `${files++}.safetensors`);
  must(await writeWeights(path, tensors));
  return must(await readHeader(path));
}

/** What the parts stand for, in f32, computed as slowly and plainly as it can be. */
function decode(layout: QuantLayout, parts: QuantParts, nestedMap: Float32Array | undefined): Float32Array {
  const table = quantTable(layout.quantType);
  const f = Math.fround;
  return Float32Array.from({ length: count(layout.shape) }, (_, i) => {
    const block = Math.floor(i / layout.blocksize);
    const absmax = parts.get('absmax')!;
    const magnitude =
      layout.nested === undefined
        ? absmax[block]!
        : f(
            f(
              nestedMap![at(absmax as Uint32Array, 8, block)]! * parts.get('nested_absmax')![Math.floor(block / layout.nested.blocksize)]!,
            ) + parts.get('nested_offset')![0]!,
          );
    return f(table[at(parts.get('weight') as Uint32Array, 4, i)]! * magnitude);
  });
}

/** The code nearest to `x`; of two equally near the first in the table. */
function nearest(x: number, table: Float32Array): number {
  let best = 0;
  table.forEach((value, code) => {
    if (Math.abs(value - x) < Math.abs(table[best]! - x)) best = code;
  });
  return best;
}

function packed(codes: readonly number[], width: number): Uint32Array {
  const list = new Uint32Array(Math.ceil((codes.length * width) / 32));
  codes.forEach((code, i) => (list[Math.floor((i * width) / 32)]! |= code << ((i * width) % 32)));
  return list;
}

/** Quantises blocks as bitsandbytes does: scaled by the reciprocal of the largest magnitude. */
function blockwise(values: Float32Array, size: number, table: Float32Array): { codes: number[]; absmax: Float32Array } {
  const absmax = new Float32Array(Math.ceil(values.length / size));
  values.forEach((x, i) => (absmax[Math.floor(i / size)] = Math.max(absmax[Math.floor(i / size)]!, Math.abs(x))));
  const scales = absmax.map((x) => 1 / x);
  return { codes: [...values].map((x, i) => nearest(Math.fround(x * scales[Math.floor(i / size)]!), table)), absmax };
}

function quantise(layout: QuantLayout, values: Float32Array, offset: number): QuantParts {
  const { codes, absmax } = blockwise(values, layout.blocksize, quantTable(layout.quantType));
  const weight = packed(codes, 4);
  if (layout.nested === undefined)
    return new Map<string, Uint32Array | Float32Array>([
      ['weight', weight],
      ['absmax', absmax],
    ]);
  const nested = blockwise(
    absmax.map((x) => x - offset),
    layout.nested.blocksize,
    dynamicMap(true),
  );
  return new Map<string, Uint32Array | Float32Array>([
    ['weight', weight],
    ['absmax', packed(nested.codes, 8)],
    ['nested_absmax', nested.absmax],
    ['nested_offset', Float32Array.of(offset)],
  ]);
}

/** A weight with 105 elements: an odd number, a last word and a last block that are not full. */
const odd: QuantLayout = { quantType: 'nf4', blocksize: 32, dtype: 'bfloat16', shape: [3, 7, 5] };
const oddNested: QuantLayout = { ...odd, quantType: 'fp4', nested: { blocksize: 32 } };
const oddValues = Float32Array.from({ length: 105 }, (_, i) => Math.sin(i * i));
const written = (layout: QuantLayout): readonly TensorSource[] => must(writeQuantized('w', layout, quantise(layout, oddValues, 0.5)));

describe('the tables of codes', () => {
  const cases: readonly (readonly [string, Float32Array, number, string])[] = [
    ['NF4', nf4Table, 16, '8501941daa1b8a90ad1bbfeb632e5101b5dddbc4bb52d6e55abcfd777e60c06a'],
    ['FP4', fp4Table, 16, 'b830bcf8857895e5676b8e2ce608a60bb8af9b3ce6270073e9de34814196f09c'],
    ['signed dynamic', dynamicMap(true), 256, 'e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c'],
    ['unsigned dynamic', dynamicMap(false), 256, '305f002cc11278fb769d13b25b9fd0c7c83c8402c40a878fe086f4039fde6398'],
  ];
  test.each(cases)('%s', (_, table, length, hash) => {
    expect(table.length).toBe(length);
    expect(sha(table)).toBe(hash);
    const changed = table.slice();
    bitsOf(changed)[3]! ^= 1;
    expect(sha(changed)).not.toBe(hash);
  });
});

describe('the example that bitsandbytes was run on', () => {
  const values = Float32Array.from({ length: 150 * 256 }, (_, k) => ((k % 97) - 48) / 50);
  const layout: QuantLayout = { quantType: 'nf4', blocksize: 64, dtype: 'float32', shape: [150, 256] };

  test('one level', async () => {
    const file = await fileOf(must(writeQuantized('w', layout, quantise(layout, values, 0))));
    const { state, parts, nestedMap } = must(await readQuantized(file, 'w'));
    expect(state).toEqual(layout);
    expect(nestedMap).toBeUndefined();
    expect(sha(readFileSync(file.path).subarray(file.tensors.get('w')!.begin, file.tensors.get('w')!.end))).toMatch(/^adc712e8a64c8aab/);
    expect(parts.get('absmax')!.slice(0, 4)).toEqual(Float32Array.of(0.96, 0.96, 0.92, 0.96));
    expect(sha(decode(state, parts, nestedMap))).toMatch(/^01be07e9385d8959/);
  });

  test('two levels', async () => {
    const nested = { ...layout, nested: { blocksize: 256 } };
    const file = await fileOf(must(writeQuantized('w', nested, quantise(nested, values, 0.9041999578475952))));
    const { state, parts, nestedMap } = must(await readQuantized(file, 'w'));
    expect(state).toEqual({ ...layout, nested: { blocksize: 256, offset: 0.9041999578475952 } });
    expect(parts.get('absmax')![0]).toBe(198 + 198 * 2 ** 8 + 176 * 2 ** 16 + 198 * 2 ** 24);
    expect(parts.get('nested_absmax')).toEqual(Float32Array.of(0.26419997, 0.26419997, 0.26419997));
    expect(sha(decode(state, parts, nestedMap))).toMatch(/^dfe029ae91723cda/);
  });
});

describe('sizes that fill no word', () => {
  test.each([odd, oddNested])('$quantType', async (layout) => {
    const given = quantise(layout, oddValues, 0.5);
    const tensors = written(layout);
    const weight = tensors[0]!.data as Uint8Array;
    expect(tensors[0]).toMatchObject({ name: 'w', dtype: 'U8', shape: [53, 1] });
    // The even element is in the high half; after the last one stands the code of zero.
    expect([weight[0]! >> 4, weight[0]! & 15, weight[52]! >> 4]).toEqual(
      [0, 1, 104].map((i) => at(given.get('weight') as Uint32Array, 4, i)),
    );
    expect(weight[52]! & 15).toBe(layout.quantType === 'nf4' ? 7 : 0);
    const read = must(await readQuantized(await fileOf(tensors), 'w'));
    expect(read.parts).toEqual(given);
    expect(read.parts.get('weight')!.at(-1)! >>> 4).toBe(0);
    expect(must(writeQuantized('w', read.state, read.parts, read.nestedMap))).toEqual(tensors);
  });

  test('headers alone', () => {
    const headers = new Map(written(oddNested).map((tensor) => [tensor.name, tensor]));
    expect(quantizedOf(headers, 'w')).toEqual({ quantType: 'fp4', double: true, elements: 106, absmaxCount: 4 });
    expect(quantizedOf(headers, 'w.absmax')).toBeUndefined();
  });

  test('shards', async () => {
    const folder = join(root, 'sharded');
    mkdirSync(folder);
    const weightMap: Record<string, string> = {};
    for (const [i, tensor] of written(oddNested).entries()) {
      weightMap[tensor.name] = `${i}.safetensors`;
      must(await writeWeights(join(folder, `${i}.safetensors`), [tensor]));
    }
    writeFileSync(join(folder, 'config.json'), '{}');
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    const read = must(await readQuantized(must(await openCheckpoint(folder)), 'w'));
    expect(read.parts).toEqual(quantise(oddNested, oddValues, 0.5));
  });
});

describe('the quant state in JSON', () => {
  const textOf = (tensors: readonly TensorSource[]): string => new TextDecoder().decode(tensors.at(-1)!.data as Uint8Array);

  test('one level', () => {
    expect(textOf(written(odd))).toBe('{"quant_type": "nf4", "blocksize": 32, "dtype": "bfloat16", "shape": [3, 7, 5]}');
  });

  // As Python prints them.
  const numbers = `0.9041997790336609 9.999999747378752e-05 1.0 0.0 -0.0 1.0000000272564224e+16 999999986991104.0 123456792.0
    3.4028234663852886e+38 1.401298464324817e-45 -2.5 0.0010000000474974513 1.000000013351432e-10`;
  test.each(numbers.split(/\s+/))('offset %s', (printed) => {
    const parts = new Map(quantise(oddNested, oddValues, 0.5)).set('nested_offset', Float32Array.of(Number(printed)));
    expect(textOf(must(writeQuantized('w', oddNested, parts)))).toBe(
      `{"quant_type": "fp4", "blocksize": 32, "dtype": "bfloat16", "shape": [3, 7, 5], "nested_blocksize": 32, "nested_dtype": "float32", "nested_offset": ${printed}}`,
    );
  });
});

describe('a damaged weight is refused', () => {
  type Change = Partial<TensorSource> | 'gone' | ((bytes: Uint8Array) => void);
  const state = (text: string): Change => ({ data: new TextEncoder().encode(text), shape: [new TextEncoder().encode(text).byteLength] });
  const one = '"blocksize": 32, "dtype": "bfloat16", "shape": [3, 7, 5]';
  const two = (rest: string): string => `{"quant_type": "fp4", ${one}, ${rest}}`;
  const set =
    (index: number, value: number): Change =>
    (bytes) =>
      new DataView(bytes.buffer, bytes.byteOffset).setFloat32(4 * index, value, true);
  const nf4State = 'w.quant_state.bitsandbytes__nf4';
  const fp4State = 'w.quant_state.bitsandbytes__fp4';

  const cases: readonly (readonly [string, QuantLayout, string, Change, string])[] = [
    ['no state', odd, nf4State, 'gone', 'tensor w of FILE has no quant state of bitsandbytes'],
    ['state of another type', odd, nf4State, { dtype: 'I8' }, `tensor ${nf4State} of weights file FILE is I8, not U8`],
    ['bad JSON', odd, nf4State, state('{"quant_type": nf4}'), `tensor ${nf4State} of weights file FILE is not valid JSON`],
    ['not UTF-8', odd, nf4State, (bytes) => void (bytes[2] = 0xff), 'is not valid JSON'],
    ['a list', odd, nf4State, state('[]'), 'is not a JSON object'],
    ['other type', odd, nf4State, state(`{"quant_type": "fp4", ${one}}`), 'has the quant_type "fp4", but its name says nf4'],
    ['no shape', odd, nf4State, state('{"quant_type": "nf4", "blocksize": 32, "dtype": "float32"}'), 'has no shape'],
    ['unknown key', odd, nf4State, state(`{"quant_type": "nf4", ${one}, "axis": 1}`), 'has the unknown key axis'],
    [
      'blocksize',
      odd,
      nf4State,
      state(`{"quant_type": "nf4", ${one.replace('32', '48')}}`),
      'has the blocksize 48, which is not a power of two from 32 to 4096',
    ],
    ['blocksize in words', odd, nf4State, state(`{"quant_type": "nf4", ${one.replace('32', '"32"')}}`), 'has the blocksize "32", which'],
    [
      'dtype',
      odd,
      nf4State,
      state(`{"quant_type": "nf4", ${one.replace('bfloat16', 'int8')}}`),
      'has the dtype "int8", which is not float32',
    ],
    ['empty shape', odd, nf4State, state(`{"quant_type": "nf4", ${one.replace('7', '0')}}`), 'has no valid shape: [3,0,5]'],
    [
      'shape too large',
      odd,
      nf4State,
      state(`{"quant_type": "nf4", ${one.replace('7', '11')}}`),
      'tensor w of weights file FILE is U8 [53, 1], but shape [3, 11, 5] in blocks of 32 needs U8 [83, 1]',
    ],
    ['packed in other words', odd, 'w', { dtype: 'U16', data: new Uint8Array(106) }, 'is U16 [53, 1], but'],
    ['no packed tensor', odd, 'w', 'gone', 'tensor w of FILE is missing, and w has 4 bits an element'],
    ['no absmax', odd, 'w.absmax', 'gone', 'tensor w.absmax of FILE is missing'],
    ['absmax too short', odd, 'w.absmax', { shape: [3], data: new Uint8Array(12) }, 'w.absmax of weights file FILE is F32 [3], but'],
    ['absmax NaN', odd, 'w.absmax', set(2, NaN), 'tensor w.absmax of weights file FILE is NaN at 2, which is no largest magnitude'],
    ['absmax infinite', odd, 'w.absmax', set(0, Infinity), 'is Infinity at 0'],
    ['absmax negative', odd, 'w.absmax', set(3, -1), 'is -1 at 3'],
    [
      'another table',
      odd,
      'w.quant_map',
      set(5, -0.1847),
      'tensor w.quant_map of weights file FILE is not the table of nf4: its entry 5 differs',
    ],
    ['negative zero', oddNested, 'w.quant_map', set(8, -0), 'is not the table of fp4: its entry 8 differs'],
    ['no table', odd, 'w.quant_map', 'gone', 'tensor w.quant_map of FILE is missing'],
    [
      'nested keys missing',
      oddNested,
      fp4State,
      state(`{"quant_type": "fp4", ${one}}`),
      'has no nested keys, but there is w.nested_absmax',
    ],
    [
      'half of the nested keys',
      oddNested,
      fp4State,
      state(two('"nested_blocksize": 32, "nested_dtype": "float32"')),
      'has no nested_offset',
    ],
    [
      'nested blocksize',
      oddNested,
      fp4State,
      state(two('"nested_blocksize": 0, "nested_dtype": "float32", "nested_offset": 0.5')),
      'has the nested_blocksize 0, which is not a power of two',
    ],
    [
      'nested dtype',
      oddNested,
      fp4State,
      state(two('"nested_blocksize": 32, "nested_dtype": "float16", "nested_offset": 0.5')),
      'has the nested_dtype "float16", which is not float32',
    ],
    [
      'nested offset',
      oddNested,
      fp4State,
      state(two('"nested_blocksize": 32, "nested_dtype": "float32", "nested_offset": 1e39')),
      'has the nested_offset 1e+39, which is not a finite f32',
    ],
    ['nested absmax of floats', oddNested, 'w.absmax', { dtype: 'F32', data: new Uint8Array(16) }, 'is F32 [4], but'],
    ['nested absmax missing', oddNested, 'w.nested_absmax', 'gone', 'tensor w.nested_absmax of FILE is missing'],
    ['nested absmax too long', oddNested, 'w.nested_absmax', { shape: [2], data: new Uint8Array(8) }, 'is F32 [2], but'],
    ['nested absmax NaN', oddNested, 'w.nested_absmax', set(0, NaN), 'tensor w.nested_absmax of weights file FILE is NaN at 0'],
    ['nested map too short', oddNested, 'w.nested_quant_map', { shape: [16], data: new Uint8Array(64) }, 'needs F32 [256]'],
    [
      'nested map infinite',
      oddNested,
      'w.nested_quant_map',
      set(255, Infinity),
      'tensor w.nested_quant_map of weights file FILE is Infinity at 255',
    ],
  ];
  test.each(cases)('%s', async (_, layout, name, change, message) => {
    expect(written(layout).map((tensor) => tensor.name)).toContain(name);
    const tensors = written(layout).flatMap((tensor) => {
      if (tensor.name !== name) return [tensor];
      if (change === 'gone') return [];
      if (typeof change !== 'function') return [{ ...tensor, ...change }];
      const data = (tensor.data as Uint8Array).slice();
      change(data);
      return [{ ...tensor, data }];
    });
    const file = await fileOf(tensors);
    const result = await readQuantized(file, 'w');
    expect(words(result, file.path)).toContain(message);
    expect(words(result, file.path)).toContain('FILE');
  });

  test('two states', async () => {
    const again = { ...written(odd).at(-1)!, name: fp4State };
    const file = await fileOf([...written(odd), again]);
    expect(words(await readQuantState(file, 'w'), file.path)).toContain('tensor w of FILE has two quant states, nf4 and fp4');
  });

  test('parts that cannot be written', () => {
    const parts = quantise(odd, oddValues, 0);
    const said = (layout: QuantLayout, name: string, values?: Uint32Array | Float32Array): string => {
      const changed = new Map(parts);
      if (values === undefined) changed.delete(name);
      else changed.set(name, values);
      return words(writeQuantized('w', layout, changed));
    };
    expect(said(odd, 'weight')).toContain('quantised tensor w cannot be written: it has no part weight');
    expect(said(odd, 'weight', new Uint32Array(13))).toContain('it needs 14 words as weight, but 13 words were given');
    expect(said(odd, 'absmax', new Uint32Array(4))).toContain('it needs 4 numbers as absmax, but 4 words were given');
    expect(said(odd, 'absmax', Float32Array.of(1, NaN, 1, 1))).toContain('it has NaN at 1 of absmax');
    expect(said({ ...odd, blocksize: 48 }, 'none')).toContain('it has the blocksize 48');
    expect(said(odd, 'none')).toBe('');
  });
});

const shared = resolve('..', 'shared', 'reference');
const cases = ['llama-lora-nf4', 'llama-dora-nf4', 'llama-lora-nf4-double', 'llama-dora-nf4-double'];
const missing = !cases.every((name) => existsSync(join(shared, name, 'base')));
if (missing) console.warn(`weights-bitsandbytes.test: checkpoints of bitsandbytes are not checked, because ${shared} lacks them`);
describe.skipIf(missing)('checkpoints that bitsandbytes wrote (where ../shared/reference is)', () => {
  test.each(cases)('%s', async (name) => {
    const path = join(shared, name, 'base', 'model.safetensors');
    const original = readFileSync(path);
    const base = must(await openCheckpoint(join(shared, name, 'base')));
    const reference = must(await readHeader(join(shared, name, 'dequantized.safetensors')));
    const quantised = [...base.tensors.keys()].filter((key) => quantizedOf(base.tensors, key) !== undefined);
    expect(quantised.sort()).toEqual([...reference.tensors.keys()].sort());
    expect(quantised.length).toBe(14);
    const rewritten = new Map<string, TensorSource>();
    for (const key of quantised) {
      const { state, parts, nestedMap } = must(await readQuantized(base, key));
      const { shape } = reference.tensors.get(key)!;
      const double = name.endsWith('double');
      expect(state).toMatchObject({ quantType: 'nf4', blocksize: 64, dtype: 'float32', shape });
      expect(quantizedOf(base.tensors, key)).toEqual({ quantType: 'nf4', double, elements: count(shape), absmaxCount: count(shape) / 64 });
      if (nestedMap !== undefined) expect(bitsOf(nestedMap)).toEqual(bitsOf(dynamicMap(true)));
      expect(nestedMap !== undefined).toBe(double);

      const expected = bitsOf(must(await readTensor(reference, key)));
      expect(bitsOf(decode(state, parts, nestedMap))).toEqual(expected);
      for (const tensor of must(writeQuantized(key, state, parts, nestedMap))) rewritten.set(tensor.name, tensor);

      // One code changed must be seen by both comparisons.
      const other = new Map(parts).set('weight', parts.get('weight')!.slice());
      other.get('weight')![1]! ^= 0x500;
      expect(bitsOf(decode(state, other, nestedMap))).not.toEqual(expected);
      const record = base.tensors.get(key)!;
      const changed = must(writeQuantized(key, state, other, nestedMap))[0]!.data as Uint8Array;
      expect(original.subarray(record.begin, record.end).equals(changed)).toBe(false);
    }
    expect(rewritten.size).toBe(14 * (name.endsWith('double') ? 6 : 4));
    for (const [tensor, { dtype, shape, data }] of rewritten) {
      const record = base.tensors.get(tensor)!;
      expect({ tensor, dtype, shape }).toEqual({ tensor, dtype: record.dtype, shape: record.shape });
      expect(original.subarray(record.begin, record.end).equals(data as Uint8Array), tensor).toBe(true);
    }
    // The other tensors as they are: then the whole file is the same.
    const all = [...base.tensors].map(
      ([key, { dtype, shape, begin, end }]) => rewritten.get(key) ?? { name: key, dtype, shape, data: original.subarray(begin, end) },
    );
    const again = join(root, `${name}.safetensors`);
    must(await writeWeights(again, all));
    expect(readFileSync(again).equals(original)).toBe(true);
  });
});
