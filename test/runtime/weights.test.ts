/**
 * @file Safetensors: headers and their failures, conversion, streaming, writing; checked against a file and numbers of the
 * reference library (`weights-golden.py`).
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { converterOf, encodeElements, type ElementType } from '../../runtime/weights/element.js';
import { readHeader, type WeightsFile } from '../../runtime/weights/header.js';
import { chunkBytes, readIntTensor, readTensor, streamTensor } from '../../runtime/weights/stream.js';
import { writeWeights, type TensorSource } from '../../runtime/weights/writer.js';
import { must } from './data-results.js';

const folder = mkdtempSync(join(tmpdir(), 'peft-weights-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Golden {
  readonly file: string;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: readonly (number | string)[] }[];
}
const golden = JSON.parse(readFileSync(new URL('./weights-golden.json', import.meta.url), 'utf8')) as Golden;

function place(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function container(header: string, data: number, length = new TextEncoder().encode(header).byteLength): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.byteLength + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

const tensor = (dtype: string, shape: string, from: number, to: number): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

describe('a header is refused', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['empty file', new Uint8Array(0), 'has 0 bytes, too few'],
    ['seven bytes', new Uint8Array(7), 'has 7 bytes, too few'],
    ['header length beyond the file', container('{"a":1}', 0, 5000), 'truncated: its header needs 5000 bytes and 7 are there'],
    ['absurd header length', new TextEncoder().encode('#!/bin/sh\necho no weights\n'), 'is not a safetensors file: it claims a header of'],
    ['no JSON', container('{"a":', 0), 'header of weights file PATH is not valid JSON'],
    [
      'not UTF-8',
      (() => {
        const b = container('{"a":1}', 0);
        b[10] = 0xff;
        return b;
      })(),
      'is not valid JSON',
    ],
    ['a list', container('[1]', 0), 'is not a JSON object'],
    ['no description', container('{"a":3}', 0), 'tensor a of weights file PATH is not described by an object'],
    ['unknown type', container(`{"a":${tensor('F7', '[1]', 0, 4)}}`, 4), 'tensor a of weights file PATH has the unknown element type "F7"'],
    ['prototype name as type', container(`{"a":${tensor('toString', '[1]', 0, 4)}}`, 4), 'unknown element type "toString"'],
    ['negative shape', container(`{"a":${tensor('F32', '[-1]', 0, 4)}}`, 4), 'has no valid shape'],
    ['fractional shape', container(`{"a":${tensor('F32', '[1.5]', 0, 6)}}`, 6), 'has no valid shape'],
    ['huge shape', container(`{"a":${tensor('F32', '[9007199254740991,2]', 0, 4)}}`, 4), 'too large to count'],
    ['reversed offsets', container(`{"a":${tensor('F32', '[1]', 4, 0)}}`, 4), 'ends at byte 0, before it begins at 4'],
    [
      'wrong length',
      container(`{"a":${tensor('F32', '[2,2]', 0, 12)}}`, 12),
      'of shape [2, 2] and type F32 needs 16 bytes, but its offsets give it 12',
    ],
    [
      'overlap',
      container(`{"a":${tensor('F32', '[2]', 0, 8)},"b":${tensor('F32', '[2]', 4, 12)}}`, 12),
      'tensors a and b of weights file PATH overlap',
    ],
    [
      'gap',
      container(`{"a":${tensor('F32', '[1]', 0, 4)},"b":${tensor('F32', '[1]', 8, 12)}}`, 12),
      '4 bytes before tensor b that belong to no tensor',
    ],
    ['truncated data', container(`{"a":${tensor('F32', '[4]', 0, 16)}}`, 5), /truncated: 11 of \d+ bytes are missing/.source],
    ['trailing bytes', container(`{"a":${tensor('F32', '[1]', 0, 4)}}`, 7), '3 bytes after its last tensor'],
    ['metadata with a number', container('{"__metadata__":{"x":1}}', 0), 'metadata x of weights file PATH is not text'],
  ];
  test.each(cases)('%s', async (name, bytes, expected) => {
    const path = place(`${name.replaceAll(' ', '-')}.safetensors`, bytes);
    const result = await readHeader(path);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.error.path).toBe(path);
    expect(result.error.message.replaceAll(path, 'PATH')).toMatch(
      expected.includes('\\d') ? new RegExp(expected) : new RegExp(expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    );
  });

  test('missing file and folder', async () => {
    const missing = await readHeader(join(folder, 'none.safetensors'));
    expect(missing).toMatchObject({ ok: false, error: { message: `weights file ${join(folder, 'none.safetensors')} does not exist` } });
    const directory = await readHeader(folder);
    expect(directory).toMatchObject({ ok: false, error: { message: `weights file ${folder} is a folder, not a file` } });
  });
});

describe('the reference library', () => {
  const path = place('golden.safetensors', Buffer.from(golden.file, 'base64'));

  test('every tensor reads as the numbers it holds', async () => {
    const file = must(await readHeader(path));
    expect(file.metadata).toEqual({ format: 'pt' });
    expect([...file.tensors.keys()].sort()).toEqual(golden.tensors.map(({ name }) => name).sort());
    for (const { name, shape, values } of golden.tensors) {
      expect(file.tensors.get(name)!.shape).toEqual(shape);
      expect(must(await readTensor(file, name))).toEqual(Float32Array.from(values, Number));
    }
    expect(must(await readIntTensor(file, 'c.ids'))).toEqual(Int32Array.of(1, -100, 2147483647, -2147483648));
    expect(must(await readIntTensor(file, 'c.mask'))).toEqual(Int32Array.of(0, 1, 255));
  });

  test('the same tensors are written byte for byte', async () => {
    const original = Buffer.from(golden.file, 'base64');
    const file = must(await readHeader(path));
    const sources: TensorSource[] = [...file.tensors].map(([name, { dtype, shape, begin, end }]) => ({
      name,
      dtype,
      shape,
      data: original.subarray(begin, end),
    }));
    const written = join(folder, 'again.safetensors');
    expect(must(await writeWeights(written, sources.reverse()))).toBe(original.byteLength);
    expect(readFileSync(written).equals(original)).toBe(true);
    const other = join(folder, 'other.safetensors');
    must(
      await writeWeights(
        other,
        sources.map((source) => (source.name === 'c.mask' ? { ...source, data: Uint8Array.of(0, 1, 254) } : source)),
      ),
    );
    expect(readFileSync(other).equals(original)).toBe(false);
  });
});

describe('elements', () => {
  /** The value of a half by its definition. */
  const half = (bits: number): number => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
  };
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const decoded = new Float32Array(65536);
  converterOf('F16', 'f32')!(new Uint8Array(all.buffer), 65536, decoded);

  test('every f16', () => {
    expect(decoded).toEqual(Float32Array.from(all, half));
  });

  test('every f16 and bf16 comes back from f32', () => {
    for (const type of ['F16', 'BF16'] as const) {
      const out = new Float32Array(65536);
      converterOf(type, 'f32')!(new Uint8Array(all.buffer), 65536, out);
      const back = new Uint16Array(encodeElements(out, type).buffer);
      const wrong = [...all].filter((bits) => (Number.isNaN(out[bits]!) ? false : back[bits] !== bits));
      expect(wrong).toEqual([]);
      const nan = [...all].filter((bits) => Number.isNaN(out[bits]!));
      const again = new Float32Array(nan.length);
      converterOf(type, 'f32')!(new Uint8Array(Uint16Array.from(nan, (bits) => back[bits]!).buffer), nan.length, again);
      expect(again.every(Number.isNaN)).toBe(true);
    }
  });

  test('f32 rounds to the nearest f16, ties to even', () => {
    // Between two neighbours: just below the middle, the middle, just above. The last finite one borders on 65536.
    for (let bits = 0; bits < 0x7c00; bits++) {
      const low = half(bits);
      const high = bits === 0x7bff ? 65536 : half(bits + 1);
      const middle = Math.fround((low + high) / 2);
      const step = Math.fround(middle * 2 ** -20);
      const points = Float32Array.of(middle - step, middle, middle + step);
      const expected = [bits, bits % 2 === 0 ? bits : bits + 1, bits + 1];
      const back = [...new Uint16Array(encodeElements(points, 'F16').buffer)];
      if (back.join() !== expected.join()) expect({ bits, back }).toEqual({ bits, back: expected });
    }
  });

  const refused: readonly (readonly [ElementType, 'f32' | 'i32'])[] = [
    ['F8_E4M3', 'f32'],
    ['F8_E5M2', 'f32'],
    ['F32', 'i32'],
    ['F16', 'i32'],
    ['BF16', 'i32'],
    ['F64', 'i32'],
  ];
  test.each(refused)('%s is not read as %s', (from, to) => expect(converterOf(from, to)).toBeUndefined());

  test('whole numbers that do not fit into 32 bits are found', async () => {
    const path = join(folder, 'wide.safetensors');
    const words = BigInt64Array.of(5n, -1n, 2n ** 31n);
    const unsigned = Uint32Array.of(1, 2 ** 31);
    must(
      await writeWeights(path, [
        { name: 'a', dtype: 'I64', shape: [3], data: new Uint8Array(words.buffer) },
        { name: 'b', dtype: 'U32', shape: [2], data: new Uint8Array(unsigned.buffer) },
      ]),
    );
    const file = must(await readHeader(path));
    expect(await readIntTensor(file, 'a')).toMatchObject({
      ok: false,
      error: { message: `element 2 of tensor a in ${path} does not fit into 32 bits` },
    });
    expect(await readIntTensor(file, 'b')).toMatchObject({
      ok: false,
      error: { message: `element 1 of tensor b in ${path} does not fit into 32 bits` },
    });
    expect(must(await readTensor(file, 'a'))).toEqual(Float32Array.of(5, -1, 2 ** 31));
    expect(await readIntTensor(must(await readHeader(join(folder, 'golden.safetensors'))), 'b.weight')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('element type F32, which cannot be read as i32') as string },
    });
  });
});

