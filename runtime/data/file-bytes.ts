/**
 * @file Bytes of an open file, wherever the system gives fewer at a time than were asked for.
 */
import type { FileHandle } from 'node:fs/promises';

/** Reads bytes at a place of an open file; fewer come back only where the file ends. */
export async function readExactly(file: FileHandle, position: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
  const buffer = into ?? new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
