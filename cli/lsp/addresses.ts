/**
 * @file Addresses: how a file is called by the editor (a URI) and in spans (a path, or `std/…` for the standard library). The files of
 * the standard library are shown where the package has them; an unsaved buffer is called by its URI in both.
 */
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { packageRoot } from '../package.js';

const stdlibFolder = join(packageRoot, 'stdlib');

/** The name in spans of a file that the editor calls by a URI; never throws. */
export function fileOf(uri: string): string {
  let path: string;
  try {
    path = fileURLToPath(uri);
  } catch {
    return uri;
  }
  const below = relative(stdlibFolder, path);
  return below.startsWith('..') || below === '' || resolve(stdlibFolder, below) !== path ? path : `std/${below.split(sep).join('/')}`;
}

/** The URI of a file by its name in spans. */
export function uriOf(file: string): string {
  const path = pathOf(file);
  return path === undefined ? file : pathToFileURL(path).href;
}

/** Where a file lies on disk; undefined for a buffer that was never saved. */
export function pathOf(file: string): string | undefined {
  if (isStandard(file)) return join(stdlibFolder, file.slice('std/'.length));
  return /^[a-z][a-z0-9+.-]+:/i.test(file) && !/^[a-z]:[\\/]/i.test(file) ? undefined : file;
}

/** Whether a file belongs to the standard library, which nobody edits from here. */
export const isStandard = (file: string): boolean => file.startsWith('std/');
