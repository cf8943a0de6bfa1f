/**
 * @file Findings as SARIF 2.1.0, the format that code-scanning services read.
 *
 * One run; a rule for each code that occurs; columns count UTF-16 units, as the spans do. The fingerprint of a finding is made
 * of its code, its file, the text of its line and how often that came before, so that it survives lines added above it.
 */
import type { Location, Log, PhysicalLocation, Region, ReportingDescriptor, Result } from 'sarif';
import { createHash } from 'node:crypto';
import type { Diagnostic, Severity, Span } from '../grammar/diagnostics.js';
import { lineColumn } from '../grammar/render.js';

const schema = 'https://json.schemastore.org/sarif-2.1.0.json';

/** The findings of one command as a SARIF log. */
export function sarifLog(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>, version: string): Log {
  const codes = [...new Set(diagnostics.map((d) => d.code))].sort();
  const seen = new Map<string, number>();
  const results = diagnostics.map((d): Result => {
    const key = [d.code, d.span.file, lineText(texts.get(d.span.file), d.span.start)].join('\0');
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return {
      ruleId: d.code,
      ruleIndex: codes.indexOf(d.code),
      level: levelOf(d.severity),
      message: { text: d.help === undefined ? d.message : `${d.message}\nhelp: ${d.help}` },
      locations: [location(d.span, texts)],
      partialFingerprints: { 'peftFinding/v1': createHash('sha256').update(`${key}\0${before}`).digest('hex').slice(0, 32) },
      ...(d.notes === undefined || d.notes.length === 0
        ? {}
        : {
            relatedLocations: d.notes.map((note): Location => ({
              ...(note.span === undefined ? {} : location(note.span, texts)),
              message: { text: note.message },
            })),
          }),
      ...(d.fix === undefined
        ? {}
        : { fixes: [{ description: { text: d.fix.title }, artifactChanges: artifactChanges(d.fix.edits, texts) }] }),
    };
  });
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'peft', version, rules: codes.map((code) => rule(code, diagnostics)) } },
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  };
}

function levelOf(severity: Severity): 'error' | 'warning' | 'note' {
  return severity === 'info' ? 'note' : severity;
}

function rule(code: string, diagnostics: readonly Diagnostic[]): ReportingDescriptor {
  const first = diagnostics.find((d) => d.code === code);
  return {
    id: code,
    ...(first === undefined ? {} : { defaultConfiguration: { level: levelOf(first.severity) } }),
    help: { text: `peft explain ${code}` },
  };
}

function location(span: Span, texts: ReadonlyMap<string, string>): Location {
  return { physicalLocation: physicalLocation(span, texts) };
}

function physicalLocation(span: Span, texts: ReadonlyMap<string, string>): PhysicalLocation {
  return { artifactLocation: { uri: uriOf(span.file) }, region: region(span, texts.get(span.file)) };
}

function region(span: Span, text: string | undefined): Region {
  const offsets = { charOffset: span.start, charLength: span.end - span.start };
  if (text === undefined) return offsets;
  const start = lineColumn(text, span.start);
  const end = lineColumn(text, span.end);
  return { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column, ...offsets };
}

/** A file's name as a URI reference: relative where the name is, percent-encoded. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  if (/^[A-Za-z]:\//.test(path)) return `file:///${encoded.replace('%3A', ':')}`;
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}

function artifactChanges(edits: readonly { readonly span: Span; readonly text: string }[], texts: ReadonlyMap<string, string>) {
  const files = [...new Set(edits.map((edit) => edit.span.file))];
  return files.map((file) => ({
    artifactLocation: { uri: uriOf(file) },
    replacements: edits
      .filter((edit) => edit.span.file === file)
      .map((edit) => ({
        deletedRegion: region(edit.span, texts.get(file)),
        ...(edit.text === '' ? {} : { insertedContent: { text: edit.text } }),
      })),
  }));
}

function lineText(text: string | undefined, offset: number): string {
  if (text === undefined) return '';
  const from = text.lastIndexOf('\n', offset - 1) + 1;
  const to = text.indexOf('\n', offset);
  return text
    .slice(from, to < 0 ? undefined : to)
    .trim()
    .replace(/\s+/g, ' ');
}