describe('streaming', () => {
  // More than one chunk, and a last one that is not full.
  const width = 3;
  const rows = Math.floor((2.3 * chunkBytes) / 4 / width);
  const values = Float32Array.from({ length: rows * width }, (_, i) => (i % 2039) - 1000);
  const path = join(folder, 'large.safetensors');
  let opened: Promise<WeightsFile> | undefined;
  const open = (): Promise<WeightsFile> => (opened ??= write());
  async function write(): Promise<WeightsFile> {
    must(
      await writeWeights(path, [
        { name: 'first', dtype: 'F16', shape: [rows, width], data: encodeElements(values, 'F16') },
        { name: 'second', dtype: 'F32', shape: [2], data: encodeElements(Float32Array.of(1, 2), 'F32') },
      ]),
    );
    return must(await readHeader(path));
  }

  test('chunks follow each other, none larger than 4 MiB, and give the tensor', async () => {
    const file = await open();
    const offsets: number[] = [];
    const sizes: number[] = [];
    const whole = new Uint8Array(values.byteLength);
    must(
      await streamTensor(file, 'first', async (offset, bytes) => {
        offsets.push(offset);
        sizes.push(bytes.byteLength);
        await Promise.resolve();
        whole.set(bytes, offset);
      }),
    );
    expect(offsets).toEqual([0, chunkBytes, 2 * chunkBytes]);
    expect(sizes).toEqual([chunkBytes, chunkBytes, values.byteLength - 2 * chunkBytes]);
    expect(Buffer.from(whole.buffer).equals(Buffer.from(values.buffer))).toBe(true);
  });

  test('a range of rows', async () => {
    const file = await open();
    for (const [from, to] of [
      [0, 1],
      [5, 9],
      [rows - 2, rows],
      [4, 4],
    ] as const)
      expect(must(await readTensor(file, 'first', { rows: [from, to] }))).toEqual(values.slice(from * width, to * width));
    expect(await readTensor(file, 'first', { rows: [3, rows + 1] })).toMatchObject({
      ok: false,
      error: { message: `rows 3 to ${rows + 1} are not in tensor first of ${path}, which has ${rows}` },
    });
  });

  test('a missing tensor names the nearest', async () => {
    expect(await readTensor(await open(), 'frist')).toMatchObject({ ok: false, error: { help: 'did you mean "first"?' } });
  });

  test('what the receiver throws passes through', async () => {
    await expect(
      streamTensor(await open(), 'second', () => {
        throw new Error('no memory on the device');
      }),
    ).rejects.toThrow('no memory on the device');
  });

  test('a file cut after its header was read', async () => {
    const file = await open();
    const { begin } = file.tensors.get('first')!;
    writeFileSync(path, readFileSync(path).subarray(0, begin + 10));
    expect(await readTensor(file, 'first')).toMatchObject({
      ok: false,
      error: { message: `weights file ${path} became shorter while it was read` },
    });
  });
});

