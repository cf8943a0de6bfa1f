/**
 * @file Weights in 4 bits as bitsandbytes lays them out in safetensors, read and written bit for bit.
 *
 * A weight `X` of N elements is the tensors `X` (two codes a byte, U8 [ceil(N/2), 1]), `X.absmax` (the largest magnitude of
 * each block of consecutive elements), `X.quant_map` (what the 16 codes stand for) and `X.quant_state.bitsandbytes__nf4` or
 * `…__fp4` (JSON as U8). Where the magnitudes are quantised too ("double"), `X.absmax` holds codes of 8 bits, and
 * `X.nested_absmax`, `X.nested_quant_map` and an offset in the JSON say what they stand for.
 *
 * The file keeps the even element in the high half of a byte. In memory the codes lie in words in their natural order: element
 * j of a word in the bits from 4j (8j for codes of 8 bits). Files and, by assumption, hosts are little-endian.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { readExactly } from '../data/file-bytes.js';
import { isJsonObject, type Json, type JsonObject } from '../data/json-file.js';
import { fail, isSystemError, ok, systemFailure, type Result } from '../data/result.js';
import type { Checkpoint } from './checkpoint.js';
import { elementBytes, type ElementType } from './element.js';
import type { TensorRecord, WeightsFile } from './header.js';
import type { TensorSource } from './writer.js';

/** The two tables of 16 values, by the name bitsandbytes gives them. */
export type QuantType = 'nf4' | 'fp4';

/** What code 0 to 15 of NF4 stands for: quantiles of the normal distribution, each exactly an f32. */
export const nf4Table: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

const magnitudes = [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4];

/** What code 0 to 15 of FP4 stands for: bit 3 is the sign. Code 8 is a positive zero, as in the files of bitsandbytes. */
export const fp4Table: Float32Array = Float32Array.from([...magnitudes, ...magnitudes.map((x) => 0 - x)]);

/** The table of a type. */
export function quantTable(type: QuantType): Float32Array {
  return type === 'nf4' ? nf4Table : fp4Table;
}

/**
 * The 256 values of the dynamic map of 8 bits, ascending: seven decades, each with twice as many values as the one below, and 0
 * and 1. PyTorch's `linspace` fuses multiplication and addition; f64 holds both exactly, so one rounding does the same.
 */
export function dynamicMap(signed: boolean): Float32Array {
  const f = Math.fround;
  const values = [0, 1];
  const start = f(0.1);
  [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1].forEach((scale, decade) => {
    const last = 2 ** (signed ? decade : decade + 1);
    const step = f(f(1 - start) / last);
    const boundary = (i: number): number => (i < Math.floor((last + 1) / 2) ? f(start + step * i) : f(1 - step * (last - i)));
    for (let i = 0; i < last; i++) {
      const value = f((f(boundary(i) + boundary(i + 1)) / 2) * f(scale));
      values.push(value);
      if (signed) values.push(-value);
    }
  });
  return Float32Array.from(values).sort();
}

/** How a weight is quantised: all but its numbers. */
export interface QuantLayout {
  readonly quantType: QuantType;
  /** Elements that share a largest magnitude; they may run over the ends of rows. */
  readonly blocksize: number;
  /** Element type before quantisation, which is what bitsandbytes dequantises to. */
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
  readonly shape: readonly number[];
  /** There where the magnitudes are quantised too. */
  readonly nested?: { readonly blocksize: number };
}

/** What the quant state of a file says. */
export interface QuantState extends QuantLayout {
  readonly nested?: { readonly blocksize: number; readonly offset: number };
}

/** What headers alone tell about a quantised weight. */
export interface QuantizedHeader {
  readonly quantType: QuantType;
  readonly double: boolean;
  /** At most so many elements: two for each packed byte. 0 where the packed tensor itself is missing. */
  readonly elements: number;
  /** Number of blocks; 0 where the tensor of magnitudes is missing. */
  readonly absmaxCount: number;
}

/** The numbers of a quantised weight, by name: `weight`, `absmax`, and where nested `nested_absmax` and `nested_offset`. */
export type QuantParts = ReadonlyMap<string, Uint32Array | Float32Array>;

