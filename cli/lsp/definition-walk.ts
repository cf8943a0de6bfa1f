/**
 * @file The names inside a definition: parameters, members, axes of tensor types, and what bodies give by `let`, `for` and functions. Members
 * of a definition know each other; names of a body are known from where they are given.
 */
import type { Definition, Expr, Member, Name, Param, TypeExpr } from '../../grammar/ast.js';
import { formatNames } from '../../compiler/elaborate/format.js';
import { weightName } from '../../compiler/elaborate/members.js';
import { qualified } from '../../compiler/elaborate/scope.js';
import { declared, given, type Local, type Symbol } from './symbols.js';
import { noLocals, parameter, type Lookup, type Walk } from './walk.js';

/** Names that the language gives inside definitions of a kind. */
const givenNames: Partial<Record<Definition['what'], readonly string[]>> = {
  adapter: ['site', 'largest'],
  format: formatNames,
  schedule: ['step', 'total'],
  task: ['logits', 'model'],
};

/** A lookup that knows some names more. */
function within(outer: Lookup, symbols: Iterable<Symbol>): Lookup {
  const own = new Map([...symbols].map((s) => [s.name, s]));
  return (name) => own.get(name) ?? outer(name);
}

/** Adds every name of a definition. */
export function walkDefinition(w: Walk, d: Definition): void {
  w.block = (expr, local) => walkBody(w, expr.members, local);
  w.add(d.name.span, declared(d.name, { kind: 'definition', definition: d }), true);
  const binds = (d.on?.binds ?? []).map((bind) => local(bind, 'value'));
  if (d.on) {
    w.add(d.on.name.span, w.global(d.on.name.text, 'module'));
    for (const symbol of binds) if (symbol.span) w.add(symbol.span, symbol, true);
  }
  const outer = within(noLocals, [...['training', ...(givenNames[d.what] ?? [])].map(given), ...siteTensors(w, d), ...binds]);
  const members = d.body.kind === 'block' ? d.body.members : [];
  const inner = walkParams(w, d.params, outer, d.name.text);
  if (d.is) w.expression(d.is, inner);
  const typed = d.result ? bindAxes(w, d.result, inner) : inner;
  if (d.body.kind === 'expr') w.expression(d.body.expr, typed);
  else if (d.what === 'def' || d.what === 'schedule') walkBody(w, members, typed);
  else walkMembers(w, members, typed);
}

/** The tensors of the modules that an adapter acts on, where they are declared. */
function siteTensors(w: Walk, d: Definition): Symbol[] {
  if (d.what !== 'adapter') return [];
  const kind = d.on === undefined ? undefined : w.scope.lookup(qualified('module', d.on.name.text));
  if (kind?.kind !== 'definition') return [given(weightName)];
  const { body } = kind.definition;
  return body.kind === 'block' ? body.members.flatMap((m) => (m.kind === 'storage' ? [memberSymbol(w, m, m.name)] : [])) : [];
}

const local = (name: Name, what: Local, text = name.text, doc = ''): Symbol =>
  declared(name, { kind: 'local', what, text: text === name.text ? text : oneLine(text), doc });

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
};

