/**
 * @file Findings as text, JSON, SARIF, GitHub's workflow commands or JUnit. One function for every verb that reports findings.
 *
 * JSON: `formatVersion` 1; offsets are 0-based UTF-16 units as in the compiler, lines and columns are 1-based, ends exclusive.
 */
import type { Diagnostic, Severity, Span } from '../grammar/diagnostics.js';
import { lineColumn, renderDiagnostics } from '../grammar/render.js';
import { painter } from './colour.js';
import { manifest } from './package.js';
import { githubCommands, junitReport } from './ci-formats.js';
import { sarifLog } from './sarif.js';

/** How findings are written. */
export const findingsFormats = ['text', 'json', 'sarif', 'github', 'junit'] as const;

/** One of `findingsFormats`. */
export type FindingsFormat = (typeof findingsFormats)[number];

/** Texts of the files that findings may point into, by the name their spans carry. */
export type Texts = ReadonlyMap<string, string>;

/** Findings in the wanted format, with a final line break; text without findings is empty. */
export function renderFindings(diagnostics: readonly Diagnostic[], texts: Texts, format: FindingsFormat, coloured: boolean): string {
  switch (format) {
    case 'text':
      return renderDiagnostics(diagnostics, (file) => texts.get(file), painter(coloured));
    case 'json':
      return `${JSON.stringify(findingsJson(diagnostics, texts), undefined, 2)}\n`;
    case 'sarif':
      return `${JSON.stringify(sarifLog(diagnostics, texts, manifest().version), undefined, 2)}\n`;
    case 'github':
      return githubCommands(diagnostics, texts);
    case 'junit':
      return junitReport(diagnostics, texts);
    default:
      return format satisfies never;
  }
}

/** How many findings of each severity there are. */
export function countFindings(diagnostics: readonly Diagnostic[]): Readonly<Record<Severity, number>> {
  const count = { error: 0, warning: 0, info: 0 };
  for (const d of diagnostics) count[d.severity]++;
  return count;
}

/** A place as JSON: offsets as in the compiler, and lines and columns where the text is known. */
export interface JsonPlace {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly startLine?: number;
  readonly startColumn?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
}

/** A place as JSON. */
export function placeJson(span: Span, texts: Texts): JsonPlace {
  const text = texts.get(span.file);
  if (text === undefined) return { file: span.file, start: span.start, end: span.end };
  const start = lineColumn(text, span.start);
  const end = lineColumn(text, span.end);
  return {
    file: span.file,
    start: span.start,
    end: span.end,
    startLine: start.line,
    startColumn: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}

/** Findings as plain JSON. */
export function findingsJson(diagnostics: readonly Diagnostic[], texts: Texts) {
  return {
    formatVersion: 1,
    tool: { name: 'peft', version: manifest().version },
    summary: countFindings(diagnostics),
    diagnostics: diagnostics.map((d) => ({
      code: d.code,
      severity: d.severity,
      message: d.message,
      place: placeJson(d.span, texts),
      notes: (d.notes ?? []).map((note) => ({
        message: note.message,
        ...(note.span === undefined ? {} : { place: placeJson(note.span, texts) }),
      })),
      ...(d.help === undefined ? {} : { help: d.help }),
      ...(d.fix === undefined
        ? {}
        : { fix: { title: d.fix.title, edits: d.fix.edits.map((edit) => ({ place: placeJson(edit.span, texts), text: edit.text })) } }),
    })),
  };
}
