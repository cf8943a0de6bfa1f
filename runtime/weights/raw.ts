/**
 * @file The bytes of a tensor as they stand in its file, piece by piece.
 */
import { open } from 'node:fs/promises';
import { chunkBytes } from './stream.js';
import type { WeightsFile } from './header.js';

/** Reads a tensor's bytes in pieces; each piece is its own array. */
export async function* readRaw(file: WeightsFile, name: string): AsyncGenerator<Uint8Array> {
  const record = file.tensors.get(name);
  if (record === undefined) return;
  const handle = await open(file.path, 'r');
  try {
    for (let at = record.begin; at < record.end;) {
      const piece = new Uint8Array(Math.min(chunkBytes, record.end - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw new Error(`${file.path} ended within ${name}`);
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
