/**
 * @file Code actions: the fix of each finding, all fixes at once, and a comment that suppresses a warning.
 */
import { CodeActionKind, type CodeAction, type Diagnostic as LspDiagnostic, type Range, type TextEdit } from 'vscode-languageserver/node';
import type { Diagnostic, Fix } from '../../grammar/diagnostics.js';
import { applyFixes } from '../../lint/fixes.js';
import type { Document } from './document.js';
import { wholeEdit } from './formatting.js';

/** The kind under which an editor asks for all fixes, on saving for example. */
export const fixAllKind = `${CodeActionKind.SourceFixAll}.peft`;

/** Actions for a range. `found` are the findings of the document; `only` limits the kinds. */
export function codeActions(
  document: Document,
  range: Range,
  found: readonly Diagnostic[],
  shown: readonly LspDiagnostic[],
  only: readonly string[] | undefined,
): CodeAction[] {
  const wants = (kind: string): boolean => only === undefined || only.some((o) => kind === o || kind.startsWith(`${o}.`));
  const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  const here = found.filter((d) => d.span.file === document.file && d.span.start <= end && start <= d.span.end);
  const actions: CodeAction[] = [];
  const attached = (d: Diagnostic): Pick<CodeAction, 'diagnostics'> => {
    const as = shown[found.indexOf(d)];
    return as === undefined ? {} : { diagnostics: [as] };
  };
  if (wants(CodeActionKind.QuickFix))
    for (const d of here) {
      if (d.fix !== undefined && isLocal(d.fix, document))
        actions.push({
          title: d.fix.title,
          kind: CodeActionKind.QuickFix,
          isPreferred: true,
          ...attached(d),
          edit: { changes: { [document.uri]: d.fix.edits.map((e) => ({ range: document.rangeOf(e.span), newText: e.text })) } },
        });
      if (d.severity !== 'error' && !/^PEFT19/.test(d.code))
        actions.push({
          title: `suppress ${d.code} here`,
          kind: CodeActionKind.QuickFix,
          ...attached(d),
          edit: { changes: { [document.uri]: [suppression(document, d)] } },
        });
    }
  const fixes = found.flatMap((d) => (d.fix !== undefined && isLocal(d.fix, document) ? [d.fix] : []));
  const all = fixes.length > 0 && wants(fixAllKind) ? wholeEdit(document, applyFixes(document.text, fixes)) : undefined;
  if (all !== undefined)
    actions.push({
      title: fixes.length === 1 ? 'apply the one fix of this file' : `apply all ${fixes.length} fixes of this file`,
      kind: fixAllKind,
      edit: { changes: { [document.uri]: [all] } },
    });
  return actions;
}

const isLocal = (fix: Fix, document: Document): boolean => fix.edits.every((e) => e.span.file === document.file);

/** A comment above the line of a finding; the reason is for its author to write. */
function suppression(document: Document, d: Diagnostic): TextEdit {
  const { line } = document.positionAt(d.span.start);
  const at = { line, character: 0 };
  const indent = /^[ \t]*/.exec(document.text.slice(document.offsetAt(at)))?.[0] ?? '';
  return { range: { start: at, end: at }, newText: `${indent}// peft-allow ${d.code}: \n` };
}
