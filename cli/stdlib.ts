/**
 * @file The standard library as the compiler wants it: parsed, by path without ending. A build has parsed it already
 * (`dist/stdlib.packed`); run from source, its files are parsed now.
 */
import { existsSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { File } from '../grammar/ast.js';
import { packageRoot } from './package.js';
import { unpackStdlib, type Read } from './packed-stdlib.js';

/** Name under which the diagnostics show a file of the standard library. */
export function stdlibName(path: string): string {
  return `std/${path}.peft`;
}

/** The text of a file of the standard library, for diagnostics that point into it; undefined where `name` is none. */
export function stdlibText(name: string): string | undefined {
  if (!name.startsWith('std/')) return undefined;
  const file = join(packageRoot, 'stdlib', name.slice('std/'.length));
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Every file of the standard library by path without ending (`adapters/lora`), in alphabetical order. */
export async function loadStdlib(): Promise<ReadonlyMap<string, File>> {
  const packed = fileURLToPath(new URL('./stdlib.packed', import.meta.url));
  if (existsSync(packed)) return unpackStdlib(readerOf(packed));
  const { parseFile } = await import('../grammar/parse.js');
  return new Map(pathsBelow('').map((path) => [path, parseFile(stdlibText(stdlibName(path)) ?? '', stdlibName(path)).value]));
}

/** Reads from a file that stays open, so that a build that puts another in its place changes nothing. */
function readerOf(path: string): Read {
  const file = openSync(path, 'r');
  return (start, length) => {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, start);
    return bytes.toString();
  };
}

function pathsBelow(folder: string): string[] {
  return readdirSync(join(packageRoot, 'stdlib', folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return pathsBelow(path);
      return entry.name.endsWith('.peft') ? [path.slice(0, -'.peft'.length)] : [];
    });
}
