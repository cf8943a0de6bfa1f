/**
 * @file Instantiation: a model definition and a configuration become a tree of modules with shapes, checkpoint names and
 * roles. Only numbers are computed here.
 */
import type { Definition, Expr, Member } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { createElaboration, type Elaboration } from './elaboration.js';
import { unknownArgument, type EvaluatedArgument } from './arguments.js';
import { bindParams, evaluate, evaluateArguments, requireHolds } from './evaluate.js';
import type { ModuleInstance, RolePart, StorageInstance } from './instance.js';
import { moduleScope } from './members.js';
import { namesIn } from './names.js';
import { scopeOf, type Scope } from './scope.js';
import { holds, storageOf } from './storage.js';
import { attempt, stop, stopWith, told, unread } from './stop.js';
import { checkParam, hasType, showType } from './types.js';
import { describe, float, integer, none, text, type Value } from './value.js';

/** A JSON value, as `config.json` holds it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Place {
  readonly path: string;
  readonly roles: readonly (readonly RolePart[])[];
  readonly fresh: boolean;
  /** Definitions of the modules around: none may stand inside itself. */
  readonly inside: readonly Definition[];
}

const root: Place = { path: '', roles: [[]], fresh: false, inside: [] };

/** A module of a definition with bound parameters, and everything below it. */
function instantiate(
  e: Elaboration,
  definition: Definition,
  params: ReadonlyMap<string, Value>,
  globals: Scope,
  place: Place,
  extra: readonly Member[] = [],
): ModuleInstance {
  const members = [...(definition.body.kind === 'block' ? definition.body.members : []), ...extra];
  const storage: StorageInstance[] = [];
  const parts = new Map<string, ModuleInstance | readonly ModuleInstance[]>();
  const instance: ModuleInstance = {
    definition,
    path: place.path,
    params,
    kinds: kindsOf(e, definition, params, globals),
    roles: place.roles,
    storage,
    parts,
    fresh: place.fresh,
    members,
    globals,
  };
  const scope = moduleScope(e, instance);
  for (const m of members) {
    switch (m.kind) {
      case 'require':
        requireHolds(e, m, scope);
        break;
      case 'storage':
        if (m.when === undefined || holds(e, m.when, scope)) storage.push(storageOf(e, m, scope, place.path));
        break;
      case 'part':
        if (m.when === undefined || holds(e, m.when, scope)) parts.set(m.name.text, partOf(e, m, scope, place));
        break;
      case 'error':
        unread(m.span);
        break;
      default:
        break;
    }
  }
  return instance;
}

function kindsOf(
  e: Elaboration,
  definition: Definition,
  params: ReadonlyMap<string, Value>,
  globals: Scope,
  below: readonly Definition[] = [],
): ModuleInstance['kinds'] {
  const own = { name: definition.name.text, args: definition.params.map((p) => params.get(p.name.text) ?? none) };
  if (definition.is === undefined) return [own];
  if (definition.is.kind !== 'call' || definition.is.callee.kind !== 'name')
    return stop('PEFT0231', definition.is.span, 'is needs a module with its parameters');
  if (below.includes(definition)) return stop('PEFT0242', definition.is.span, `${definition.name.text} is a kind of itself`);
  const scope = scopeOf(params, globals);
  const parent = scope.lookup(definition.is.callee.name);
  if (parent?.kind !== 'definition' || parent.definition.what !== 'module')
    return stop('PEFT0231', definition.is.span, `${definition.is.callee.name} is not a module`);
  const bound = bindParams(
    e,
    parent.definition.name.text,
    parent.definition.params,
    evaluateArguments(e, definition.is.args, scope),
    parent.scope,
    definition.is.span,
  );
  const values = new Map(parent.definition.params.map((p) => [p.name.text, bound.lookup(p.name.text) ?? none] as const));
  return [own, ...kindsOf(e, parent.definition, values, parent.scope, [...below, definition])];
}

type Part = Extract<Member, { kind: 'part' }>;

/** No model has so many layers; a configuration that says so is broken. */
const mostParts = 4096;

function partOf(e: Elaboration, m: Part, scope: Scope, place: Place): ModuleInstance | readonly ModuleInstance[] {
  const make = (inner: Scope, index?: number): ModuleInstance => {
    const value = evaluate(e, m.value, inner);
    if (value.kind !== 'call' || value.definition?.what !== 'module')
      return stop('PEFT0231', m.value.span, `a part is a module, not ${describe(value)}`);
    const foreign = m.foreign?.value.replace(/\{(\w+)\}/g, (_w, name: string) => describe(inner.lookup(name) ?? none)) ?? m.name.text;
    const path = place.path === '' ? foreign : foreign === '' ? place.path : `${place.path}.${foreign}`;
    const steps = m.role ?? [];
    const own = steps.length === 0 ? [[]] : cross(steps.map((s) => s.names.map((n) => n.text)));
    const roles = place.roles.flatMap((outer) =>
      own.map((names) => [
        ...outer,
        ...names.map((name, i): RolePart => (index !== undefined && i === names.length - 1 ? { name, index } : { name })),
      ]),
    );
    const definition = value.definition;
    if (place.inside.includes(definition)) return stop('PEFT0242', m.value.span, `module ${definition.name.text} stands inside itself`);
    const globals = definitionScope(inner, m.value, definition);
    return instantiate(e, definition, value.args, globals, {
      path,
      roles,
      fresh: place.fresh || m.fresh,
      inside: [...place.inside, definition],
    });
  };
  if (m.index === undefined) return make(scope);
  const count = evaluate(e, m.index.count, scope);
  if (count.kind !== 'number' || !Number.isInteger(count.value) || count.value < 1)
    return stop('PEFT0305', m.index.count.span, `a number of parts must be a whole number of at least 1, not ${describe(count)}`);
  if (count.value > mostParts)
    return stop('PEFT0305', m.index.count.span, `${count.value} parts are more than a model may have`, { help: `at most ${mostParts}` });
  return Array.from({ length: count.value }, (_, i) =>
    make(scopeOf(new Map([[(m.index as NonNullable<Part['index']>).name.text, integer(i)]]), scope), i),
  );
}

