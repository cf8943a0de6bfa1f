/**
 * @file Names inside definitions: every name that is looked up must be known where it stands, no name is given twice, and no
 * definition is made of itself.
 */
import type { Definition, Expr, Field, Member, Param, TypeExpr } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { literals } from '../elaborate/evaluate.js';
import { formatNames } from '../elaborate/format.js';
import { weightName } from '../elaborate/members.js';
import { partsOf } from '../elaborate/names.js';
import { suggest } from '../elaborate/nearest.js';
import { qualified, type Scope } from '../elaborate/scope.js';
import { typeNames } from '../elaborate/types.js';

/** What is known at a place, and where to report what is not. */
interface Env {
  readonly known: ReadonlySet<string>;
  readonly scope: Scope;
  readonly diagnostics: Diagnostic[];
}

const within = (env: Env, names: Iterable<string>): Env => ({ ...env, known: new Set([...env.known, ...names]) });

/** Names that the language itself gives to members of each kind of definition. */
const given: Partial<Record<Definition['what'], readonly string[]>> = {
  adapter: [weightName, 'site', 'largest'],
  format: formatNames,
  schedule: ['step', 'total'],
  task: ['logits', 'model'],
};

/** Looks up every name in a definition. */
export function resolveNames(d: Definition, scope: Scope, diagnostics: Diagnostic[]): void {
  const members = d.body.kind === 'block' ? d.body.members : [];
  const block = d.what === 'def' || d.what === 'schedule';
  twice([...d.params.map((p) => p.name), ...(block ? [] : members.flatMap(nameOf))], diagnostics);
  const outer: Env = {
    known: new Set([
      'training',
      ...(given[d.what] ?? []),
      ...(d.on?.binds.map((b) => b.text) ?? []),
      ...(d.what === 'adapter' ? siteTensors(d, scope) : []),
    ]),
    scope,
    diagnostics,
  };
  const env = withParams(outer, d.params);
  if (d.is) walk(within(env, []), d.is);
  if (d.result) bindType(env, d.result);
  if (d.body.kind === 'expr') walk(env, d.body.expr);
  else if (block) walkBody(env, members);
  else walkMembers(within(env, [...members.flatMap(nameOf).map((n) => n.text), ...members.flatMap(batchNames)]), members);
}

/** Names of the tensors of the modules that an adapter acts on. */
function siteTensors(d: Definition, scope: Scope): string[] {
  const kind = d.on === undefined ? undefined : scope.lookup(qualified('module', d.on.name.text));
  return kind?.kind === 'definition' && kind.definition.body.kind === 'block'
    ? kind.definition.body.members.flatMap((m) => (m.kind === 'storage' ? [m.name.text] : []))
    : [];
}

interface Placed {
  readonly text: string;
  readonly span: Span;
}

const nameOf = (m: Member): Placed[] =>
  m.kind === 'storage' || m.kind === 'part' || m.kind === 'let' || m.kind === 'assign' || m.kind === 'function' ? [m.name] : [];

/** The fields of `batch { … }` are values of the task. */
const batchNames = (m: Member): string[] =>
  m.kind === 'section' && m.section.name.text === 'batch' ? m.section.fields.map((f) => f.name.text) : [];

function twice(names: readonly Placed[], diagnostics: Diagnostic[]): void {
  names.forEach((name, i) => {
    const first = names.slice(0, i).find((n) => n.text === name.text);
    if (first)
      diagnostics.push({
        code: 'PEFT0102',
        severity: 'error',
        span: name.span,
        message: `${name.text} is defined twice`,
        notes: [{ message: 'first here', span: first.span }],
      });
  });
}

function unknown(env: Env, name: string, span: Span): void {
  if (env.known.has(name) || env.scope.lookup(name) !== undefined) return;
  const { help, fix } = suggest(name, span, [...env.known, ...env.scope.names(), ...literals], '');
  env.diagnostics.push({
    code: 'PEFT0101',
    severity: 'error',
    span,
    message: `${name} is not defined`,
    ...(fix && help ? { help, fix } : {}),
  });
}

// --- members -----------------------------------------------------------------------------------------------------------

function walkMembers(env: Env, members: readonly Member[]): void {
  for (const m of members) walkMember(env, m);
}

