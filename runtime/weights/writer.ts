/**
 * @file Writing safetensors files, byte for byte as the reference library writes them.
 *
 * Tensors are ordered by falling alignment of their element type, then by name; the header is padded with blanks to a
 * multiple of 8. The file appears under its name only when it is complete: it is written beside it and renamed.
 */
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, isSystemError, ok, systemFailure, type Result } from '../data/result.js';
import { elementBytes, type ElementType } from './element.js';

/** One tensor to write. `data` are its little-endian bytes, at once or piece by piece. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Rank of the element types in the order the reference library gives them. */
const typeOrder: readonly ElementType[] = [
  'U64',
  'I64',
  'F64',
  'F32',
  'U32',
  'I32',
  'BF16',
  'F16',
  'U16',
  'I16',
  'F8_E4M3',
  'F8_E5M2',
  'I8',
  'U8',
  'BOOL',
];

/** Writes a safetensors file and answers with its length in bytes. The folder must exist or be creatable. */
export async function writeWeights(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<Result<number>> {
  const ordered = [...tensors].sort((a, b) => typeOrder.indexOf(a.dtype) - typeOrder.indexOf(b.dtype) || compareNames(a.name, b.name));
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const keys = Object.keys(metadata).sort(compareNames);
  if (keys.length > 0) header['__metadata__'] = Object.fromEntries(keys.map((key) => [key, metadata[key]]));
  let at = 0;
  for (const { name, dtype, shape, data } of ordered) {
    if (name === '__metadata__' || name in header) return fail(path, `two tensors to write to ${path} have the name ${name}`);
    const bytes = tensorBytes(dtype, shape);
    if (data instanceof Uint8Array && data.byteLength !== bytes)
      return fail(path, `tensor ${name} of shape [${shape.join(', ')}] needs ${bytes} bytes, but ${data.byteLength} were given`);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const prefix = new Uint8Array(8 + padded).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(padded), true);
  prefix.set(json, 8);
  return writeAtomically(path, async (file) => {
    await writeFully(file, prefix);
    for (const { name, dtype, shape, data } of ordered) {
      if (data instanceof Uint8Array) {
        await writeFully(file, data);
        continue;
      }
      let written = 0;
      for await (const piece of data) {
        await writeFully(file, piece);
        written += piece.byteLength;
      }
      const bytes = tensorBytes(dtype, shape);
      if (written !== bytes)
        return fail(path, `tensor ${name} of shape [${shape.join(', ')}] needs ${bytes} bytes, but ${written} were given`);
    }
    return ok(prefix.byteLength + at);
  });
}

/** Writes a whole file beside its place and renames it, so that a half-written file never stands under the name. */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<Result<number>> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return writeAtomically(path, async (file) => {
    await writeFully(file, bytes);
    return ok(bytes.byteLength);
  });
}

async function writeAtomically<T>(path: string, write: (file: FileHandle) => Promise<Result<T>>): Promise<Result<T>> {
  const temporary = `${path}.${process.pid}.tmp`;
  let file: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await open(temporary, 'w');
    const written = await write(file);
    if (written.ok) await file.sync();
    await file.close();
    file = undefined;
    if (written.ok) await rename(temporary, path);
    else await rm(temporary, { force: true });
    return written;
  } catch (error) {
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    if (!isSystemError(error)) throw error;
    return systemFailure(error, path, 'output file');
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) done += (await file.write(bytes, done, bytes.byteLength - done)).bytesWritten;
}

function tensorBytes(dtype: ElementType, shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, elementBytes[dtype]);
}

/** Order of the bytes of the names, as the reference library sorts them. */
function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
