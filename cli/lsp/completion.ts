/**
 * @file Completion: what may be written at a place, from the grammar, the standard library, and the base and tables of the experiment
 * around it.
 */
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver/node';
import { definitionKinds, type DefinitionKind, type Param } from '../../grammar/ast.js';
import { builtins, constants } from '../../compiler/elaborate/builtins.js';
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { typeNames } from '../../compiler/elaborate/types.js';
import { unitTypes, unitWords } from '../../compiler/elaborate/value.js';
import { experimentsOf, sectionNames } from '../../compiler/spec/statements.js';
import { resolve } from 'node:path';
import { argumentItems, fieldValueItems, namedParam, sectionParam } from './completion-values.js';
import { pathItems } from './completion-paths.js';
import { globItems, roleItems } from './completion-selectors.js';
import { cursorAt, type Cursor } from './cursor.js';
import { touches, type Document } from './document.js';
import { occurrencesOf, typesOf } from './occurrences.js';
import type { Place } from './place.js';
import { codeBlock, showDoc, wordDocs } from './prose.js';
import { definitionItem, definitionsOfKind, item, parameterItem, word, type Proposing } from './proposals.js';
import { sectionOf, type Workspace } from './workspace.js';
import type { Checker } from './checker.js';

/** What may be written at an offset of a document. */
export async function complete(
  document: Document,
  offset: number,
  workspace: Workspace,
  checker: Checker,
  snippets: boolean,
): Promise<CompletionItem[]> {
  const cursor = cursorAt(document, offset);
  const range = document.rangeOf({ start: cursor.typed.start, end: Math.max(offset, cursor.typed.quoted ? cursor.typed.end : offset) });
  const p: Proposing = { document, workspace, checker, cursor, range, snippets };
  return cursor.typed.quoted ? quoted(p, cursor) : proposals(p, cursor.place);
}

/** Inside quotation marks. */
async function quoted(p: Proposing, { place, inside }: Cursor): Promise<CompletionItem[]> {
  switch (place.kind) {
    case 'import-path':
      return pathItems(p, ['.peft']);
    case 'base-source':
      return pathItems(p, []);
    case 'argument':
      if (place.call.in === 'source') return place.call.callee === 'hub' ? [] : pathItems(p, []);
      if (place.call.field !== undefined && place.index === 0) return pathItems(p, tableEndings);
      return argumentItems(p, place);
    case 'argument-value':
      return argumentItems(p, place);
    case 'role':
      return globItems(p, inside);
    case 'field-value':
      return fieldValueItems(p, place.section, place.field);
    default:
      return [];
  }
}

const tableEndings = ['.tsv', '.csv', '.jsonl', '.parquet', '.txt', '.json'];

async function proposals(p: Proposing, place: Place): Promise<CompletionItem[]> {
  const { inside } = p.cursor;
  switch (place.kind) {
    case 'item':
      return itemWords(p);
    case 'import-path':
      return place.parts.length === 0
        ? [item(p, 'std', CompletionItemKind.Module, { doc: 'the standard library' })]
        : [...new Set(p.workspace.library.definitions.map((d) => d.folder))]
            .filter((f) => f !== 'experiment')
            .map((f) => item(p, f, CompletionItemKind.Module));
    case 'import-name':
      return importNames(p, place);
    case 'parent':
      return experimentsOf(p.document.ast)
        .filter((e) => e.name.text !== inside)
        .map((e) => item(p, e.name.text, CompletionItemKind.Class, { doc: showDoc(e.doc) }));
    case 'statement':
      return statementWords(p);
    case 'words':
      return [...place.words.map((w) => word(p, w, wordDocs[w])), ...(place.statement ? statementWords(p) : [])];
    case 'named':
      return [
        ...definitionsOfKind(p, place.what, place.what !== 'model' && place.what !== 'module'),
        ...(place.what === 'format' ? [word(p, 'none')] : []),
      ];
    case 'base-source':
      return sourceItems(p);
    case 'role':
      return roleItems(p, place.path, inside);
    case 'field':
      return fieldItems(p, place);
    case 'field-value':
      return fieldValueItems(p, place.section, place.field);
    case 'argument':
    case 'argument-value':
      return place.call.in === 'other' && place.call.field === undefined && place.kind === 'argument'
        ? [...(await argumentItems(p, place)), ...expressionItems(p)]
        : argumentItems(p, place);
    case 'unit':
      return [...unitItems(p, place.of), ...(place.else === undefined ? [] : await proposals(p, place.else))];
    case 'member':
      return [...memberWords(place.what).map((w) => word(p, w)), ...expressionItems(p)];
    case 'expression':
      return expressionItems(p);
    case 'type':
      return typeNames.filter((t) => t !== 'Base').map((t) => item(p, t, CompletionItemKind.TypeParameter));
    case 'nothing':
      return [];
    default:
      return place satisfies never;
  }
}