function walkMember(env: Env, m: Member): void {
  switch (m.kind) {
    case 'storage':
      if (m.type) checkType(env, m.type);
      if (m.init) walkInit(env, m.init);
      if (m.when) walk(env, m.when);
      return;
    case 'part':
      if (m.index) walk(env, m.index.count);
      walk(m.index ? within(env, [m.index.name.text]) : env, m.value);
      if (m.when) walk(env, m.when);
      return;
    case 'let':
    case 'assign':
      walk(env, m.value);
      return;
    case 'function': {
      twice(
        m.params.map((p) => p.name),
        env.diagnostics,
      );
      const inner = withParams(env, m.params);
      if (m.result) bindType(inner, m.result);
      if (m.body.kind === 'expr') walk(inner, m.body.expr);
      else walkBody(inner, m.body.members);
      return;
    }
    case 'require':
      walkRequire(env, m);
      return;
    case 'nested':
      walkNested(env, m);
      return;
    case 'section':
      walkSection(env, m.section.name.text, m.section.fields);
      return;
    case 'for':
    case 'use':
    case 'expr':
    case 'error':
      return;
    default:
      m satisfies never;
  }
}

/** A first value: a callee that nobody knows is a distribution, or told as none when the tensor is made. */
function walkInit(env: Env, init: Expr): void {
  if (init.kind === 'if') {
    walk(env, init.condition);
    walkInit(env, init.then);
    walkInit(env, init.else);
  } else if (init.kind === 'call' && init.callee.kind === 'name' && env.scope.lookup(init.callee.name) === undefined)
    for (const arg of init.args) walk(env, arg.value);
  else walk(env, init);
}

/** The body of a function: names are known from where they are given. */
function walkBody(start: Env, members: readonly Member[]): void {
  let env = start;
  for (const m of members) {
    switch (m.kind) {
      case 'let':
        walk(env, m.value);
        env = within(env, [m.name.text]);
        if (m.type) env = bindType(env, m.type);
        break;
      case 'assign':
        walk(env, m.value);
        unknown(env, m.name.text, m.name.span);
        break;
      case 'for':
        walk(env, m.over);
        walkBody(within(env, [m.name.text]), m.members);
        break;
      case 'expr':
        walk(env, m.expr);
        break;
      default:
        walkMember(env, m);
    }
  }
}

function walkRequire(env: Env, m: Extract<Member, { kind: 'require' }>): void {
  walk(env, m.condition);
  for (const [, inner = ''] of m.message.value.matchAll(/\{([^{}]+)\}/g))
    for (const [name] of inner.matchAll(/[A-Za-z_]\w*/g)) unknown(env, name, m.message.span);
}

/** `task NAME { … }` in a model sees what the task gives: its parameters, batch and values. */
function walkNested(env: Env, m: Extract<Member, { kind: 'nested' }>): void {
  const task = env.scope.lookup(qualified('task', m.name.text));
  if (task?.kind !== 'definition') {
    const prefix = qualified('task', '');
    const names = env.scope.names().flatMap((n) => (n.startsWith(prefix) ? [n.slice(prefix.length)] : []));
    env.diagnostics.push({
      code: 'PEFT0119',
      severity: 'error',
      span: m.name.span,
      message: `there is no task ${m.name.text}`,
      ...suggest(m.name.text, m.name.span, names, 'there is'),
    });
    return;
  }
  const { definition } = task;
  const members = definition.body.kind === 'block' ? definition.body.members : [];
  const seen = [
    ...definition.params.map((p) => p.name.text),
    ...members.flatMap(batchNames),
    ...members.flatMap(nameOf).map((n) => n.text),
  ];
  twice(m.members.flatMap(nameOf), env.diagnostics);
  walkMembers(within(env, [...seen, ...m.members.flatMap(nameOf).map((n) => n.text)]), m.members);
}

function walkSection(env: Env, section: string, fields: readonly Field[]): void {
  for (const { value } of fields) {
    // Recipes, and `patterns(rank)`: the callee is a word of the section, and the first argument of a recipe names a column.
    if (value.kind === 'call') for (const arg of value.args.slice(section === 'batch' ? 1 : 0)) walk(env, arg.value);
    else if (!(section === 'foreign_ignored' && value.kind === 'name' && value.name === 'any')) walk(env, value);
  }
}

// --- expressions and types ---------------------------------------------------------------------------------------------

