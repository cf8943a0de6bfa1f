/**
 * @file Scopes: where a name is looked up. A scope answers a name itself or asks its parent; it may compute the answer
 * when it is first asked (members of modules and tasks are evaluated on demand).
 */
import type { DefinitionKind } from '../../grammar/ast.js';
import type { Value } from './value.js';

/** Where names are looked up. */
export interface Scope {
  /** The value of a name, or undefined where nobody knows it. */
  readonly lookup: (name: string) => Value | undefined;
  /** Every name visible here, for suggestions. */
  readonly names: () => readonly string[];
}

/** A scope that knows nothing. */
export const emptyScope: Scope = { lookup: () => undefined, names: () => [] };

/** A scope over fixed values. */
export function scopeOf(values: ReadonlyMap<string, Value>, parent: Scope): Scope {
  return {
    lookup: (name) => values.get(name) ?? parent.lookup(name),
    names: () => [...values.keys(), ...parent.names()],
  };
}

/** A scope whose own names are computed on demand. */
export function lazyScope(own: readonly string[], compute: (name: string) => Value | undefined, parent: Scope): Scope {
  const known = new Set(own);
  return {
    lookup: (name) => (known.has(name) ? compute(name) : undefined) ?? parent.lookup(name),
    names: () => [...own, ...parent.names()],
  };
}

/** A scope whose names can be given new values (`let`, and `x = …` in function bodies). */
export interface LocalScope extends Scope {
  readonly define: (name: string, value: Value) => void;
  /** False where the name was not defined in this scope or a local scope around it. */
  readonly assign: (name: string, value: Value) => boolean;
}

/** A local scope inside another one. */
export function localScope(parent: Scope | LocalScope): LocalScope {
  const values = new Map<string, Value>();
  return {
    lookup: (name) => values.get(name) ?? parent.lookup(name),
    names: () => [...values.keys(), ...parent.names()],
    define: (name, value) => void values.set(name, value),
    assign: (name, value) => {
      if (values.has(name)) {
        values.set(name, value);
        return true;
      }
      return 'assign' in parent && parent.assign(name, value);
    },
  };
}

/** A definition is found by its name and by kind and name (`schedule linear`): kinds have namespaces of their own. */
export const qualified = (what: DefinitionKind, name: string): string => `${what} ${name}`;

/** A scope in which a plain name means a definition of one kind first. */
export const preferring = (what: DefinitionKind, scope: Scope): Scope => ({
  lookup: (name) => scope.lookup(qualified(what, name)) ?? scope.lookup(name),
  names: scope.names,
});
