/**
 * @file Diagnostics for the editor. What is found in an imported file is shown at the import, with the place in that file beside it.
 */
import { resolve } from 'node:path';
import {
  DiagnosticSeverity,
  DiagnosticTag,
  type Diagnostic as LspDiagnostic,
  type DiagnosticRelatedInformation,
} from 'vscode-languageserver/node';
import type { Diagnostic, Severity, Span } from '../../grammar/diagnostics.js';
import type { Document } from './document.js';
import type { Workspace } from './workspace.js';

const severities: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};

/** Findings as the editor shows them; each carries its number, by which a code action finds it again. */
export function showDiagnostics(document: Document, found: readonly Diagnostic[], workspace: Workspace): LspDiagnostic[] {
  return found.map((d, index): LspDiagnostic => {
    const here = d.span.file === document.file;
    const related = [...(here ? [] : [{ message: d.message, span: d.span }]), ...(d.notes ?? [])].flatMap(
      (note): DiagnosticRelatedInformation[] => {
        const other = note.span && workspace.read(note.span.file);
        return note.span && other ? [{ message: note.message, location: { uri: other.uri, range: other.rangeOf(note.span) } }] : [];
      },
    );
    const plain = (d.notes ?? []).filter((note) => note.span === undefined).map((note) => `note: ${note.message}`);
    const message = [
      here ? d.message : `in the imported file: ${d.message}`,
      ...plain,
      ...(d.help === undefined ? [] : [`help: ${d.help}`]),
    ].join('\n');
    return {
      range: document.rangeOf(here ? d.span : importOf(document, d.span, workspace)),
      severity: severities[d.severity],
      code: d.code,
      source: 'peft',
      message,
      data: index,
      ...(related.length > 0 ? { relatedInformation: related } : {}),
      ...(d.code === unusedSuppression ? { tags: [DiagnosticTag.Unnecessary] } : {}),
    };
  });
}

/** A suppression without effect is shown faded. */
const unusedSuppression = 'PEFT1902';

/** The import by which a file came in. */
function importOf(document: Document, span: Span, workspace: Workspace): Pick<Span, 'start' | 'end'> {
  const files = document.ast.imports.flatMap(({ from }) => {
    if (from.kind !== 'string') return [];
    const file = workspace.read(resolve(workspace.folderOf(document), from.value));
    return file === undefined ? [] : [{ file, from }];
  });
  const direct = files.find(({ file }) => file.file === span.file) ?? files.find(({ file }) => workspace.importsOf(file).has(span.file));
  return direct?.from.span ?? { start: 0, end: 0 };
}