/** What a member declares; of a file that is not at hand its name alone. */
function memberSymbol(w: Walk, m: Member, name: Name): Symbol {
  const text = m.span.file === w.document.file ? w.document.text.slice(m.span.start, m.span.end) : name.text;
  const shown = m.kind === 'function' ? (/^[^={]*/.exec(text)?.[0] ?? text) : text;
  const what: Local = m.kind === 'storage' ? 'tensor' : m.kind === 'part' ? 'part' : m.kind === 'function' ? 'function' : 'value';
  return local(name, what, shown.replace(/^(\s*\/\/.*\n)+/, ''), 'doc' in m ? m.doc : '');
}

const named = (m: Member): Name | undefined =>
  m.kind === 'storage' || m.kind === 'part' || m.kind === 'let' || m.kind === 'assign' || m.kind === 'function' ? m.name : undefined;

/** Symbols of the members of a block, the fields of `batch { … }` among them. */
function memberSymbols(w: Walk, members: readonly Member[]): Symbol[] {
  return members.flatMap((m): Symbol[] => {
    const name = named(m);
    if (name !== undefined) return [memberSymbol(w, m, name)];
    return m.kind === 'section' && m.section.name.text === 'batch' ? m.section.fields.map((f) => local(f.name, 'tensor')) : [];
  });
}

function walkMembers(w: Walk, members: readonly Member[], outer: Lookup): void {
  const own = memberSymbols(w, members);
  for (const symbol of own) if (symbol.span) w.add(symbol.span, symbol, true);
  const inner = within(outer, own);
  for (const m of members) walkMember(w, m, inner);
}

function walkMember(w: Walk, m: Member, env: Lookup): void {
  switch (m.kind) {
    case 'storage':
      if (m.type) walkType(w, m.type, env);
      for (const expr of [m.init, m.format, m.when]) if (expr) w.expression(expr, env, expr === m.format ? 'format' : undefined);
      return;
    case 'part': {
      if (m.index) w.expression(m.index.count, env);
      const index = m.index && local(m.index.name, 'variable');
      if (index?.span) w.add(index.span, index, true);
      w.expression(m.value, index ? within(env, [index]) : env, 'module');
      if (m.when) w.expression(m.when, env);
      return;
    }
    case 'let':
    case 'assign':
      w.expression(m.value, env);
      return;
    case 'function': {
      const inner = walkParams(w, m.params, env, m.name.text);
      const typed = m.result ? bindAxes(w, m.result, inner) : inner;
      if (m.body.kind === 'expr') w.expression(m.body.expr, typed);
      else walkBody(w, m.body.members, typed);
      return;
    }
    case 'require':
      w.expression(m.condition, env);
      walkMessage(w, m.message.span, env);
      return;
    case 'nested':
      walkNested(w, m, env);
      return;
    case 'section':
      walkSection(w, m.section, env);
      return;
    case 'use':
      w.expression(m.value, env);
      return;
    case 'for':
    case 'expr':
      walkBody(w, [m], env);
      return;
    case 'error':
      return;
    default:
      m satisfies never;
  }
}

/** The body of a function. */
function walkBody(w: Walk, members: readonly Member[], start: Lookup): void {
  let env = start;
  for (const m of members) {
    switch (m.kind) {
      case 'let': {
        w.expression(m.value, env);
        const symbol = memberSymbol(w, m, m.name);
        w.add(m.name.span, symbol, true);
        env = within(env, [symbol]);
        if (m.type) env = bindAxes(w, m.type, env);
        break;
      }
      case 'assign':
        w.expression(m.value, env);
        w.add(m.name.span, env(m.name.text));
        break;
      case 'for': {
        w.expression(m.over, env);
        const symbol = local(m.name, 'variable');
        w.add(m.name.span, symbol, true);
        walkBody(w, m.members, within(env, [symbol]));
        break;
      }
      case 'expr':
        w.expression(m.expr, env);
        break;
      default:
        walkMember(w, m, env);
    }
  }
}

/** Names in the braces of a message: `"rank {rank} is above {min(in, out)}"`. */
function walkMessage(w: Walk, span: Param['span'], env: Lookup): void {
  const raw = w.document.text.slice(span.start, span.end);
  for (const group of raw.matchAll(/\{([^{}]+)\}/g))
    for (const name of (group[1] as string).matchAll(/[A-Za-z_]\w*/g)) {
      const start = span.start + group.index + 1 + name.index;
      w.add({ ...span, start, end: start + name[0].length }, env(name[0]) ?? w.global(name[0]));
    }
}

/** `task NAME { … }` in a model sees what the task gives. */
function walkNested(w: Walk, m: Extract<Member, { kind: 'nested' }>, env: Lookup): void {
  const symbol = w.global(m.name.text, 'task');
  w.add(m.name.span, symbol);
  const task = w.definitionOf(symbol);
  const members = task?.body.kind === 'block' ? task.body.members : [];
  const seen = task === undefined ? [] : task.params.flatMap((p) => parameter(task, p.name.text) ?? []);
  walkMembers(w, m.members, within(env, [...seen, ...memberSymbols(w, members), given('logits')]));
}

/** In `batch` a call is a recipe and its first argument a column; in the sections on foreign files a callee is a word. */
function walkSection(w: Walk, section: Extract<Member, { kind: 'section' }>['section'], env: Lookup): void {
  for (const { value } of section.fields) {
    if (value.kind === 'call') for (const arg of value.args.slice(section.name.text === 'batch' ? 1 : 0)) w.expression(arg.value, env);
    else if (!(section.name.text === 'foreign_ignored' && value.kind === 'name')) w.expression(value, env);
  }
}

// --- parameters and types ----------------------------------------------------------------------------------------------

function walkParams(w: Walk, params: readonly Param[], outer: Lookup, of: string): Lookup {
  const own = params.map((param) => declared(param.name, { kind: 'param', param, of }));
  for (const symbol of own) if (symbol.span) w.add(symbol.span, symbol, true);
  let env = within(outer, own);
  for (const { type } of params) if (type) env = bindAxes(w, type, env);
  for (const p of params) for (const expr of [...p.bounds.map((b) => b.value), ...(p.default ? [p.default] : [])]) w.expression(expr, env);
  return env;
}

const axesOf = (type: TypeExpr): readonly Expr[] =>
  type.kind === 'type-union' ? type.options.flatMap(axesOf) : (type.dims ?? []).flatMap((dim) => (dim.kind === 'dim' ? [dim.expr] : []));

/** A bare name in the shape of a tensor is bound by the first tensor that has it. */
function bindAxes(w: Walk, type: TypeExpr, outer: Lookup): Lookup {
  let env = outer;
  for (const axis of axesOf(type)) {
    if (axis.kind === 'name' && env(axis.name) === undefined) {
      const symbol = local({ text: axis.name, span: axis.span }, 'axis');
      w.add(axis.span, symbol, true);
      env = within(env, [symbol]);
    } else w.expression(axis, env);
  }
  return env;
}

/** The shape of a stored tensor binds nothing. */
function walkType(w: Walk, type: TypeExpr, env: Lookup): void {
  for (const axis of axesOf(type)) w.expression(axis, env);
}
