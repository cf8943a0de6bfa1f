/**
 * @file A text as the server sees it: what it parses to, its tokens, and its lines. Everything is worked out when it is first asked for, and
 * once for each version of the text.
 */
import type { IToken } from 'chevrotain';
import type { Position, Range } from 'vscode-languageserver/node';
import type { File } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { scan } from '../../grammar/tokens.js';

/** One version of a text. */
export interface Document {
  /** Its name in spans. */
  readonly file: string;
  /** How the editor calls it. */
  readonly uri: string;
  readonly text: string;
  readonly ast: File;
  /** What the parser found. */
  readonly syntax: readonly Diagnostic[];
  readonly tokens: readonly IToken[];
  readonly comments: readonly IToken[];
  readonly positionAt: (offset: number) => Position;
  readonly offsetAt: (position: Position) => number;
  readonly rangeOf: (span: Pick<Span, 'start' | 'end'>) => Range;
}

/** A document over a text. */
export function createDocument(file: string, uri: string, text: string): Document {
  const starts = lineStarts(text);
  const parsed = once(() => parseFile(text, file));
  const scanned = once(() => scan(text, file));
  const positionAt = (offset: number): Position => {
    const at = Math.max(0, Math.min(offset, text.length));
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: at - (starts[low] as number) };
  };
  const offsetAt = ({ line, character }: Position): number => {
    if (line < 0) return 0;
    if (line >= starts.length) return text.length;
    const start = starts[line] as number;
    const next = starts[line + 1] ?? text.length;
    // A place behind the end of a line means its end; the line break is no part of it.
    const end = start + text.slice(start, next).replace(/\r?\n$|\r$/, '').length;
    return Math.min(start + Math.max(0, character), end);
  };
  return {
    file,
    uri,
    text,
    get ast() {
      return parsed().value;
    },
    get syntax() {
      return parsed().diagnostics;
    },
    get tokens() {
      return scanned().tokens;
    },
    get comments() {
      return scanned().comments;
    },
    positionAt,
    offsetAt,
    rangeOf: ({ start, end }) => ({ start: positionAt(start), end: positionAt(end) }),
  };
}

/** Offsets at which lines begin. */
function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map((found) => found.index + found[0].length)];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Whether an offset lies in a span or at one of its ends. */
export const touches = (span: Pick<Span, 'start' | 'end'>, offset: number): boolean => span.start <= offset && offset <= span.end;

/** Whether an error keeps the file from being checked. */
export const isBroken = (document: Document): boolean => document.syntax.some((d) => d.severity === 'error');
