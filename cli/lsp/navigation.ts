/**
 * @file Navigation: where a name is declared, where it is used, and giving it another name. Uses are looked for in every file of the
 * workspace that has the name in its text.
 */
import { resolve } from 'node:path';
import type { Location, Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver/node';
import type { Span } from '../../grammar/diagnostics.js';
import { reserved } from '../../grammar/tokens.js';
import { isStandard } from './addresses.js';
import type { Checker } from './checker.js';
import { touches, type Document } from './document.js';
import { matched, selectorAt, targetingAt } from './experiments.js';
import { occurrenceAt, occurrencesOf } from './occurrences.js';
import type { Occurrence, Symbol } from './symbols.js';
import type { Workspace } from './workspace.js';

/** A place in whatever file it is; undefined where the file cannot be read. */
function locate(span: Span, workspace: Workspace): Location | undefined {
  const document = workspace.read(span.file);
  return document === undefined ? undefined : { uri: document.uri, range: document.rangeOf(span) };
}

/** Where what stands at a place is declared: a name, an imported file, or the module that a selector means. */
export async function definition(document: Document, offset: number, workspace: Workspace, checker: Checker): Promise<Location[]> {
  const symbol = occurrenceAt(document, workspace, offset)?.symbol;
  // A name given by an import leads on to what it stands for.
  const span = symbol?.is.kind === 'alias' ? symbol.is.definition.name.span : symbol?.span;
  if (span !== undefined) return [locate(span, workspace)].filter((l) => l !== undefined);
  const file = document.ast.imports.find(({ from }) => from.kind === 'string' && touches(from.span, offset))?.from;
  if (file?.kind === 'string') {
    const target = workspace.read(resolve(workspace.folderOf(document), file.value));
    return target === undefined ? [] : [{ uri: target.uri, range: target.rangeOf({ start: 0, end: 0 }) }];
  }
  const found = targetingAt(document.ast, offset);
  const part = found && selectorAt(found.statement.selector, offset);
  if (found === undefined || part === undefined) return [];
  const modules = await matched(document, checker, found.experiment.name.text, part);
  const first = modules?.[0];
  return first === undefined ? [] : [locate(first.definition.name.span, workspace)].filter((l) => l !== undefined);
}

/** Every occurrence of a symbol in a document. */
export const occurrencesIn = (document: Document, symbol: Symbol, workspace: Workspace): readonly Occurrence[] =>
  document.text.includes(symbol.name) || symbol.is.kind === 'definition'
    ? occurrencesOf(document, workspace).filter((o) => o.symbol.key === symbol.key)
    : [];

/** Uses of what stands at a place, its declaration among them where that is asked for. */
export async function references(document: Document, offset: number, workspace: Workspace, declaration: boolean): Promise<Location[]> {
  const symbol = occurrenceAt(document, workspace, offset)?.symbol;
  if (symbol === undefined) return [];
  const files = await filesWith(symbol, document, workspace);
  return files.flatMap((file) =>
    occurrencesIn(file, symbol, workspace)
      .filter((o) => declaration || !o.declares)
      .map((o) => ({ uri: file.uri, range: file.rangeOf(o.span) })),
  );
}

/** The files in which a symbol may stand: for one of the standard library its own file too. */
async function filesWith(symbol: Symbol, document: Document, workspace: Workspace): Promise<readonly Document[]> {
  const files = new Map([document, ...(await workspace.everywhere())].map((d) => [d.file, d]));
  const home = symbol.span === undefined ? undefined : workspace.read(symbol.span.file);
  if (home !== undefined) files.set(home.file, home);
  return [...files.values()];
}

/** What may be renamed at a place: its range and its present name; a text says why it may not. */
export function renamable(
  document: Document,
  offset: number,
  workspace: Workspace,
): { readonly range: Range; readonly placeholder: string; readonly symbol: Symbol } | string {
  const occurrence = occurrenceAt(document, workspace, offset);
  if (occurrence === undefined) return 'there is no name here that could be changed';
  const { symbol, span } = occurrence;
  if (symbol.span === undefined) return `${symbol.name} belongs to the language`;
  if (isStandard(symbol.span.file)) return `${symbol.name} belongs to the standard library`;
  if (symbol.is.kind === 'local' && !document.text.startsWith(symbol.name, span.start))
    return `${symbol.name} is written in another way here`;
  return { range: document.rangeOf(span), placeholder: symbol.name, symbol };
}

const reservedWords = new Set(Object.values(reserved).map((type) => type.LABEL ?? type.name));
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The edits that give what stands at a place another name; a text says why that cannot be. */
export async function rename(document: Document, offset: number, name: string, workspace: Workspace): Promise<WorkspaceEdit | string> {
  const found = renamable(document, offset, workspace);
  if (typeof found === 'string') return found;
  if (!identifier.test(name)) return `${JSON.stringify(name)} is not a name: names are made of the letters a to z, digits and _`;
  if (reservedWords.has(name)) return `${name} is a word of the language`;
  const changes: Record<string, TextEdit[]> = {};
  for (const file of await filesWith(found.symbol, document, workspace)) {
    const edits = occurrencesIn(file, found.symbol, workspace).map((o) => ({ range: file.rangeOf(o.span), newText: name }));
    if (edits.length > 0) changes[file.uri] = edits;
  }
  return { changes };
}
