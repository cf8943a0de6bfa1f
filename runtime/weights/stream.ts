/**
 * @file Reading tensors out of safetensors files, in chunks of bounded size and converted on the way.
 *
 * A chunk holds at most 4 MiB of converted data, so a 140 GB checkpoint passes through 8 MiB of memory.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { readExactly } from '../data/file-bytes.js';
import { fail, isSystemError, ok, suggestNames, systemFailure, type Result } from '../data/result.js';
import { converterOf, elementBytes, type HostType } from './element.js';
import type { TensorRecord, WeightsFile } from './header.js';

/** Bytes of converted data in one chunk. */
export const chunkBytes = 4 * 1024 * 1024;

/** Takes one chunk: its byte offset in the converted tensor (or row range) and its bytes. The bytes are overwritten after it returns or resolves. */
export type ChunkSink = (byteOffset: number, bytes: Uint8Array) => void | Promise<void>;

/** What part of a tensor is read, and as what. */
export interface StreamOptions {
  /** Rows `[from, to)` of the first axis; all when absent. */
  readonly rows?: readonly [number, number];
  /** f32 when absent; i32 only for integer tensors. */
  readonly as?: HostType;
}

/** Streams one tensor, converted, to `onChunk` in ascending order. */
export async function streamTensor(
  file: WeightsFile,
  name: string,
  onChunk: ChunkSink,
  options: StreamOptions = {},
): Promise<Result<void>> {
  const record = file.tensors.get(name);
  if (record === undefined)
    return fail(file.path, `weights file ${file.path} has no tensor ${name}`, suggestNames(name, [...file.tensors.keys()]));
  const range = elementRange(file, name, record, options.rows);
  if (!range.ok) return range;
  const to = options.as ?? 'f32';
  const convert = converterOf(record.dtype, to);
  if (convert === undefined)
    return fail(file.path, `tensor ${name} of ${file.path} has element type ${record.dtype}, which cannot be read as ${to}`);
  let handle: FileHandle;
  try {
    handle = await open(file.path, 'r');
  } catch (error) {
    return systemFailure(error, file.path, 'weights file');
  }
  try {
    const { first, count } = range.value;
    const size = elementBytes[record.dtype];
    const perChunk = Math.min(chunkBytes / 4, count);
    const source = new Uint8Array(perChunk * size);
    const target = to === 'f32' ? new Float32Array(perChunk) : new Int32Array(perChunk);
    for (let done = 0; done < count; done += perChunk) {
      const n = Math.min(perChunk, count - done);
      const bytes = await readExactly(handle, record.begin + (first + done) * size, n * size, source);
      if (bytes.byteLength < n * size) return fail(file.path, `weights file ${file.path} became shorter while it was read`);
      const bad = convert(bytes, n, target);
      if (bad >= 0) return fail(file.path, `element ${first + done + bad} of tensor ${name} in ${file.path} does not fit into 32 bits`);
      await onChunk(done * 4, new Uint8Array(target.buffer, 0, n * 4));
    }
    return ok(undefined);
  } catch (error) {
    // What the receiver of the chunks throws is its own affair.
    if (!isSystemError(error)) throw error;
    return systemFailure(error, file.path, 'weights file');
  } finally {
    await handle.close();
  }
}

/** Reads one tensor, or some of its rows, whole as f32. */
export async function readTensor(file: WeightsFile, name: string, options: Omit<StreamOptions, 'as'> = {}): Promise<Result<Float32Array>> {
  const bytes = await readWhole(file, name, { ...options, as: 'f32' });
  return bytes.ok ? ok(new Float32Array(bytes.value.buffer)) : bytes;
}

/** Reads one integer tensor, or some of its rows, whole as i32. */
export async function readIntTensor(file: WeightsFile, name: string, options: Omit<StreamOptions, 'as'> = {}): Promise<Result<Int32Array>> {
  const bytes = await readWhole(file, name, { ...options, as: 'i32' });
  return bytes.ok ? ok(new Int32Array(bytes.value.buffer)) : bytes;
}

async function readWhole(file: WeightsFile, name: string, options: StreamOptions): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const record = file.tensors.get(name);
  const range = record === undefined ? undefined : elementRange(file, name, record, options.rows);
  const whole = new Uint8Array(range?.ok ? range.value.count * 4 : 0);
  const streamed = await streamTensor(file, name, (offset, bytes) => whole.set(bytes, offset), options);
  return streamed.ok ? ok(whole) : streamed;
}

function elementRange(
  file: WeightsFile,
  name: string,
  record: TensorRecord,
  rows: readonly [number, number] | undefined,
): Result<{ first: number; count: number }> {
  const count = record.shape.reduce((product, n) => product * n, 1);
  if (rows === undefined) return ok({ first: 0, count });
  const height = record.shape[0] ?? 1;
  const [from, to] = rows;
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > height)
    return fail(file.path, `rows ${from} to ${to} are not in tensor ${name} of ${file.path}, which has ${height}`);
  const width = height === 0 ? 0 : count / height;
  return ok({ first: from * width, count: (to - from) * width });
}