/** The scope a called definition was written in. */
function definitionScope(scope: Scope, call: Expr, definition: Definition): Scope {
  const callee = call.kind === 'call' && call.callee.kind === 'name' ? scope.lookup(call.callee.name) : undefined;
  return callee?.kind === 'definition' && callee.definition === definition ? callee.scope : scope;
}

const cross = (steps: readonly (readonly string[])[]): string[][] =>
  steps.reduce<string[][]>((all, names) => all.flatMap((prefix) => names.map((n) => [...prefix, n])), [[]]);

/** A model for a task: parameters from `config.json`, overridden by the experiment, with the parts that the task adds. */
export function instantiateModel(
  definition: Definition,
  globals: Scope,
  config: { readonly [key: string]: Json },
  overrides: readonly EvaluatedArgument[],
  task: { readonly name: string; readonly args: ReadonlyMap<string, Value>; readonly span: Span } | undefined,
  configName: string,
  at: Span,
): ModuleInstance {
  const e = createElaboration(undefined, { training: false });
  const known = definition.params.map((p) => p.name.text);
  const faults: Diagnostic[] = [];
  for (const o of overrides)
    attempt(faults, () => {
      if (o.name === undefined) stop('PEFT0234', o.span, 'an override needs a name', { help: 'write name: value' });
      if (!known.includes(o.name as string)) unknownArgument(`model ${definition.name.text}`, o, known);
    });
  const params = new Map<string, Value>();
  const scope = scopeOf(params, globals);
  for (const p of definition.params) {
    const name = p.name.text;
    const override = overrides.find((o) => o.name === name);
    // A default may be computed from what is wrong.
    if (override === undefined && faults.length > 0) continue;
    let value: Value;
    if (override !== undefined) value = override.value;
    else if (name in config && !(config[name] === null && p.default !== undefined && !(p.type !== undefined && hasType(none, p.type))))
      value = fromJson(config[name] as Json, p.type ? showType(p.type) : '');
    else if (p.default !== undefined) value = evaluate(e, p.default, scope);
    else
      value = stop('PEFT0501', at, `${configName} has no ${name}, which model ${definition.name.text} needs`, {
        notes: [{ message: `${name} is declared here`, span: p.span }],
      });
    if (override === undefined && p.type !== undefined && !hasType(value, p.type)) {
      stop('PEFT0502', at, `${name} in ${configName} must be ${showType(p.type)}, not ${describe(value)}`, {
        notes: [{ message: `${name} is declared here`, span: p.span }],
      });
    }
    const check = (): void => checkParam(p, value, override?.span ?? at, (bound) => evaluate(e, bound, scope));
    if (override === undefined) check();
    else attempt(faults, check);
    params.set(name, value);
  }
  stopWith(faults);
  const members = definition.body.kind === 'block' ? definition.body.members : [];
  const tasks = members.filter((m): m is Extract<Member, { kind: 'nested' }> => m.kind === 'nested');
  const nested = task === undefined ? undefined : tasks.find((m) => m.name.text === task.name);
  if (task !== undefined && nested === undefined) {
    stop('PEFT0503', task.span, `model ${definition.name.text} cannot ${task.name}`, {
      help: tasks.length > 0 ? `it can ${tasks.map((t) => t.name.text).join(', ')}` : 'it has no tasks',
    });
  }
  for (const [name, value] of task?.args ?? []) params.set(name, value);
  // A rule about what the experiment overrides is told there.
  const place = (d: Diagnostic): Span => {
    const rule = members.find((m): m is Extract<Member, { kind: 'require' }> => m.kind === 'require' && m.span === d.span);
    const names = rule === undefined ? [] : namesIn(rule.condition);
    return overrides.find((o) => o.name !== undefined && names.includes(o.name))?.span ?? at;
  };
  return told(place, () => instantiate(e, definition, params, globals, root, nested?.members ?? []));
}

/** A JSON value as a value of the language; a number is a share where the type wants one. */
function fromJson(json: Json, type: string): Value {
  if (json === null) return none;
  if (typeof json === 'boolean') return { kind: 'bool', value: json };
  if (typeof json === 'string') return text(json);
  if (typeof json === 'number') {
    if (type.split(' or ').includes('Ratio')) return { kind: 'number', value: json, integer: false, unit: 'ratio' };
    return Number.isInteger(json) ? integer(json) : float(json);
  }
  if (isList(json)) return { kind: 'list', items: json.map((item) => fromJson(item, '')) };
  return { kind: 'record', fields: new Map(Object.entries(json).map(([key, value]) => [key, fromJson(value, '')])) };
}

const isList = (json: Json): json is readonly Json[] => Array.isArray(json);
