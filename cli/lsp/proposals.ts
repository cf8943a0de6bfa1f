/**
 * @file Proposals: how completion items are made, and the edit that imports what is not visible yet.
 */
import { CompletionItemKind, InsertTextFormat, type CompletionItem, type Range, type TextEdit } from 'vscode-languageserver/node';
import type { Definition, DefinitionKind, Param } from '../../grammar/ast.js';
import { qualified } from '../../compiler/elaborate/scope.js';
import { showDoc, showHead, showParam, codeBlock } from './prose.js';
import type { Document } from './document.js';
import type { Cursor } from './cursor.js';
import type { Checker } from './checker.js';
import type { Workspace } from './workspace.js';

/** What completion works with. */
export interface Proposing {
  readonly document: Document;
  readonly workspace: Workspace;
  readonly checker: Checker;
  readonly cursor: Cursor;
  /** What an item replaces. */
  readonly range: Range;
  /** Whether the editor knows snippets: places to fill in. */
  readonly snippets: boolean;
}

/** The kind of item that a definition of each kind is shown as. */
const kinds: Readonly<Record<DefinitionKind, CompletionItemKind>> = {
  def: CompletionItemKind.Function,
  module: CompletionItemKind.Class,
  model: CompletionItemKind.Class,
  adapter: CompletionItemKind.Method,
  optimizer: CompletionItemKind.Method,
  schedule: CompletionItemKind.Method,
  task: CompletionItemKind.Method,
  format: CompletionItemKind.Method,
};

/** An item that writes a text; `order` sorts before the label. */
export function item(
  p: Proposing,
  label: string,
  kind: CompletionItemKind,
  more: {
    readonly detail?: string;
    readonly doc?: string;
    readonly text?: string;
    readonly snippet?: string;
    readonly order?: number;
    readonly filter?: string;
  } = {},
): CompletionItem {
  const snippet = p.snippets ? more.snippet : undefined;
  return {
    label,
    kind,
    sortText: `${more.order ?? 5}${label}`,
    textEdit: { range: p.range, newText: snippet ?? more.text ?? label },
    ...(snippet === undefined ? {} : { insertTextFormat: InsertTextFormat.Snippet }),
    ...(more.detail === undefined ? {} : { detail: more.detail }),
    ...(more.doc === undefined || more.doc === '' ? {} : { documentation: { kind: 'markdown' as const, value: more.doc } }),
    ...(more.filter === undefined ? {} : { filterText: more.filter }),
  };
}

/** A word of the language. */
export const word = (p: Proposing, label: string, doc?: string, snippet?: string): CompletionItem =>
  item(p, label, CompletionItemKind.Keyword, { ...(doc === undefined ? {} : { doc }), ...(snippet === undefined ? {} : { snippet }) });

/** A parameter or field, with the colon behind it. */
export function parameterItem(p: Proposing, param: Param, kind: CompletionItemKind): CompletionItem {
  return item(p, param.name.text, kind, {
    detail: showParam(param),
    doc: showDoc(param.doc),
    text: `${param.name.text}: `,
    order: param.default === undefined ? 1 : 2,
  });
}

/** A definition by the name under which a file sees it. With `call` its parentheses are written too. */
export function definitionItem(
  p: Proposing,
  d: Definition,
  name: string,
  call: boolean,
  more: { readonly detail?: string; readonly order?: number } = {},
): CompletionItem {
  const needed = d.params.filter((param) => param.default === undefined);
  const places = needed.map((param, i) => `${param.name.text}: \${${i + 1}}`).join(', ');
  const snippet = `${name}(${needed.length > 0 ? places : d.params.length > 0 ? '$1' : ''})`;
  return item(p, name, kinds[d.what], {
    doc: [codeBlock(showHead(d)), showDoc(d.doc)].join('\n\n'),
    order: more.order ?? 3,
    ...(more.detail === undefined ? {} : { detail: more.detail }),
    ...(call ? { snippet, text: d.params.length === 0 && d.what !== 'schedule' ? name : `${name}()` } : {}),
  });
}

/** Every definition of a kind: those that the file sees, then those that it could import, with the import. */
export function definitionsOfKind(p: Proposing, what: DefinitionKind, call: boolean): CompletionItem[] {
  const scope = p.workspace.scopeOf(p.document);
  const prefix = qualified(what, '');
  const seen = [...new Set(scope.names())].flatMap((n) => (n.startsWith(prefix) ? [n.slice(prefix.length)] : []));
  const visible = seen.flatMap((name) => {
    const value = scope.lookup(qualified(what, name));
    return value?.kind === 'definition' ? [definitionItem(p, value.definition, name, call, { order: 3 })] : [];
  });
  const hidden = p.workspace.library.definitions.filter(
    (d) => d.definition.what === what && !seen.includes(d.definition.name.text) && d.folder !== 'experiment',
  );
  return [
    ...visible,
    ...hidden.map(({ folder, definition }) => ({
      ...definitionItem(p, definition, definition.name.text, call, { detail: `import std.${folder}.${definition.name.text}`, order: 4 }),
      additionalTextEdits: [importEdit(p.document, folder, definition.name.text)],
    })),
  ];
}

/** The edit that imports a name: into the braces of an import from the same folder, after the last import, or above the first item. */
export function importEdit(document: Document, folder: string, name: string): TextEdit {
  const { ast, text } = document;
  const same = ast.imports.find(({ from }) => from.kind === 'path' && from.parts[0]?.text === 'std' && from.parts[1]?.text === folder);
  const insert = (offset: number, newText: string): TextEdit => ({ range: document.rangeOf({ start: offset, end: offset }), newText });
  const written = same === undefined ? '' : text.slice(same.span.start, same.span.end);
  const last = same?.names.at(-1);
  if (written.trimEnd().endsWith('}') && last !== undefined) return insert((last.as ?? last.name).span.end, `, ${name}`);
  const line = `import std.${folder}.${name}`;
  const before = ast.imports.at(-1);
  if (before !== undefined) return insert(before.span.end, `\n${line}`);
  // Documentation belongs to what follows it.
  let at = ast.items[0]?.span.start ?? 0;
  for (;;) {
    const lineStart = text.lastIndexOf('\n', at - 1) + 1;
    const above = text.slice(text.lastIndexOf('\n', lineStart - 2) + 1, lineStart);
    if (lineStart === 0 || !above.startsWith('///')) return insert(lineStart, `${line}\n\n`);
    at = lineStart - above.length;
  }
}
