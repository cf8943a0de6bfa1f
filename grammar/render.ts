/**
 * @file Diagnostics as text: the message, the place with its line and carets under it, notes and help. Colours come from a painter
 * that the caller gives.
 */
import type { Diagnostic, Severity, Span } from './diagnostics.js';

/** Colours pieces of a rendered diagnostic; each function may be the identity. */
export interface Painter {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly bold: (text: string) => string;
}

const same = (text: string): string => text;

/** Leaves everything as it is. */
export const plainPainter: Painter = { red: same, yellow: same, blue: same, bold: same };

const bySeverity: { readonly [S in Severity]: keyof Painter } = { error: 'red', warning: 'yellow', info: 'blue' };

/** Line and column of an offset, both from 1; columns count UTF-16 units. */
export function lineColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  const at = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let start = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) {
    line += 1;
    start = i + 1;
  }
  return { line, column: at - start + 1 };
}

/** Diagnostics one below the other, an empty line between them. `texts` holds the sources by the name in the spans. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>, painter: Painter = plainPainter): string {
  return diagnostics.map((d) => renderDiagnostic(d, texts, painter)).join('\n\n');
}

function renderDiagnostic(d: Diagnostic, texts: ReadonlyMap<string, string>, painter: Painter): string {
  const lines = [`${painter[bySeverity[d.severity]](`${d.severity}[${d.code}]`)}: ${painter.bold(d.message)}`, ...excerpt(d.span, texts, painter)];
  for (const note of d.notes ?? []) lines.push(`  note: ${note.message}`, ...(note.span === undefined ? [] : excerpt(note.span, texts, painter)));
  if (d.help !== undefined) lines.push(`  help: ${d.help}`);
  return lines.join('\n');
}

/** The place, its first line, and carets below the span. */
function excerpt(span: Span, texts: ReadonlyMap<string, string>, painter: Painter): string[] {
  const text = texts.get(span.file);
  if (text === undefined) return [`  ${painter.blue('-->')} ${span.file}`];
  const { line, column } = lineColumn(text, span.start);
  const from = span.start - column + 1;
  const next = text.indexOf('\n', from);
  const source = text.slice(from, next < 0 ? undefined : next).replace(/\r$/, '');
  const length = Math.max(1, Math.min(span.end, from + source.length) - span.start);
  const number = String(line);
  const gap = ' '.repeat(number.length);
  const indent = source.slice(0, column - 1).replace(/[^\t]/g, ' ');
  return [`${gap}${painter.blue('-->')} ${span.file}:${line}:${column}`, `${gap} ${painter.blue('|')}`, `${number} ${painter.blue('|')} ${source}`, `${gap} ${painter.blue('|')} ${indent}${painter.red('^'.repeat(length))}`];
}
