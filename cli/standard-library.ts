/**
 * @file The standard library as the compiler wants it: parsed ahead of time in `dist/stdlib.json`, or parsed now from `stdlib/`
 * where there is no build (tests, development).
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { File } from '../grammar/ast.js';
import { parseFile } from '../grammar/parse.js';
import { createLibrary, type Library } from '../compiler/elaborate/library.js';
import { packageRoot } from './package.js';

let opened: Library | undefined;

/** The library, opened once. */
export function openLibrary(): Library {
  opened ??= createLibrary({
    std: standardFiles(),
    open: (path, from) => {
      const file = resolve(dirname(from), path);
      return existsSync(file) ? { file, text: readFileSync(file, 'utf8') } : undefined;
    },
  });
  return opened;
}

/** The text of a standard file by the name its spans carry, for showing places in it. */
export function standardText(file: string): string | undefined {
  if (!file.startsWith('std/')) return undefined;
  const path = join(packageRoot, 'stdlib', file.slice(4));
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function standardFiles(): ReadonlyMap<string, File> {
  const built = fileURLToPath(new URL('stdlib.json', import.meta.url));
  if (existsSync(built)) return new Map(Object.entries(JSON.parse(readFileSync(built, 'utf8')) as Record<string, File>));
  const root = join(packageRoot, 'stdlib');
  return new Map(
    peftFiles(root).map((path) => {
      const name = relative(root, path).split(sep).join('/');
      return [name.replace(/\.peft$/, ''), parseFile(readFileSync(path, 'utf8'), `std/${name}`).value] as const;
    }),
  );
}

function peftFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? peftFiles(join(folder, entry.name)) : entry.name.endsWith('.peft') ? [join(folder, entry.name)] : []));
}