/** A quantised weight as the runtime has it in memory. */
export interface Quantized {
  readonly state: QuantState;
  /**
   * `weight`: words of 8 codes, the last one filled with zeros. `absmax`: one f32 a block; where nested words of 4 codes, the first
   * in the low byte, the last word filled with zeros. `nested_absmax`: one f32 a block of codes. `nested_offset`: one f32.
   */
  readonly parts: QuantParts;
  /** What the 256 codes of `absmax` stand for, as the file has it; undefined where not nested. */
  readonly nestedMap: Float32Array | undefined;
}

/** Where quantised weights are read from: one file, or a base with its shards. */
export type QuantSource = WeightsFile | Checkpoint;

/** Magnitudes that bitsandbytes quantises together. */
export const nestedBlocksize = 256;

const stateName = (key: string, type: QuantType): string => `${key}.quant_state.bitsandbytes__${type}`;
const types: readonly QuantType[] = ['nf4', 'fp4'];
const mapCodes = 256;
const damagedHelp = 'the file is damaged: download it again, or quantise the base anew';

/** What headers tell about the weight `key`; undefined where bitsandbytes did not quantise it to 4 bits. */
export function quantizedOf(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtype: ElementType }>,
  key: string,
): QuantizedHeader | undefined {
  const quantType = types.find((type) => tensors.has(stateName(key, type)));
  if (quantType === undefined) return undefined;
  const weight = tensors.get(key);
  const absmax = tensors.get(`${key}.absmax`);
  return {
    quantType,
    double: tensors.has(`${key}.nested_absmax`),
    elements: weight === undefined ? 0 : 2 * product(weight.shape) * elementBytes[weight.dtype],
    absmaxCount: absmax === undefined ? 0 : product(absmax.shape),
  };
}

/**
 * Reads and checks the quant state of the weight `key`, and that the tensors it belongs to are there, of the right type and size,
 * and with a table of codes that is known. The magnitudes themselves are read, and checked, by `readQuantized`.
 */
export async function readQuantState(source: QuantSource, key: string): Promise<Result<QuantState>> {
  const named = types.filter((type) => source.tensors.has(stateName(key, type)));
  const where = 'folder' in source ? source.folder : source.path;
  const quantType = named[0];
  if (quantType === undefined) return fail(where, `tensor ${key} of ${where} has no quant state of bitsandbytes`);
  if (named.length > 1)
    return fail(where, `tensor ${key} of ${where} has two quant states, ${named.join(' and ')}, of which one is right`, damagedHelp);
  const name = stateName(key, quantType);
  const text = await readPart(source, key, name, 'U8');
  if (!text.ok) return text;
  const { bytes, file } = text.value;
  const state = parseState(bytes, quantType);
  if (typeof state === 'string') return fail(file.path, `tensor ${name} of weights file ${file.path} ${state}`, damagedHelp);
  const needed = tensorsOf(key, state);
  for (const suffix of ['nested_absmax', 'nested_quant_map'])
    if (state.nested === undefined && source.tensors.has(`${key}.${suffix}`))
      return fail(file.path, `tensor ${name} of weights file ${file.path} has no nested keys, but there is ${key}.${suffix}`, damagedHelp);
  for (const { name: part, dtype, shape } of needed) {
    const found = locate(source, key, part);
    if (!found.ok) return found;
    const { record, file: partFile } = found.value;
    if (record.dtype === dtype && record.shape.length === shape.length && record.shape.every((n, i) => n === shape[i])) continue;
    const stored = part === key && record.dtype !== 'U8';
    return fail(
      partFile.path,
      `tensor ${part} of weights file ${partFile.path} is ${record.dtype} [${record.shape.join(', ')}], but shape [${state.shape.join(', ')}] in blocks of ${state.blocksize} needs ${dtype} [${shape.join(', ')}]`,
      stored ? 'quantise the base with bnb_4bit_quant_storage uint8, the default' : damagedHelp,
    );
  }
  const table = await readPart(source, key, `${key}.quant_map`, 'F32');
  if (!table.ok) return table;
  const bad = firstDifference(new Float32Array(table.value.bytes.buffer), quantTable(quantType));
  if (bad >= 0)
    return fail(
      table.value.file.path,
      `tensor ${key}.quant_map of weights file ${table.value.file.path} is not the table of ${quantType}: its entry ${bad} differs`,
      damagedHelp,
    );
  return ok(state);
}

