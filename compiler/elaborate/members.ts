/**
 * @file Members of modules: parameters, tensors, parts, values and functions, evaluated when they are first asked for.
 *
 * The contract between a module and the adapters that act on it: the module calls its weight `W`. Inside the module `W` is the
 * effective weight where an adapter sits on it; from outside (`words.W`) it is the base weight.
 */
import type { Span } from '../../grammar/diagnostics.js';
import type { Elaboration } from './elaboration.js';
import type { ModuleInstance, StorageInstance } from './instance.js';
import { suggest } from './nearest.js';
import { lazyScope, type Scope } from './scope.js';
import { stop } from './stop.js';
import { graphOf } from './tensors.js';
import type { FunctionValue, Value } from './value.js';
import type { Member } from '../../grammar/ast.js';

/** The name by which modules and adapters agree on the weight. */
export const weightName = 'W';

/** Names a block of members defines. */
export function memberNames(members: readonly Member[]): string[] {
  const names: string[] = [];
  for (const m of members) if (m.kind === 'let' || m.kind === 'assign' || m.kind === 'function') names.push(m.name.text);
  return names;
}

/** A member of a block: a function closed over the scope, or a value evaluated now. Undefined where there is none. */
export function evaluateMember(e: Elaboration, members: readonly Member[], name: string, scope: Scope): Value | undefined {
  for (const m of members) {
    if ((m.kind === 'let' || m.kind === 'assign') && m.name.text === name) return e.interpreter.evaluate(e, m.value, scope);
    if (m.kind === 'function' && m.name.text === name) {
      return {
        kind: 'function',
        name,
        params: m.params,
        ...(m.result ? { result: m.result } : {}),
        body: m.body,
        scope,
      } satisfies FunctionValue;
    }
  }
  return undefined;
}

/** Evaluates `compute` once for each owner and name; a value that needs itself is an error. */
export function once(e: Elaboration, owner: object, name: string, span: Span, compute: () => Value | undefined): Value | undefined {
  let memo = e.memo.get(owner);
  if (memo === undefined) e.memo.set(owner, (memo = new Map()));
  const known = memo.get(name);
  if (known !== undefined) return known;
  let active = e.active.get(owner);
  if (active === undefined) e.active.set(owner, (active = new Set()));
  if (active.has(name)) stop('PEFT0229', span, `${name} is defined by itself`);
  active.add(name);
  try {
    const value = compute();
    if (value !== undefined) memo.set(name, value);
    return value;
  } finally {
    active.delete(name);
  }
}

/** The node of a tensor of a module or an adapter. */
export function storageNode(e: Elaboration, storage: StorageInstance, span: Span): Value {
  const format = e.formats.get(storage);
  if (format !== undefined) return e.interpreter.decoded(e, format, span);
  return {
    kind: 'tensor',
    node: graphOf(e, span).add('tensor', [], { name: storage.keys[0] as string, shape: storage.shape, dtype: storage.dtype }),
  };
}

/** What the definition of a module sees: its own names, then what its file sees. */
export function moduleScope(e: Elaboration, instance: ModuleInstance, inside = true): Scope {
  const names = [
    ...instance.params.keys(),
    ...instance.storage.map((s) => s.name),
    ...instance.parts.keys(),
    ...memberNames(instance.members),
  ];
  return lazyScope(
    names,
    (name) => (inside && name === weightName && e.adapters.has(instance) ? effective(e, instance) : ownMember(e, instance, name, inside)),
    e.outer.get(instance) ?? instance.globals,
  );
}

function effective(e: Elaboration, instance: ModuleInstance): Value | undefined {
  const base = ownMember(e, instance, weightName);
  return base?.kind === 'tensor' ? { kind: 'effective', base: base.node, site: instance, transposed: false } : base;
}

function ownMember(e: Elaboration, instance: ModuleInstance, name: string, replace = true): Value | undefined {
  const span = instance.definition.name.span;
  const replaced = replace ? e.interpreter.replaced(e, instance, name) : undefined;
  if (replaced !== undefined) return replaced;
  return once(e, instance, name, span, () => {
    const param = instance.params.get(name);
    if (param !== undefined) return param;
    const storage = instance.storage.find((s) => s.name === name);
    if (storage !== undefined) return storageNode(e, storage, span);
    const part = instance.parts.get(name);
    if (part !== undefined) {
      return Array.isArray(part)
        ? { kind: 'list', items: (part as readonly ModuleInstance[]).map((one) => ({ kind: 'module' as const, instance: one })) }
        : { kind: 'module', instance: part as ModuleInstance };
    }
    // The weight a module defines by a `let` is its base weight: the scope below must not hand out the effective one again.
    return evaluateMember(e, instance.members, name, name === weightName ? moduleScope(e, instance, false) : moduleScope(e, instance));
  });
}

/** A member of a module as it is without the adapter on it. */
export const baseMember = (e: Elaboration, instance: ModuleInstance, name: string): Value | undefined =>
  ownMember(e, instance, name, false);

/** `module.name` from outside. */
export function memberOf(e: Elaboration, instance: ModuleInstance, name: string, span: Span): Value {
  if (name === weightName && e.adapters.has(instance)) e.borrowed.add(instance);
  const value = ownMember(e, instance, name);
  if (value !== undefined) return value;
  const names = [...instance.parts.keys(), ...instance.storage.map((s) => s.name), ...memberNames(instance.members)];
  return stop('PEFT0227', span, `${instance.definition.name.text} has no member ${name}`, suggest(name, span, names, 'it has'));
}
