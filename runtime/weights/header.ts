/**
 * @file The header of a safetensors file: names, element types, shapes and places, without the data.
 *
 * Format: 8 bytes little-endian length N, N bytes of JSON (`name: {dtype, shape, data_offsets}`, optional `__metadata__`),
 * then the data. A header is accepted only when every tensor's bytes are its shape times its element size and the tensors
 * fill the data without a gap or an overlap, so nothing that follows needs to check again.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { readExactly } from '../data/file-bytes.js';
import { isJsonObject, type Json, type JsonObject } from '../data/json-file.js';
import { fail, ok, systemFailure, type Result } from '../data/result.js';
import { elementBytes, isElementType, type ElementType } from './element.js';

/** Where one tensor lies. */
export interface TensorRecord {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/** A safetensors file whose header has been read. */
export interface WeightsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorRecord>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Length of the whole file. */
  readonly bytes: number;
}

const maxHeaderBytes = 100_000_000;

/** Reads and checks the header of a safetensors file. */
export async function readHeader(path: string): Promise<Result<WeightsFile>> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return systemFailure(error, path, 'weights file');
  }
  try {
    const { size } = await file.stat();
    const prefix = await readExactly(file, 0, Math.min(8, size));
    if (prefix.byteLength < 8) return fail(path, `weights file ${path} has ${size} bytes, too few for a safetensors header`, truncatedHelp);
    const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
    if (length > BigInt(size - 8)) {
      // Any other file read as safetensors gives an absurd length; a cut one gives a sensible length.
      const sensible = length <= BigInt(maxHeaderBytes) && size > 8 && (await readExactly(file, 8, 1))[0] === 0x7b;
      return sensible
        ? fail(path, `weights file ${path} is truncated: its header needs ${length} bytes and ${size - 8} are there`, truncatedHelp)
        : fail(path, `${path} is not a safetensors file: it claims a header of ${length} bytes in a file of ${size}`);
    }
    if (length > BigInt(maxHeaderBytes))
      return fail(path, `the header of ${path} has ${length} bytes, more than the 100 MB the format allows`);
    const header = await readExactly(file, 8, Number(length));
    return parseHeader(path, header, size);
  } catch (error) {
    return systemFailure(error, path, 'weights file');
  } finally {
    await file.close();
  }
}

const truncatedHelp = 'download or copy the file again';

function parseHeader(path: string, header: Uint8Array, size: number): Result<WeightsFile> {
  let json: Json;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header)) as Json;
  } catch {
    return fail(path, `the header of weights file ${path} is not valid JSON`, 'the file is damaged or is no safetensors file');
  }
  if (!isJsonObject(json)) return fail(path, `the header of weights file ${path} is not a JSON object`);
  const dataStart = 8 + header.byteLength;
  const tensors = new Map<string, TensorRecord>();
  const metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (!isJsonObject(entry)) return fail(path, `the metadata of weights file ${path} is not an object`);
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== 'string') return fail(path, `metadata ${key} of weights file ${path} is not text`);
        metadata[key] = value;
      }
      continue;
    }
    const record = isJsonObject(entry) ? parseRecord(entry, dataStart) : 'is not described by an object';
    if (typeof record === 'string') return fail(path, `tensor ${name} of weights file ${path} ${record}`);
    tensors.set(name, record);
  }
  const layout = checkLayout(path, tensors, dataStart, size);
  if (!layout.ok) return layout;
  return ok({ path, tensors, metadata, bytes: size });
}

/** The record of one tensor, or the words that follow its name in a message. */
function parseRecord(entry: JsonObject, dataStart: number): TensorRecord | string {
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isElementType(dtype)) return `has the unknown element type ${JSON.stringify(dtype ?? null)}`;
  if (!isCounts(shape)) return 'has no valid shape';
  if (!isCounts(offsets) || offsets.length !== 2) return 'has no valid data_offsets';
  const [from, to] = [offsets[0]!, offsets[1]!];
  const needed = shape.reduce((product, n) => product * n, elementBytes[dtype]);
  if (!Number.isSafeInteger(needed)) return `has a shape too large to count: [${shape.join(', ')}]`;
  if (to < from) return `ends at byte ${to}, before it begins at ${from}`;
  if (to - from !== needed)
    return `of shape [${shape.join(', ')}] and type ${dtype} needs ${needed} bytes, but its offsets give it ${to - from}`;
  return { dtype, shape, begin: dataStart + from, end: dataStart + to };
}

function isCounts(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0);
}

function checkLayout(path: string, tensors: ReadonlyMap<string, TensorRecord>, dataStart: number, size: number): Result<void> {
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = dataStart;
  let before = '';
  for (const [name, { begin, end }] of ordered) {
    if (begin < at) return fail(path, `tensors ${before} and ${name} of weights file ${path} overlap`);
    if (begin > at) return fail(path, `weights file ${path} has ${begin - at} bytes before tensor ${name} that belong to no tensor`);
    at = end;
    before = name;
  }
  if (at > size) return fail(path, `weights file ${path} is truncated: ${at - size} of ${at} bytes are missing`, truncatedHelp);
  if (at < size) return fail(path, `weights file ${path} has ${size - at} bytes after its last tensor`);
  return ok(undefined);
}