/** Reads the quantised weight `key` with everything that belongs to it. */
export async function readQuantized(source: QuantSource, key: string): Promise<Result<Quantized>> {
  const read = await readQuantState(source, key);
  if (!read.ok) return read;
  const state = read.value;
  const parts = new Map<string, Uint32Array | Float32Array>();
  const packed = await readPart(source, key, key, 'U8');
  if (!packed.ok) return packed;
  parts.set('weight', naturalOrder(packed.value.bytes, product(state.shape)));
  if (state.nested === undefined) {
    const absmax = await readMagnitudes(source, key, 'absmax');
    return absmax.ok ? ok({ state, parts: parts.set('absmax', absmax.value), nestedMap: undefined }) : absmax;
  }
  const codes = await readPart(source, key, `${key}.absmax`, 'U8');
  if (!codes.ok) return codes;
  parts.set('absmax', new Uint32Array(codes.value.bytes.buffer));
  const nested = await readMagnitudes(source, key, 'nested_absmax');
  if (!nested.ok) return nested;
  parts.set('nested_absmax', nested.value).set('nested_offset', Float32Array.of(state.nested.offset));
  const map = await readPart(source, key, `${key}.nested_quant_map`, 'F32');
  if (!map.ok) return map;
  const nestedMap = new Float32Array(map.value.bytes.buffer);
  const bad = nestedMap.findIndex((x) => !Number.isFinite(x));
  if (bad < 0) return ok({ state, parts, nestedMap });
  const { path } = map.value.file;
  return fail(path, `tensor ${key}.nested_quant_map of weights file ${path} is ${nestedMap[bad]} at ${bad}`, damagedHelp);
}

/**
 * The tensors of the weight `key` as bitsandbytes writes them. `nestedMap` is what the codes of the magnitudes stand for where they
 * are nested. Numbers that no reader could use (a magnitude that is not finite) are refused.
 */
export function writeQuantized(
  key: string,
  layout: QuantLayout,
  parts: QuantParts,
  nestedMap: Float32Array = dynamicMap(true),
): Result<readonly TensorSource[]> {
  const { quantType, nested } = layout;
  const elements = product(layout.shape);
  const blocks = Math.ceil(elements / layout.blocksize);
  const data = new Map<string, Uint8Array>([[`${key}.quant_map`, bytesOf(quantTable(quantType))]]);
  const take = (part: string, words: boolean, length: number): Uint32Array | Float32Array | string => {
    const values = parts.get(part);
    if (values === undefined) return `has no part ${part}`;
    if (values.length !== length || values instanceof Uint32Array !== words)
      return `needs ${length} ${words ? 'words' : 'numbers'} as ${part}, but ${values.length} ${values instanceof Uint32Array ? 'words' : 'numbers'} were given`;
    const bad = words ? -1 : values.findIndex((x) => !(part === 'nested_offset' ? Number.isFinite(x) : isMagnitude(x)));
    return bad < 0 ? values : `has ${values[bad]} at ${bad} of ${part}`;
  };
  const refused = (why: string): Result<never> => fail(key, `quantised tensor ${key} cannot be written: it ${why}`);
  const shape: Json = layout.shape;
  if (!isShape(shape)) return refused(`has no valid shape: ${JSON.stringify(shape)}`);
  if (!isBlocksize(layout.blocksize)) return refused(blocksizeWords('blocksize', layout.blocksize));
  if (nested !== undefined && !isBlocksize(nested.blocksize)) return refused(blocksizeWords('nested_blocksize', nested.blocksize));

  const weight = take('weight', true, Math.ceil(elements / 8));
  if (typeof weight === 'string') return refused(weight);
  data.set(key, fileOrder(weight as Uint32Array, elements, quantType));
  const absmax = take('absmax', nested !== undefined, nested === undefined ? blocks : Math.ceil(blocks / 4));
  if (typeof absmax === 'string') return refused(absmax);
  data.set(`${key}.absmax`, nested === undefined ? bytesOf(absmax) : bytesOf(absmax).subarray(0, blocks));
  let offset: number | undefined;
  if (nested !== undefined) {
    const magnitudes = take('nested_absmax', false, Math.ceil(blocks / nested.blocksize));
    if (typeof magnitudes === 'string') return refused(magnitudes);
    const offsets = take('nested_offset', false, 1);
    if (typeof offsets === 'string') return refused(offsets);
    if (nestedMap.length !== mapCodes) return refused(`needs a map of ${mapCodes} values, but ${nestedMap.length} were given`);
    data.set(`${key}.nested_absmax`, bytesOf(magnitudes)).set(`${key}.nested_quant_map`, bytesOf(nestedMap));
    offset = offsets[0]!;
  }
  const text = new TextEncoder().encode(stateText(layout, offset));
  return ok([
    ...tensorsOf(key, layout).map((tensor) => ({ ...tensor, data: data.get(tensor.name)! })),
    { name: stateName(key, quantType), dtype: 'U8', shape: [text.byteLength], data: text },
  ]);
}

