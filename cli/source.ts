/**
 * @file The `.peft` files a user names: files, folders, patterns and `-` for standard input, and their texts.
 *
 * A name that leads to nothing is a `UserError`; bytes that are no UTF-8 are a diagnostic about that file, like any other
 * mistake in it.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { Diagnostic } from '../grammar/diagnostics.js';
import { UserError } from './exit.js';
import type { Io } from './io.js';

/** One text: its name as it is shown, and where it lies; without a path it came from standard input. */
export interface Source {
  readonly name: string;
  readonly path?: string;
  readonly text: string;
  /** Set where the bytes are no UTF-8: the text then has U+FFFD in their place and must not be written back. */
  readonly malformed?: Diagnostic;
}

/** The name under which standard input is shown. */
export const standardInput = '<stdin>';

/** Folders that are never searched. */
const skipped = new Set(['node_modules', 'dist', 'runs']);

/** Reads everything the arguments name, each file once, in the order given; folders and patterns in alphabetical order. */
export async function readSources(names: readonly string[], io: Io): Promise<readonly Source[]> {
  const seen = new Set<string>();
  const sources: Source[] = [];
  for (const name of names) {
    if (name === '-') {
      if (!seen.has(name)) sources.push(decode(standardInput, undefined, await io.stdin()));
      seen.add(name);
      continue;
    }
    for (const path of pathsOf(name, io.cwd)) {
      if (seen.has(path)) continue;
      seen.add(path);
      sources.push(readSource(path, shownName(path, io.cwd)));
    }
  }
  return sources;
}

/** Reads one file; `name` is how it is shown. */
export function readSource(path: string, name: string): Source {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UserError(`${name} cannot be read: ${reasonOf(error)}`);
  }
  return decode(name, path, bytes);
}

/** Why the file system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
      return 'a part of its path is a file, not a folder';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Whether a path, with `/` between its parts, fits a pattern of `*`, `?`, `**` and `{a,b}`. */
export function fits(pattern: string, path: string): boolean {
  return new RegExp(`^${expression(pattern)}$`, 'u').test(path);
}

function pathsOf(name: string, cwd: string): readonly string[] {
  const path = resolve(cwd, name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    const files = peftFilesBelow(path);
    if (files.length === 0) throw new UserError(`${name} has no .peft file in it`);
    return files;
  }
  if (found !== undefined) return [path];
  if (!/[*?{]/.test(name))
    throw new UserError(`${name} does not exist`, 'name a .peft file, a folder, a pattern in quotation marks, or - for standard input');
  const files = matching(name, cwd);
  if (files.length === 0) throw new UserError(`no file fits the pattern ${JSON.stringify(name)}`);
  return files;
}

function matching(pattern: string, cwd: string): readonly string[] {
  const parts = pattern.split('/');
  const fixed = parts.slice(
    0,
    parts.findIndex((part) => /[*?{]/.test(part)),
  );
  const folder = resolve(cwd, fixed.length === 1 && fixed[0] === '' ? '/' : fixed.join('/'));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const rest = parts.slice(fixed.length).join('/');
  return peftFilesBelow(folder).filter((file) => fits(rest, relative(folder, file).split(sep).join('/')));
}

function peftFilesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.has(entry.name) ? [] : peftFilesBelow(path);
      return entry.name.endsWith('.peft') ? [path] : [];
    });
}

/** A pattern as a regular expression; braces may not be nested. */
function expression(pattern: string): string {
  const tokens = /\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[^*?{]+|\{/gu;
  return [...pattern.matchAll(tokens)]
    .map(([token]) => {
      if (token === '**/') return '(?:[^/]+/)*';
      if (token === '**') return '.*';
      if (token === '*') return '[^/]*';
      if (token === '?') return '[^/]';
      if (token.startsWith('{') && token.endsWith('}')) return `(?:${token.slice(1, -1).split(',').map(expression).join('|')})`;
      return token.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    })
    .join('');
}

function shownName(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') ? path : below.split(sep).join('/');
}

function decode(name: string, path: string | undefined, file: Uint8Array): Source {
  const place = path === undefined ? {} : { path };
  const mark = file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf ? 3 : 0;
  const bytes = file.subarray(mark);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const bad = firstMalformed(text, bytes);
  if (bad === undefined) return { name, ...place, text };
  const malformed: Diagnostic = {
    code: 'PEFT0900',
    severity: 'error',
    message: `byte 0x${(bytes[bad.byte] ?? 0).toString(16).padStart(2, '0')} at offset ${bad.byte + mark} of the file does not belong to a UTF-8 character`,
    span: { file: name, start: bad.start, end: bad.start + 1 },
    help: 'save the file as UTF-8',
  };
  return { name, ...place, text, malformed };
}

/** The first U+FFFD that decoding put in, in contrast to one that stands in the file: its place in the text and in the bytes. */
function firstMalformed(text: string, bytes: Uint8Array): { readonly start: number; readonly byte: number } | undefined {
  for (let start = text.indexOf('\uFFFD'); start >= 0; start = text.indexOf('\uFFFD', start + 1)) {
    // What stands before is well-formed, so its length in bytes is that of its encoding.
    const byte = Buffer.byteLength(text.slice(0, start));
    if (bytes[byte] !== 0xef || bytes[byte + 1] !== 0xbf || bytes[byte + 2] !== 0xbd) return { start, byte };
  }
  return undefined;
}
