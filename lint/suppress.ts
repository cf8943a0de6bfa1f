/**
 * @file Suppressions: `// peft-allow PEFT1101: why` at the end of a line is for that line; on a line of its own it is for what begins on the
 * next line, to its end; `// peft-allow-file PEFT1101: why` is for the whole file. Errors cannot be suppressed.
 */
import type { File, Node } from '../grammar/ast.js';
import type { Diagnostic, Span } from '../grammar/diagnostics.js';

/** One suppression. */
export interface Suppression {
  readonly code: string;
  readonly reason: string;
  /** The comment. */
  readonly span: Span;
  /** What it is for. */
  readonly from: number;
  readonly to: number;
}

/** The suppressions of a file. */
export function suppressionsOf(file: File, text: string): Suppression[] {
  const nodes = nodesOf(file);
  const name = file.span.file;
  const pattern = /\/\/[ \t]*peft-allow(-file)?\b[ \t]*([A-Za-z0-9]*)[ \t]*:?[ \t]*([^\n]*)/g;
  return [...text.matchAll(pattern)].flatMap((match): Suppression[] => {
    const start = match.index;
    if (inString(text, start)) return [];
    const span = { file: name, start, end: start + match[0].trimEnd().length };
    const lineStart = text.lastIndexOf('\n', start - 1) + 1;
    const own = { code: match[2] ?? '', reason: (match[3] ?? '').trim(), span };
    if (match[1] !== undefined) return [{ ...own, from: 0, to: text.length }];
    if (text.slice(lineStart, start).trim() !== '') return [{ ...own, from: lineStart, to: span.end }];
    // The next line that is no comment.
    const rest = /^(?:[ \t]*(?:\/\/[^\n]*)?\n)*/.exec(text.slice(lineStart))?.[0].length ?? 0;
    const at = lineStart + rest;
    const lineEnd = text.indexOf('\n', at);
    const ends = nodes.filter((n) => n.span.start >= at && (lineEnd < 0 || n.span.start < lineEnd)).map((n) => n.span.end);
    return [{ ...own, from: at, to: Math.max(lineEnd < 0 ? text.length : lineEnd, ...ends) }];
  });
}

/** Whether a place is inside a quoted text, by the quotes before it on its line. */
function inString(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return ((line.match(/(?<!\\)"/g) ?? []).length & 1) === 1;
}

/** Every statement, field, definition and member. */
function nodesOf(file: File): Node[] {
  const found: Node[] = [...file.imports];
  for (const item of file.items) {
    found.push(item);
    if (item.kind === 'experiment') for (const s of item.statements) found.push(s, ...(s.kind === 'section' ? s.section.fields : []));
    if (item.kind === 'definition') found.push(...item.params, ...(item.body.kind === 'block' ? item.body.members : []));
  }
  return found;
}

/** The findings that are not suppressed, and the suppressions that were of use. */
export function suppressed(
  found: readonly Diagnostic[],
  suppressions: readonly Suppression[],
): { readonly left: readonly Diagnostic[]; readonly used: ReadonlySet<Suppression> } {
  const used = new Set<Suppression>();
  const left = found.filter((d) => {
    const own = suppressions.filter(
      (s) => s.code === d.code && s.reason !== '' && s.span.file === d.span.file && s.from <= d.span.start && d.span.start < s.to,
    );
    if (d.severity === 'error' || own.length === 0) return true;
    for (const s of own) used.add(s);
    return false;
  });
  return { left, used };
}
