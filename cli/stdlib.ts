/**
 * @file The standard library as the compiler wants it: parsed, by path without ending. A build has parsed it already
 * (`dist/stdlib.jsonl`); run from source, its files are parsed now.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { File } from '../grammar/ast.js';
import { packageRoot } from './package.js';
import { unpackStdlib } from './packed-stdlib.js';

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
  const parsed = fileURLToPath(new URL('./stdlib.jsonl', import.meta.url));
  if (existsSync(parsed)) return unpackStdlib(readFileSync(parsed));
  const { parseFile } = await import('../grammar/parse.js');
  return new Map(pathsBelow('').map((path) => [path, parseFile(stdlibText(stdlibName(path)) ?? '', stdlibName(path)).value]));
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