/** Every tensor of a quantised weight but its quant state, in the order bitsandbytes lists them. */
function tensorsOf(key: string, layout: QuantLayout): readonly Omit<TensorSource, 'data'>[] {
  const elements = product(layout.shape);
  const blocks = Math.ceil(elements / layout.blocksize);
  const { nested } = layout;
  return [
    { name: key, dtype: 'U8', shape: [Math.ceil(elements / 2), 1] },
    { name: `${key}.absmax`, dtype: nested === undefined ? 'F32' : 'U8', shape: [blocks] },
    { name: `${key}.quant_map`, dtype: 'F32', shape: [16] },
    ...(nested === undefined
      ? []
      : ([
          { name: `${key}.nested_absmax`, dtype: 'F32', shape: [Math.ceil(blocks / nested.blocksize)] },
          { name: `${key}.nested_quant_map`, dtype: 'F32', shape: [mapCodes] },
        ] as const)),
  ];
}

const stateKeys = ['quant_type', 'blocksize', 'dtype', 'shape'];
const nestedKeys = ['nested_blocksize', 'nested_dtype', 'nested_offset'];

/** The quant state in JSON, or the words that follow the tensor's name in a message. */
function parseState(bytes: Uint8Array, quantType: QuantType): QuantState | string {
  let json: Json;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch {
    return 'is not valid JSON';
  }
  if (!isJsonObject(json)) return 'is not a JSON object';
  const isNested = nestedKeys.some((key) => Object.hasOwn(json, key));
  const known = isNested ? [...stateKeys, ...nestedKeys] : stateKeys;
  const missing = known.find((key) => !Object.hasOwn(json, key));
  if (missing !== undefined) return `has no ${missing}`;
  // bitsandbytes refuses what it does not know as well; a key might change what the numbers mean.
  const unknown = Object.keys(json).find((key) => !known.includes(key));
  if (unknown !== undefined) return `has the unknown key ${unknown}`;
  const { quant_type: type, blocksize, dtype, shape } = json;
  if (type !== quantType) return `has the quant_type ${JSON.stringify(type)}, but its name says ${quantType}`;
  if (!isBlocksize(blocksize)) return blocksizeWords('blocksize', blocksize);
  if (dtype !== 'float32' && dtype !== 'float16' && dtype !== 'bfloat16')
    return `has the dtype ${JSON.stringify(dtype)}, which is not float32, float16 or bfloat16`;
  if (!isShape(shape)) return `has no valid shape: ${JSON.stringify(shape)}`;
  const base = { quantType, blocksize, dtype, shape } as const;
  return isNested ? parseNested(json, base) : base;
}

function parseNested(json: JsonObject, base: QuantLayout): QuantState | string {
  const { nested_blocksize: blocksize, nested_dtype: dtype, nested_offset: offset } = json;
  if (!isBlocksize(blocksize)) return blocksizeWords('nested_blocksize', blocksize);
  if (dtype !== 'float32') return `has the nested_dtype ${JSON.stringify(dtype)}, which is not float32`;
  // bitsandbytes keeps the offset as an f32, so a number between two of them means the nearest.
  if (typeof offset !== 'number' || !Number.isFinite(Math.fround(offset)))
    return `has the nested_offset ${JSON.stringify(offset)}, which is not a finite f32`;
  return { ...base, nested: { blocksize, offset: Math.fround(offset) } };
}

function blocksizeWords(key: string, value: Json | undefined): string {
  return `has the ${key} ${JSON.stringify(value)}, which is not a power of two from 32 to 4096`;
}

function isBlocksize(value: Json | undefined): value is number {
  return typeof value === 'number' && [32, 64, 128, 256, 512, 1024, 2048, 4096].includes(value);
}

function isShape(value: Json | undefined): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n > 0) &&
    Number.isSafeInteger(product(value as readonly number[]))
  );
}

function isMagnitude(value: number): boolean {
  return value >= 0 && value < Infinity;
}

