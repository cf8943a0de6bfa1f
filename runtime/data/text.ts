/**
 * @file Strict text files: UTF-8 in blocks of whole lines, with the place of the first byte that is none.
 *
 * A file is read in 1 MiB pieces that are cut at line ends, which never split a UTF-8 sequence, so each piece is decoded
 * at once; only where that fails are the lines looked at one by one.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { fail, ok, systemFailure, type Failure, type Result } from './result.js';

/** Whole lines of a text file, with the number of the first (from 1); or why there are none. */
export type TextBlock =
  { readonly kind: 'text'; readonly text: string; readonly line: number } | { readonly kind: 'failure'; readonly error: Failure };

const pieceBytes = 1 << 20;
const maxLineBytes = 1 << 28;
const newline = 0x0a;

/** Reads a text file block by block; after a failure nothing follows. An empty file is a failure. */
export async function* readText(path: string): AsyncGenerator<TextBlock, void> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    yield { kind: 'failure', error: systemFailure(error, path, 'data file').error };
    return;
  }
  try {
    let rest = new Uint8Array(0);
    let line = 1;
    let offset = 0;
    for (let first = true; ; first = false) {
      // A long line makes the next piece larger, so that its bytes are copied a bounded number of times.
      const piece = new Uint8Array(rest.byteLength + Math.max(pieceBytes, rest.byteLength));
      piece.set(rest);
      const read = await readPiece(file, piece, rest.byteLength);
      const filled = piece.subarray(0, rest.byteLength + read);
      if (first) {
        const refusal = refuseStart(path, filled);
        if (refusal !== undefined) {
          yield { kind: 'failure', error: refusal };
          return;
        }
      }
      const cut = read === 0 ? filled.byteLength : filled.lastIndexOf(newline) + 1;
      rest = filled.slice(cut);
      if (rest.byteLength > maxLineBytes) {
        yield { kind: 'failure', error: fail(path, `line ${line} of data file ${path} is longer than 256 MiB`).error };
        return;
      }
      if (cut > 0) {
        const whole = filled.subarray(0, cut);
        const text = decodeLines(path, whole, line, offset);
        if (!text.ok) {
          yield { kind: 'failure', error: text.error };
          return;
        }
        yield { kind: 'text', text: first && text.value.startsWith('\ufeff') ? text.value.slice(1) : text.value, line };
        line += countNewlines(whole);
        offset += cut;
      }
      if (read === 0) return;
    }
  } catch (error) {
    yield { kind: 'failure', error: systemFailure(error, path, 'data file').error };
  } finally {
    await file.close();
  }
}

/** The lines of a block without their ends. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  for (let i = 0; i < lines.length; i++) if (lines[i]!.endsWith('\r')) lines[i] = lines[i]!.slice(0, -1);
  return lines;
}

/** Whether a line holds nothing but blanks; the same notion as that of `countLines`, in which a tab makes a row. */
export function isBlank(line: string): boolean {
  return /^[ \r]*$/.test(line);
}

/** Counts the lines that hold anything but blanks, by bytes alone; where `quotes` is true, line ends between double quotes do not count. */
export async function countLines(path: string, quotes: boolean): Promise<Result<number>> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return systemFailure(error, path, 'data file');
  }
  try {
    const piece = new Uint8Array(pieceBytes);
    let count = 0;
    let filled = false;
    let quoted = false;
    for (let read = await readPiece(file, piece, 0); read > 0; read = await readPiece(file, piece, 0)) {
      for (let i = 0; i < read; i++) {
        const byte = piece[i]!;
        if (byte === newline && !quoted) {
          if (filled) count++;
          filled = false;
        } else {
          if (quotes && byte === 0x22) quoted = !quoted;
          if (byte !== 0x0d && byte !== 0x20) filled = true;
        }
      }
    }
    return ok(count + (filled ? 1 : 0));
  } catch (error) {
    return systemFailure(error, path, 'data file');
  } finally {
    await file.close();
  }
}

async function readPiece(file: FileHandle, into: Uint8Array, at: number): Promise<number> {
  let done = 0;
  while (at + done < into.byteLength) {
    const { bytesRead } = await file.read(into, at + done, into.byteLength - at - done, null);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

function refuseStart(path: string, bytes: Uint8Array): Failure | undefined {
  if (bytes.byteLength === 0) return fail(path, `data file ${path} is empty`).error;
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) return fail(path, `data file ${path} is UTF-16, not UTF-8`, 'save it as UTF-8').error;
  return undefined;
}

function decodeLines(path: string, bytes: Uint8Array, line: number, offset: number): Result<string> {
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    return fail(
      path,
      `data file ${path} has a NUL byte in line ${line + countNewlines(bytes.subarray(0, nul))}, at byte ${offset + nul}`,
      'the file is no text, or no UTF-8',
    );
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    const bad = firstInvalidByte(bytes);
    const inLine = line + countNewlines(bytes.subarray(0, bad));
    return fail(path, `data file ${path} is not valid UTF-8 in line ${inLine}, at byte ${offset + bad}`, 'save it as UTF-8');
  }
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = bytes.indexOf(newline); i >= 0; i = bytes.indexOf(newline, i + 1)) count++;
  return count;
}

/** Position of the first byte that does not continue or begin a UTF-8 sequence (Unicode, table 3-7); the length when there is none. */
export function firstInvalidByte(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.byteLength) {
    const lead = bytes[i]!;
    const length =
      lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length === 0) return i;
    for (let k = 1; k < length; k++) {
      const low = k > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      const high = k > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      const next = bytes[i + k];
      if (next === undefined || next < low || next > high) return i;
    }
    i += length;
  }
  return i;
}
