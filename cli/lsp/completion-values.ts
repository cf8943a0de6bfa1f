/**
 * @file Values that a field or an argument may have, by its type: words, truth values, definitions, sources of rows, columns and metrics, and the
 * texts that a definition requires one of.
 */
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver/node';
import type { Definition, Expr, Param } from '../../grammar/ast.js';
import { preferring } from '../../compiler/elaborate/scope.js';
import { checkpointings, pagings, precisions } from '../../compiler/spec/spec.js';
import { metricsOf } from '../../compiler/spec/task.js';
import { printExpr } from '../../grammar/print.js';
import { calledBy, typesOf } from './occurrences.js';
import type { Call, Place } from './place.js';
import { codeBlock, showDoc, showParam } from './prose.js';
import { definitionsOfKind, item, parameterItem, word, type Proposing } from './proposals.js';
import { sectionOf } from './workspace.js';

/** The words that fields of type `Word` take. */
export const fieldWords: Readonly<Record<string, readonly string[]>> = {
  checkpointing: checkpointings,
  paging: pagings,
  precision: precisions,
};

/** Options of the sources of rows and bases, beside their path. */
const sourceOptions: Readonly<Record<string, readonly (readonly [name: string, doc: string])[]>> = {
  tsv: [
    ['take', 'only the first rows'],
    ['header', 'whether the first line names the columns; without one they are called `0`, `1`, …'],
  ],
  csv: [
    ['take', 'only the first rows'],
    ['header', 'whether the first line names the columns; without one they are called `0`, `1`, …'],
  ],
  jsonl: [['take', 'only the first rows']],
  parquet: [['take', 'only the first rows']],
  hub: [['revision', 'a branch, a tag or a commit']],
};

/** The parameter behind a field of a section. */
export const sectionParam = (p: Proposing, section: string, field: string): Param | undefined =>
  sectionOf(p.workspace.library, section)?.params.find((param) => param.name.text === field);

/** The definition that a call means. */
function calledDefinition(p: Proposing, call: Call): Definition | undefined {
  const field = call.field === undefined ? undefined : sectionParam(p, call.field.section, call.field.field);
  const kind =
    call.in === 'source' || call.in === 'other'
      ? typesOf(field?.type)
          .map((t) => calledBy[t])
          .find((t) => t !== undefined)
      : call.in === 'overrides'
        ? 'model'
        : call.in;
  const scope = p.workspace.scopeOf(p.document);
  const value = (kind === undefined ? scope : preferring(kind, scope)).lookup(call.callee);
  if (value?.kind === 'definition') return value.definition;
  return p.workspace.library.definitions.find(
    (d) => d.definition.name.text === call.callee && (kind === undefined || d.definition.what === kind),
  )?.definition;
}

/** A parameter of what is called. */
export const namedParam = (p: Proposing, call: Call, name: string): Param | undefined =>
  calledDefinition(p, call)?.params.find((param) => param.name.text === name);

/** Names of parameters, and values of the one that is next or named. */
export async function argumentItems(
  p: Proposing,
  place: Extract<Place, { kind: 'argument' | 'argument-value' }>,
): Promise<CompletionItem[]> {
  const { call } = place;
  const definition = calledDefinition(p, call);
  if (place.kind === 'argument-value') {
    const param = definition?.params.find((each) => each.name.text === place.name);
    if (definition !== undefined && param !== undefined) return valueItems(p, param, definition);
    return place.name === 'header' ? [word(p, 'true'), word(p, 'false')] : [];
  }
  if (p.cursor.typed.quoted) {
    const next = definition?.params[place.index];
    return definition !== undefined && next !== undefined ? valueItems(p, next, definition) : [];
  }
  if (definition === undefined)
    return (sourceOptions[call.callee] ?? [])
      .filter(([name]) => !place.taken.includes(name) && place.index > 0)
      .map(([name, doc]) => item(p, name, CompletionItemKind.Property, { doc, text: `${name}: ` }));
  return definition.params
    .filter((param) => !place.taken.includes(param.name.text))
    .map((param) => parameterItem(p, param, CompletionItemKind.Property));
}

/** Values of a field of a section. */
export async function fieldValueItems(p: Proposing, section: string, field: string): Promise<CompletionItem[]> {
  const param = sectionParam(p, section, field);
  const { task, columns } = await p.checker.foundation(p.document, p.cursor.inside ?? '');
  if (param === undefined) return section === 'data' ? columns.map((c) => quotedItem(p, c, 'a column of the table')) : [];
  if (field === 'best')
    return [
      ...(task ? metricsOf(task.bound.definition) : []).map((m) => quotedItem(p, m, 'a metric of the task')),
      ...(p.cursor.typed.quoted ? [] : [word(p, 'none')]),
    ];
  return valueItems(p, param, undefined);
}

/** A text: with its quotation marks where none are written yet. */
const quotedItem = (p: Proposing, text: string, detail: string): CompletionItem =>
  item(p, text, CompletionItemKind.Value, { detail, order: 0, ...(p.cursor.typed.quoted ? {} : { text: JSON.stringify(text) }) });

function valueItems(p: Proposing, param: Param, of: Definition | undefined): CompletionItem[] {
  const types = typesOf(param.type);
  const texts = of === undefined ? [] : choices(of, param.name.text);
  if (p.cursor.typed.quoted) return texts.map((t) => quotedItem(p, t, `a choice of ${param.name.text}`));
  const found: CompletionItem[] = texts.map((t) => quotedItem(p, t, `a choice of ${param.name.text}`));
  if (types.includes('Word'))
    found.push(
      ...(fieldWords[param.name.text] ?? []).map((w) => item(p, w, CompletionItemKind.EnumMember, { doc: showDoc(param.doc), order: 0 })),
    );
  if (types.includes('Bool')) found.push(word(p, 'true'), word(p, 'false'));
  if (types.includes('Table'))
    found.push(
      ...Object.entries({
        tsv: 'rows with tabs between their cells',
        csv: 'rows with commas between their cells',
        jsonl: 'an object on each line',
        parquet: 'a Parquet file',
      }).map(([name, doc]) => item(p, name, CompletionItemKind.Function, { doc, snippet: `${name}("$1")`, text: `${name}("")`, order: 0 })),
    );
  for (const type of types) if (calledBy[type] !== undefined) found.push(...definitionsOfKind(p, calledBy[type], true));
  if (types.includes('none') && !found.some((f) => f.label === 'none')) found.push(word(p, 'none'));
  if (
    param.default !== undefined &&
    param.default.kind !== 'none' &&
    param.default.kind !== 'call' &&
    !types.includes('Bool') &&
    !found.some((f) => f.label === printExpr(param.default as Expr).replace(/^"|"$/g, ''))
  )
    found.push(
      item(p, printExpr(param.default), CompletionItemKind.Value, { detail: 'the default', doc: codeBlock(showParam(param)), order: 4 }),
    );
  return found;
}

/** The texts that a definition requires a parameter to be one of: `require init in ["a", "b"]`. */
function choices(of: Definition, name: string): string[] {
  if (of.body.kind !== 'block') return [];
  return of.body.members.flatMap((m) => {
    if (m.kind !== 'require' || m.condition.kind !== 'binary' || m.condition.op !== 'in') return [];
    const { left, right } = m.condition;
    return left.kind === 'name' && left.name === name && right.kind === 'list'
      ? right.items.flatMap((i) => (i.kind === 'string' ? [i.value] : []))
      : [];
  });
}