function itemWords(p: Proposing): CompletionItem[] {
  return [
    word(p, 'import', wordDocs['import'], `import std.\${1:adapters}.$0`),
    word(p, 'experiment', wordDocs['experiment'], `experiment \${1:name} {\n  $0\n}`),
    word(p, 'sweep', wordDocs['sweep'], `sweep \${1:name} over \${2:experiment} {\n  $0\n}`),
    ...definitionKinds.map((kind) => word(p, kind, wordDocs[kind])),
  ];
}

function statementWords(p: Proposing): CompletionItem[] {
  return [
    word(p, 'base', wordDocs['base'], `base \${1:model} from "\${2:folder}" for \${3:task}`),
    word(p, 'adapt', wordDocs['adapt'], `adapt \${1:linears} with $0`),
    word(p, 'quantize', wordDocs['quantize'], `quantize \${1:linears} as $0`),
    word(p, 'train', wordDocs['train'], `train \${1:head}`),
    ...sectionNames.map((name) => word(p, name, showDoc(sectionOf(p.workspace.library, name)?.doc ?? ''), `${name} {\n  $0\n}`)),
  ];
}

async function importNames(p: Proposing, place: Extract<Place, { kind: 'import-name' }>): Promise<CompletionItem[]> {
  const { from, taken } = place;
  const found =
    typeof from === 'string'
      ? definitionsOf(p.workspace.read(resolve(p.workspace.folderOf(p.document), from))?.ast ?? p.document.ast).filter(
          (d) => d.name.span.file !== p.document.file,
        )
      : p.workspace.library.definitions.flatMap((d) => (d.folder === from[1] ? [d.definition] : []));
  return found
    .filter((d) => !taken.includes(d.name.text))
    .map((d) => definitionItem(p, d, d.name.text, false, { detail: d.what, order: d.what === 'def' || d.what === 'module' ? 4 : 3 }));
}

/** Where a base may come from. */
function sourceItems(p: Proposing): CompletionItem[] {
  const source = (name: string, doc: string, snippet: string): CompletionItem =>
    item(p, name, CompletionItemKind.Function, { doc, snippet, text: `${name}()` });
  return [
    source('local', 'a folder on this machine; the same as the folder in quotation marks alone', 'local("$1")'),
    source('hub', 'a repository of the Hugging Face Hub', `hub("\${1:owner/name}", revision: "\${2:main}")`),
    source('scratch', 'configuration and tokenizer of a folder; all weights are drawn', 'scratch("$1")'),
  ];
}

async function fieldItems(p: Proposing, { section, taken }: Extract<Place, { kind: 'field' }>): Promise<CompletionItem[]> {
  const params = sectionOf(p.workspace.library, section)?.params ?? [];
  const { task, columns } = await p.checker.foundation(p.document, p.cursor.inside ?? '');
  const named = section === 'data' ? [...new Set((task?.batch ?? []).flatMap((f) => (f.column === undefined ? [] : [f.column])))] : [];
  return [
    ...params.filter((param) => !taken.includes(param.name.text)).map((param) => parameterItem(p, param, CompletionItemKind.Field)),
    ...named
      .filter((name) => !taken.includes(name))
      .map((name) =>
        item(p, name, CompletionItemKind.Field, {
          detail: 'a column',
          doc: `the column that the task reads as \`${name}\`${columns.length > 0 ? `; the table has ${columns.join(', ')}` : ''}`,
          text: `${name}: `,
          order: 1,
        }),
      ),
  ];
}

