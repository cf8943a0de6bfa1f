/**
 * @file The library of definitions that experiments are checked against, opened once a process.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createLibrary, type Library } from '../compiler/elaborate/library.js';
import { loadStdlib } from './stdlib.js';

let opened: Promise<Library> | undefined;

/** The library; imports of files are read from disk, relative to the file that imports them. */
export function openLibrary(): Promise<Library> {
  opened ??= loadStdlib().then((std) =>
    createLibrary({
      std,
      open: (path, from) => {
        const file = resolve(dirname(from), path);
        return existsSync(file) ? { file, text: readFileSync(file, 'utf8') } : undefined;
      },
    }),
  );
  return opened;
}
