/**
 * @file Occurrences: every name of a file with the symbol it stands for. What a name means follows the compiler's own rules: scopes of
 * files from the library, and inside definitions parameters, members, axes and the names that bodies give.
 */
import type { Argument, Definition, DefinitionKind, Expr, Name, Section, Statement, SweepMember } from '../../grammar/ast.js';
import { partsOf } from '../../compiler/elaborate/names.js';
import { preferring } from '../../compiler/elaborate/scope.js';
import { isStandard } from './addresses.js';
import { walkDefinition } from './definition-walk.js';
import type { Document } from './document.js';
import { declared, given, type Occurrence } from './symbols.js';
import { noLocals, parameter, type Lookup, type Walk } from './walk.js';
import { sectionOf, type Workspace } from './workspace.js';

const known = new WeakMap<Document, readonly Occurrence[]>();

/** Every occurrence of a symbol in a document, in the order of the text. */
export function occurrencesOf(document: Document, workspace: Workspace): readonly Occurrence[] {
  let found = known.get(document);
  if (found === undefined) known.set(document, (found = collect(document, workspace)));
  return found;
}

/** The occurrence at a place. */
export function occurrenceAt(document: Document, workspace: Workspace, offset: number): Occurrence | undefined {
  const all = occurrencesOf(document, workspace).filter(({ span }) => span.start <= offset && offset <= span.end);
  return all.find(({ span }) => offset < span.end) ?? all[0];
}

function collect(document: Document, workspace: Workspace): readonly Occurrence[] {
  const { ast } = document;
  const scope = workspace.scopeOf(document);
  const found: Occurrence[] = [];
  const aliases = new Map<string, Name>();
  for (const { names } of ast.imports) for (const { as } of names) if (as) aliases.set(as.text, as);

  const w: Walk = {
    document,
    scope,
    library: workspace.library,
    global: (name, what) => {
      const value = (what === undefined ? scope : preferring(what, scope)).lookup(name);
      if (value?.kind !== 'definition') return value === undefined ? undefined : given(name);
      const { definition } = value;
      const alias = aliases.get(name);
      const own = definition.name.span.file === document.file && definition.name.text === name;
      return alias !== undefined && !own
        ? declared(alias, { kind: 'alias', definition })
        : declared(definition.name, { kind: 'definition', definition });
    },
    add: (span, symbol, declares = false) => {
      if (symbol !== undefined && span.file === document.file) found.push({ span, symbol, declares });
    },
    expression: (expr, local, what) => walkExpression(w, expr, local, what),
    args: (args, callee, local) => walkArgs(w, args, callee, local),
    definitionOf: (symbol) => (symbol?.is.kind === 'definition' || symbol?.is.kind === 'alias' ? symbol.is.definition : undefined),
    block: () => undefined,
  };

  for (const one of ast.imports)
    for (const { name, as } of one.names) {
      const value = scope.lookup((as ?? name).text);
      if (value?.kind !== 'definition') continue;
      const symbol = declared(value.definition.name, { kind: 'definition', definition: value.definition });
      w.add(name.span, symbol);
      if (as) w.add(as.span, declared(as, { kind: 'alias', definition: value.definition }), true);
    }
  const experiments = new Map(ast.items.flatMap((i) => (i.kind === 'experiment' ? [[i.name.text, i] as const] : [])).reverse());
  for (const item of ast.items) {
    if (item.kind === 'definition') walkDefinition(w, item);
    else if (item.kind === 'experiment') {
      w.add(item.name.span, declared(item.name, { kind: 'experiment', experiment: item }), true);
      const parent = item.from && experiments.get(item.from.text);
      if (item.from && parent) w.add(item.from.span, declared(parent.name, { kind: 'experiment', experiment: parent }));
      for (const statement of item.statements) walkStatement(w, statement);
    } else if (item.kind === 'sweep') {
      for (const name of item.over) {
        const varied = experiments.get(name.text);
        if (varied) w.add(name.span, declared(varied.name, { kind: 'experiment', experiment: varied }));
      }
      for (const m of item.members) for (const expr of sweptExpressions(m)) w.expression(expr, noLocals);
    }
  }
  examples(w);
  return found.sort((a, b) => a.span.start - b.span.start);
}

