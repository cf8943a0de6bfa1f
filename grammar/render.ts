/**
 * @file Render: diagnostics → text for people, with the line of the source and the place marked under it.
 *
 * Colours come from a painter that the caller passes; without one the text is plain. Nothing here reads files.
 */
import type { Diagnostic, Note, Severity, Span } from './diagnostics.js';

/** What colours the parts of a rendered diagnostic; `picocolors` fits. */
export interface Painter {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly green: (text: string) => string;
}

const same = (text: string): string => text;
const plain: Painter = { bold: same, dim: same, red: same, yellow: same, blue: same, green: same };

/** How many columns of a source line are shown. */
const shownWidth = 160;

/** The line and column of an offset, both from 1. */
export function lineColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
    if (index + end.length > offset) break;
    line++;
    start = index + end.length;
  }
  return { line, column: Math.max(0, Math.min(offset, text.length) - start) + 1 };
}

/** Renders diagnostics one after another; `sourceOf` gives the text of a file, as far as there is one. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sourceOf: (file: string) => string | undefined,
  painter: Painter = plain,
): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sourceOf, painter)).join('\n');
}

/** Renders one diagnostic; the text ends with a new line. */
export function renderDiagnostic(diagnostic: Diagnostic, sourceOf: (file: string) => string | undefined, painter: Painter = plain): string {
  const { severity, code, message, span, notes = [], help, fix } = diagnostic;
  const paint = painter[colours[severity]];
  const lines = [`${painter.bold(paint(`${severity}[${code}]`))}${painter.bold(`: ${message}`)}`];
  const text = sourceOf(span.file);
  const place = text === undefined ? undefined : lineColumn(text, span.start);
  const isBeside = (note: Note): boolean =>
    text !== undefined && note.span?.file === span.file && lineColumn(text, note.span.start).line === place?.line;
  const beside = notes.filter(isBeside);
  const apart = notes.filter((note) => !isBeside(note));
  const width = gutterWidth([span, ...apart.flatMap((note) => note.span ?? [])], sourceOf);
  const gutter = ' '.repeat(width);

  lines.push(...snippet(span, text, '^', paint, width, painter, beside));
  for (const note of apart) {
    if (!note.span) {
      lines.push(`${gutter} ${painter.blue('=')} ${painter.bold('note')}: ${note.message}`);
      continue;
    }
    lines.push(`${painter.bold(painter.blue('note'))}: ${note.message}`);
    lines.push(...snippet(note.span, sourceOf(note.span.file), '-', painter.blue, width, painter, []));
  }
  const advice = help ?? fix?.title;
  if (advice !== undefined) lines.push(`${gutter} ${painter.blue('=')} ${painter.bold(painter.green('help'))}: ${advice}`);
  return `${lines.join('\n')}\n`;
}

const colours: { readonly [K in Severity]: 'red' | 'yellow' | 'blue' } = { error: 'red', warning: 'yellow', info: 'blue' };

function gutterWidth(spans: readonly Span[], sourceOf: (file: string) => string | undefined): number {
  const lines = spans.map((span) => {
    const text = sourceOf(span.file);
    return text === undefined ? 1 : lineColumn(text, span.start).line;
  });
  return String(Math.max(1, ...lines)).length;
}

function snippet(
  span: Span,
  text: string | undefined,
  mark: string,
  paint: (text: string) => string,
  width: number,
  painter: Painter,
  beside: readonly Note[],
): string[] {
  const gutter = ' '.repeat(width);
  if (text === undefined) return [`${gutter}${painter.blue('-->')} ${span.file}`];
  const { line, column } = lineColumn(text, span.start);
  const start = span.start - (column - 1);
  const source = lineFrom(text, start);
  // A long line is shown from a little before the place.
  const from = source.length > shownWidth && column > shownWidth / 2 ? column - 1 - shownWidth / 4 : 0;
  const shown = source.slice(from, from + shownWidth);
  const under = (at: Span, sign: string): string => {
    const first = Math.max(0, at.start - start - from);
    const last = Math.min(Math.max(at.end - start - from, first + 1), Math.max(shown.length, first + 1));
    const cells = [...shown.slice(first, last)].reduce((sum, character) => sum + columns(character), 0);
    return blanks(shown.slice(0, first)) + sign.repeat(Math.max(1, cells));
  };
  const bar = painter.blue('|');
  return [
    `${gutter}${painter.blue('-->')} ${span.file}:${line}:${column}`,
    `${gutter} ${bar}`,
    `${painter.blue(String(line).padStart(width))} ${bar} ${printable(shown)}`.trimEnd(),
    `${gutter} ${bar} ${paint(under(span, mark))}`,
    ...beside.map((note) => `${gutter} ${bar} ${painter.blue(`${note.span ? under(note.span, '-') : ''} ${note.message}`)}`),
  ];
}

function lineFrom(text: string, start: number): string {
  const end = /[\r\n]/.exec(text.slice(start, start + 100_000));
  return end ? text.slice(start, start + end.index) : text.slice(start, start + 100_000);
}

/** White space as wide as a text; tabs stay tabs. */
function blanks(text: string): string {
  return [...text].map((character) => (character === '\t' ? '\t' : ' '.repeat(columns(character)))).join('');
}

/** How many columns of a terminal a character takes. */
function columns(character: string): number {
  if (/[\p{Mn}\p{Me}\u200B-\u200D\uFEFF]/u.test(character)) return 0;
  return /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u.test(
    character,
  )
    ? 2
    : 1;
}

/** A text without characters that would move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD');
}
