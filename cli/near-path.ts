/**
 * @file The path that a misspelt one may have meant: where a folder or file on its way does not exist, the nearest name beside it.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../compiler/elaborate/nearest.js';

/** The path as it would be written, if it leads to something; undefined where the given one does, or none is near. */
export function nearPath(path: string, from: string): string | undefined {
  const parts = path.split('/');
  const until = (end: number): string => resolve(from, parts.slice(0, end).join('/') || (path.startsWith('/') ? '/' : '.'));
  const missing = parts.findIndex((_, i) => !existsSync(until(i + 1)));
  const word = parts[missing];
  if (word === undefined) return undefined;
  const near = nearest(word, namesIn(until(missing)));
  if (near === undefined) return undefined;
  const meant = [...parts.slice(0, missing), near, ...parts.slice(missing + 1)].join('/');
  return existsSync(resolve(from, meant)) ? meant : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
