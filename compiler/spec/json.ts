/**
 * @file Values of the language as the JSON of a Spec.
 */
import type { BoundDefinition } from '../elaborate/instance.js';
import { describe, type Value } from '../elaborate/value.js';
import type { CallSpec, Json, Origin } from './spec.js';

/** A compile-time value as JSON. A share is a plain number; other units are named, so that `1 step` is not `100%`. */
export function toJson(value: Value): Json {
  switch (value.kind) {
    case 'number':
      return value.unit === undefined || value.unit === 'ratio' ? value.value : { count: value.value, unit: value.unit };
    case 'string':
    case 'bool':
      return value.value;
    case 'none':
      return null;
    case 'list':
      return value.items.map(toJson);
    case 'record':
      return Object.fromEntries([...value.fields].map(([k, v]) => [k, toJson(v)]));
    case 'call':
      return { name: value.callee, args: jsonArgs(value.args) };
    default:
      return describe(value);
  }
}

/** Arguments by name as JSON. */
export const jsonArgs = (args: ReadonlyMap<string, Value>): { [name: string]: Json } =>
  Object.fromEntries([...args].map(([name, value]) => [name, toJson(value)]));

/** A call as JSON. */
export const callSpec = (b: BoundDefinition): CallSpec => ({ name: b.definition.name.text, args: jsonArgs(b.args) });

/** Notes where each argument of a call comes from, under the path of the arguments in the Spec. */
export function argumentOrigins(origins: Record<string, Origin>, path: string, bound: BoundDefinition): void {
  for (const name of bound.args.keys()) {
    const span = bound.spans.get(name);
    origins[`${path}.${name}`] = span === undefined ? { kind: 'default', of: bound.definition.name.text } : { kind: 'written', span };
  }
}

/** A path in a Spec with one more key; a key that is no plain word stands in quotation marks. */
export const joinKey = (path: string, key: string): string =>
  path === '' ? key : `${path}.${/^[\w-]+$/.test(key) ? key : JSON.stringify(key)}`;