/** The expressions of a member of a sweep; what is varied is looked up by the sweep itself. */
function sweptExpressions(m: SweepMember): readonly Expr[] {
  switch (m.kind) {
    case 'axis':
      return [m.values, ...(m.when ? [m.when] : [])];
    case 'derived':
      return [m.value, ...(m.when ? [m.when] : [])];
    case 'require-point':
      return [m.condition];
    case 'take':
      return [m.count, ...(m.seed ? [m.seed] : [])];
    case 'error':
      return [];
    default:
      return m satisfies never;
  }
}

/** Roles in selectors are no symbols: what they mean depends on the base. */
function walkStatement(w: Walk, statement: Statement): void {
  switch (statement.kind) {
    case 'base': {
      const model = w.global(statement.model.text, 'model');
      w.add(statement.model.span, model);
      w.args(statement.source.kind === 'call' ? statement.source.args : [], undefined, noLocals);
      w.args(statement.overrides, w.definitionOf(model), noLocals);
      if (statement.task) w.expression(statement.task, noLocals, 'task');
      return;
    }
    case 'adapt':
      w.expression(statement.method, noLocals, 'adapter');
      return;
    case 'quantize':
      w.expression(statement.format, noLocals, 'format');
      return;
    case 'section':
      walkFields(w, statement.section);
      return;
    case 'train':
    case 'error':
      return;
    default:
      statement satisfies never;
  }
}

/** Kinds of definition that a field of a section may call, by the type of the field. */
export const calledBy: Readonly<Record<string, DefinitionKind>> = { Optimizer: 'optimizer', Schedule: 'schedule' };

function walkFields(w: Walk, section: Section): void {
  const definition = sectionOf(w.library, section.name.text);
  if (definition === undefined) return;
  w.add(section.name.span, declared(definition.name, { kind: 'section', definition }));
  for (const field of section.fields) {
    const symbol = parameter(definition, field.name.text, 'field');
    w.add(field.name.span, symbol);
    const types = symbol?.is.kind === 'field' ? typesOf(symbol.is.param.type) : [];
    if (types.includes('Table')) w.args(field.value.kind === 'call' ? field.value.args : [], undefined, noLocals);
    else if (types.includes('Word') && field.value.kind === 'name') continue;
    else
      w.expression(
        field.value,
        noLocals,
        types.map((t) => calledBy[t]).find((t) => t !== undefined),
      );
  }
}

/** The names of the types that a type is made of. */
export function typesOf(type: Definition['params'][number]['type']): readonly string[] {
  if (type === undefined) return [];
  return type.kind === 'type-union' ? type.options.flatMap(typesOf) : type.kind === 'type-name' ? [type.name.text] : [];
}

function walkExpression(w: Walk, expr: Expr, local: Lookup, what?: DefinitionKind): void {
  if (expr.kind === 'name') return w.add(expr.span, local(expr.name) ?? w.global(expr.name, what));
  if (expr.kind === 'block') return w.block(expr, local);
  if (expr.kind === 'call') {
    const { callee } = expr;
    const symbol = callee.kind === 'name' ? (local(callee.name) ?? w.global(callee.name, what)) : undefined;
    if (callee.kind === 'name') w.add(callee.span, symbol);
    else w.expression(callee, local);
    return w.args(expr.args, w.definitionOf(symbol), local);
  }
  for (const part of partsOf(expr)) w.expression(part, local);
}

function walkArgs(w: Walk, args: readonly Argument[], callee: Definition | undefined, local: Lookup): void {
  for (const { name, value } of args) {
    if (name && callee) w.add(name.span, parameter(callee, name.text));
    w.expression(value, local);
  }
}

/** Names of the file in the lines `example: …` of documentation, so that a new name reaches them. */
function examples(w: Walk): void {
  for (const comment of w.document.comments) {
    const line = /^\/\/\/\s*example:/.exec(comment.image);
    if (line === null || isStandard(w.document.file)) continue;
    const quoted = comment.image.replace(/"(?:[^"\\]|\\.)*"/g, (text) => ' '.repeat(text.length));
    for (const found of quoted.slice(line[0].length).matchAll(/[A-Za-z_]\w*/g)) {
      const start = comment.startOffset + line[0].length + found.index;
      w.add({ file: w.document.file, start, end: start + found[0].length }, w.global(found[0]));
    }
  }
}