/** Units that the value at a place may have; all of them where nothing says which. */
function unitItems(p: Proposing, of: Place): CompletionItem[] {
  const param = paramAt(p, of);
  const types = param === undefined ? [] : typesOf(param.type);
  const wanted = Object.entries(unitWords).filter(([, { unit }]) => types.includes(unitTypes[unit]) || param === undefined);
  return wanted
    .filter(([name]) => !/^(step|epoch|token)$/.test(name))
    .map(([name, { unit }]) => item(p, name, CompletionItemKind.Unit, { detail: unitTypes[unit], order: 0 }));
}

function paramAt(p: Proposing, place: Place): Param | undefined {
  if (place.kind === 'field-value') return sectionParam(p, place.section, place.field);
  if (place.kind === 'argument-value') return namedParam(p, place.call, place.name);
  return undefined;
}

/** Words that open members of a definition of a kind. */
function memberWords(what: string): readonly string[] {
  const byKind: Readonly<Partial<Record<DefinitionKind | 'body', readonly string[]>>> = {
    module: ['param', 'part', 'let', 'require', 'forward'],
    model: ['param', 'part', 'let', 'require', 'forward', 'task'],
    adapter: [
      'train',
      'frozen',
      'shared',
      'save',
      'let',
      'require',
      'delta',
      'weight',
      'delta_bias',
      'input',
      'before',
      'branch',
      'output',
      'replace',
      'rates',
      'foreign',
      'foreign_ignored',
      'foreign_import',
    ],
    optimizer: ['state', 'update'],
    task: ['batch', 'let', 'loss', 'weight', 'prediction', 'metrics'],
    format: ['frozen', 'let', 'require', 'block_size', 'decode'],
  };
  return byKind[what as DefinitionKind] ?? ['let', 'require', 'for', 'if'];
}

/** Names that are known where an expression stands. */
function expressionItems(p: Proposing): CompletionItem[] {
  const { document, workspace } = p;
  const scope = workspace.scopeOf(document);
  const around = definitionsOf(document.ast).find((d) => touches(d.span, document.offsetAt(p.range.start)));
  const locals = new Map<string, CompletionItem>();
  for (const { symbol, declares, span } of occurrencesOf(document, workspace)) {
    if (!declares || around === undefined || span.start < around.span.start || span.end > around.span.end) continue;
    const { is, name } = symbol;
    if (is.kind === 'param')
      locals.set(name, { ...parameterItem(p, is.param, CompletionItemKind.Variable), textEdit: { range: p.range, newText: name } });
    else if (is.kind === 'local') locals.set(name, item(p, name, CompletionItemKind.Variable, { doc: codeBlock(is.text), order: 1 }));
  }
  const names = [...new Set(scope.names())].filter((n) => !n.includes(' ') && !locals.has(n));
  const globals = names.flatMap((name): CompletionItem[] => {
    const value = scope.lookup(name);
    if (value?.kind === 'definition')
      return value.definition.what === 'def' || value.definition.what === 'module' ? [definitionItem(p, value.definition, name, true)] : [];
    const builtin = builtins[name];
    if (builtin !== undefined)
      return [
        item(p, name, CompletionItemKind.Function, {
          detail: `(${builtin.params.join(', ')})`,
          doc: builtin.doc,
          snippet: `${name}($1)`,
          text: `${name}()`,
        }),
      ];
    return constants.has(name) ? [item(p, name, CompletionItemKind.Constant)] : [];
  });
  return [...locals.values(), ...globals];
}