/** The quant state as Python's `json.dumps` prints it. */
function stateText(layout: QuantLayout, offset: number | undefined): string {
  const { quantType, blocksize, dtype, shape, nested } = layout;
  const base = `"quant_type": "${quantType}", "blocksize": ${blocksize}, "dtype": "${dtype}", "shape": [${shape.join(', ')}]`;
  if (nested === undefined || offset === undefined) return `{${base}}`;
  return `{${base}, "nested_blocksize": ${nested.blocksize}, "nested_dtype": "float32", "nested_offset": ${pythonNumber(offset)}}`;
}

/** A finite number as Python's `repr` prints a float: the same digits as here, but other bounds and forms of the exponent. */
function pythonNumber(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}

interface Place {
  readonly record: TensorRecord;
  readonly file: WeightsFile;
}

/** Where the tensor `name` of the quantised weight `key` lies. */
function locate(source: QuantSource, key: string, name: string): Result<Place> {
  if ('folder' in source) {
    const tensor = source.tensors.get(name);
    if (tensor !== undefined) return ok({ record: tensor, file: tensor.file });
  } else {
    const record = source.tensors.get(name);
    if (record !== undefined) return ok({ record, file: source });
  }
  const where = 'folder' in source ? source.folder : source.path;
  return fail(where, `tensor ${name} of ${where} is missing, and ${key} has 4 bits an element and cannot be read without it`, damagedHelp);
}

/** Reads a tensor's bytes; the buffer behind them is filled with zeros to a multiple of 4. */
async function readPart(
  source: QuantSource,
  key: string,
  name: string,
  dtype: ElementType,
): Promise<Result<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly file: WeightsFile }>> {
  const found = locate(source, key, name);
  if (!found.ok) return found;
  const { record, file } = found.value;
  if (record.dtype !== dtype)
    return fail(file.path, `tensor ${name} of weights file ${file.path} is ${record.dtype}, not ${dtype}`, damagedHelp);
  const length = record.end - record.begin;
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  let handle: FileHandle;
  try {
    handle = await open(file.path, 'r');
  } catch (error) {
    return systemFailure(error, file.path, 'weights file');
  }
  try {
    const read = await readExactly(handle, record.begin, length, bytes);
    return read.byteLength < length
      ? fail(file.path, `weights file ${file.path} became shorter while it was read`)
      : ok({ bytes: bytes.subarray(0, length), file });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return systemFailure(error, file.path, 'weights file');
  } finally {
    await handle.close();
  }
}

/** Reads largest magnitudes, which are finite and not negative. */
async function readMagnitudes(source: QuantSource, key: string, part: 'absmax' | 'nested_absmax'): Promise<Result<Float32Array>> {
  const name = `${key}.${part}`;
  const read = await readPart(source, key, name, 'F32');
  if (!read.ok) return read;
  const values = new Float32Array(read.value.bytes.buffer);
  const bad = values.findIndex((x) => !isMagnitude(x));
  if (bad < 0) return ok(values);
  const { path } = read.value.file;
  return fail(path, `tensor ${name} of weights file ${path} is ${values[bad]} at ${bad}, which is no largest magnitude`, damagedHelp);
}

/** Swaps the halves of each byte of a word. */
function swapHalves(word: number): number {
  return (((word & 0x0f0f0f0f) << 4) | ((word >>> 4) & 0x0f0f0f0f)) >>> 0;
}

/** Packed bytes of a file as words of 8 codes in their natural order, in the same memory; zeros after the last code. */
function naturalOrder(bytes: Uint8Array<ArrayBuffer>, elements: number): Uint32Array {
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = swapHalves(words[i]!);
  const used = elements % 8;
  if (used > 0) words[words.length - 1]! &= 2 ** (4 * used) - 1;
  return words;
}

/** Words of 8 codes as packed bytes of a file; an odd last code is followed by the code of zero. */
function fileOrder(words: Uint32Array, elements: number, type: QuantType): Uint8Array {
  const bytes = new Uint8Array(Uint32Array.from(words, swapHalves).buffer, 0, Math.ceil(elements / 2));
  if (elements % 2 === 1) bytes[bytes.length - 1] = (bytes[bytes.length - 1]! & 0xf0) | quantTable(type).indexOf(0);
  return bytes;
}

function bytesOf(values: Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The first place where two tables differ in any bit, or -1. */
function firstDifference(a: Float32Array, b: Float32Array): number {
  const bits = new Uint32Array(b.buffer, b.byteOffset, b.length);
  return new Uint32Array(a.buffer, a.byteOffset, a.length).findIndex((x, i) => x !== bits[i]);
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, n) => all * n, 1);
}