function walk(env: Env, expr: Expr): void {
  if (expr.kind === 'name') unknown(env, expr.name, expr.span);
  else if (expr.kind === 'block') walkBody(env, expr.members);
  else for (const part of partsOf(expr)) walk(env, part);
}

function withParams(env: Env, params: readonly Param[]): Env {
  let inner = within(
    env,
    params.map((p) => p.name.text),
  );
  for (const p of params) if (p.type) inner = bindType(inner, p.type);
  for (const p of params) {
    for (const bound of p.bounds) walk(inner, bound.value);
    // In the default of a parameter a name may be one of a kind that the type names: `Schedule = linear()`.
    if (p.default) walk(inner, p.default);
  }
  return inner;
}

/** A bare name in the shape of a tensor is bound by the first tensor that has it. */
function bindType(env: Env, type: TypeExpr): Env {
  if (type.kind === 'type-union') return type.options.reduce(bindType, env);
  if (type.kind === 'type-name' && !typeNames.includes(type.name.text)) {
    env.diagnostics.push({
      code: 'PEFT0244',
      severity: 'error',
      span: type.name.span,
      message: `there is no type ${type.name.text}`,
      ...suggest(type.name.text, type.name.span, typeNames, 'types are'),
    });
  }
  const dims = type.kind === 'type-tensor' ? type.dims : (type.dims ?? []);
  const inner = within(
    env,
    dims.flatMap((dim) => (dim.kind === 'dim' && dim.expr.kind === 'name' ? [dim.expr.name] : [])),
  );
  for (const dim of dims) if (dim.kind === 'dim') walk(inner, dim.expr);
  return inner;
}

/** The shape of a stored tensor binds nothing. */
function checkType(env: Env, type: TypeExpr): void {
  if (type.kind === 'type-union') for (const option of type.options) checkType(env, option);
  else for (const dim of type.dims ?? []) if (dim.kind === 'dim') walk(env, dim.expr);
}

// --- circles -----------------------------------------------------------------------------------------------------------

interface Reference {
  readonly to: Definition;
  readonly span: Span;
}

/** Functions that call themselves, and modules that stand inside themselves, by way of others too; each circle is told once. */
export function circles(own: readonly Definition[], scope: Scope, diagnostics: Diagnostic[]): void {
  const done = new Set<Definition>();
  const visit = (d: Definition, trail: readonly Definition[]): void => {
    for (const { to, span } of references(d, own, scope)) {
      if (trail.includes(to)) {
        const [code, message] =
          to.what === 'def'
            ? ['PEFT0222', `${to.name.text} calls itself: the language has no recursion`]
            : ['PEFT0242', `module ${to.name.text} stands inside itself`];
        diagnostics.push({ code, severity: 'error', span, message });
      } else if (!done.has(to)) visit(to, [...trail, to]);
    }
    done.add(d);
  };
  for (const d of own) if (!done.has(d)) visit(d, [d]);
}

/** Calls of the file's own functions by a function, and of its own modules by the parts of a module. */
function references(d: Definition, own: readonly Definition[], scope: Scope): Reference[] {
  const found: Reference[] = [];
  const local = new Set(d.params.map((p) => p.name.text));
  const calls = (expr: Expr): void => {
    if (expr.kind === 'call' && expr.callee.kind === 'name' && !local.has(expr.callee.name)) {
      const value = scope.lookup(qualified(d.what, expr.callee.name));
      const to = value?.kind === 'definition' ? own.find((o) => o === value.definition) : undefined;
      if (to !== undefined) found.push({ to, span: expr.span });
    }
    if (expr.kind === 'block') expr.members.forEach(inMember);
    else partsOf(expr).forEach(calls);
  };
  const inMember = (m: Member): void => {
    if (m.kind === 'let' || m.kind === 'assign' || m.kind === 'part') calls(m.value);
    else if (m.kind === 'expr') calls(m.expr);
    else if (m.kind === 'require') calls(m.condition);
    else if (m.kind === 'for') {
      calls(m.over);
      m.members.forEach(inMember);
    }
  };
  const members = d.body.kind === 'block' ? d.body.members : [];
  if (d.what === 'def') {
    if (d.body.kind === 'expr') calls(d.body.expr);
    members.forEach(inMember);
  } else if (d.what === 'module') members.forEach((m) => (m.kind === 'part' ? calls(m.value) : undefined));
  return found;
}