describe('writing leaves a whole file or none', () => {
  const one = (data: TensorSource['data']): TensorSource => ({ name: 'a', dtype: 'F32', shape: [2], data });
  async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield await Promise.resolve(new Uint8Array(size));
  }

  test('piece by piece', async () => {
    const path = join(folder, 'new', 'pieces.safetensors');
    const bytes = must(await writeWeights(path, [one(pieces(3, 5))]));
    expect(statSync(path).size).toBe(bytes);
    expect(must(await readTensor(must(await readHeader(path)), 'a'))).toEqual(new Float32Array(2));
  });

  test('too few bytes, too many, two of a name, no folder', async () => {
    const path = join(folder, 'none', 'x.safetensors');
    expect(await writeWeights(path, [one(pieces(3))])).toMatchObject({
      ok: false,
      error: { message: 'tensor a of shape [2] needs 8 bytes, but 3 were given' },
    });
    expect(await writeWeights(path, [one(new Uint8Array(9))])).toMatchObject({
      ok: false,
      error: { message: 'tensor a of shape [2] needs 8 bytes, but 9 were given' },
    });
    expect(await writeWeights(path, [one(new Uint8Array(8)), one(new Uint8Array(8))])).toMatchObject({ ok: false });
    expect(readdirSync(join(folder, 'none'))).toEqual([]);
    place('a-file', new Uint8Array(1));
    expect(await writeWeights(join(folder, 'a-file', 'x.safetensors'), [one(new Uint8Array(8))])).toMatchObject({ ok: false });
  });

  test('an interrupted write keeps the file that was there', async () => {
    const path = join(folder, 'kept.safetensors');
    must(await writeWeights(path, [one(new Uint8Array(8))]));
    const before = readFileSync(path);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(4));
      throw new Error('the device is lost');
    }
    await expect(writeWeights(path, [one(broken())])).rejects.toThrow('the device is lost');
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
