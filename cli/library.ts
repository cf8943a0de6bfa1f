/**
 * @file The library of definitions that experiments are checked against, opened once a process.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createLibrary, type Library } from '../compiler/elaborate/library.js';
import { nearPath } from './near-path.js';
import { loadStdlib } from './stdlib.js';

let opened: Promise<Library> | undefined;

/** The library; imports of files are read from disk, relative to the file that imports them. */
export function openLibrary(): Promise<Library> {
  opened ??= loadStdlib().then((std) =>
    createLibrary({
      std,
      open: (path, from) => {
        const file = resolve(dirname(from), path);
        const text = textOf(file);
        return text === undefined ? undefined : { file, text };
      },
      near: (path, from) => nearPath(path, dirname(from)),
    }),
  );
  return opened;
}

/** The text of a file; undefined where it is none, or may not be read. */
function textOf(file: string): string | undefined {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
