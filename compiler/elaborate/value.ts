/**
 * @file Values of the language while it is elaborated: numbers with units, strings, lists, records, functions, modules,
 * tensors of the graph under construction, and numbers that only the host will know while it runs (`host`).
 */
import type { Definition, Expr, Member, Param, TypeExpr } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { NodeId } from '../graph/graph.js';
import type { ScalarExpr } from '../plan/program.js';
import type { ModuleInstance } from './instance.js';
import type { Scope } from './scope.js';

/** Units a number may carry; a plain number has none. */
export type Unit = 'ratio' | 'bytes' | 'steps' | 'epochs' | 'tokens';

/** A number with its unit; `integer` says that it was written or computed as a whole number. */
export interface NumberValue {
  readonly kind: 'number';
  readonly value: number;
  readonly integer: boolean;
  readonly unit?: Unit;
}

/** A function defined in the language, closed over its scope. */
export interface FunctionValue {
  readonly kind: 'function';
  readonly name: string;
  readonly params: readonly Param[];
  readonly result?: TypeExpr;
  readonly body: { readonly kind: 'expr'; readonly expr: Expr } | { readonly kind: 'block'; readonly members: readonly Member[] };
  readonly scope: Scope;
}

/** A value of the language. */
export type Value =
  | NumberValue
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'none' }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<string, Value> }
  | { readonly kind: 'tensor'; readonly node: NodeId }
  /** A number that the host computes before each step. */
  | { readonly kind: 'host'; readonly expr: ScalarExpr }
  /** The weight of an adapted site: what it is without the adapter, and the site that says what it becomes. */
  | { readonly kind: 'effective'; readonly base: NodeId; readonly site: ModuleInstance; readonly transposed: boolean }
  | FunctionValue
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'definition'; readonly definition: Definition; readonly scope: Scope }
  | { readonly kind: 'module'; readonly instance: ModuleInstance }
  /** A call of a definition whose meaning is left to who asked for it: a method, an optimiser, a data source. */
  | {
      readonly kind: 'call';
      readonly callee: string;
      /** `Optimizer`, `Schedule`, `Adapter`, `Module`, `Task`; `Table` and `Base` for sources. */ readonly type: string;
      readonly definition?: Definition;
      readonly scope?: Scope;
      readonly args: ReadonlyMap<string, Value>;
      readonly spans: ReadonlyMap<string, Span>;
      readonly span: Span;
    };

/** The value `none`. */
export const none: Value = { kind: 'none' };
/** A whole number. */
export const integer = (value: number): NumberValue => ({ kind: 'number', value, integer: true });
/** A real number. */
export const float = (value: number): NumberValue => ({ kind: 'number', value, integer: false });
/** A truth value. */
export const bool = (value: boolean): Value => ({ kind: 'bool', value });
/** A string. */
export const text = (value: string): Value => ({ kind: 'string', value });
/** A node of the graph as a value. */
export const tensor = (node: NodeId): Value => ({ kind: 'tensor', node });

/** A value in words, for messages. */
export function describe(value: Value): string {
  switch (value.kind) {
    case 'number':
      return showNumber(value);
    case 'string':
      return JSON.stringify(value.value);
    case 'bool':
      return String(value.value);
    case 'none':
      return 'none';
    case 'list':
      return `[${value.items.map(describe).join(', ')}]`;
    case 'record':
      return 'a record';
    case 'tensor':
    case 'effective':
      return 'a tensor';
    case 'host':
      return 'a number of the running step';
    case 'function':
    case 'builtin':
      return `the function ${value.name}`;
    case 'definition':
      return `the ${value.definition.what} ${value.definition.name.text}`;
    case 'module':
      return `the module ${value.instance.path || value.instance.definition.name.text}`;
    case 'call':
      return `${value.callee}(…)`;
    default:
      return value satisfies never;
  }
}

/** A number as one would write it: `10%`, `8 GiB`, `100 steps`. */
export function showNumber(n: NumberValue): string {
  switch (n.unit) {
    case undefined:
      return String(n.value);
    case 'ratio':
      return `${Number((n.value * 100).toPrecision(12))}%`;
    case 'bytes':
      return showBytes(n.value);
    case 'steps':
    case 'epochs':
    case 'tokens':
      return `${n.value} ${n.unit}`;
    default:
      return n.unit satisfies never;
  }
}

/** Bytes in the largest binary unit that leaves a number of at least 1. */
export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 ? value : Number(value.toFixed(value < 10 ? 2 : 1))} ${units[at]}`;
}

/** The name of the kind of a value, as types are written. */
export function kindName(value: Value): string {
  switch (value.kind) {
    case 'number':
      return value.unit === undefined ? (value.integer ? 'Int' : 'Float') : unitTypes[value.unit];
    case 'string':
      return 'String';
    case 'bool':
      return 'Bool';
    case 'record':
      return 'Record';
    case 'list':
      return 'List';
    case 'call':
      return value.type;
    default:
      return describe(value);
  }
}

/** Type name of each unit. */
export const unitTypes: Readonly<Record<Unit, string>> = {
  ratio: 'Ratio',
  bytes: 'Bytes',
  steps: 'Steps',
  epochs: 'Epochs',
  tokens: 'Tokens',
};

/** Words that may follow a number: their unit and the factor on the number. */
export const unitWords: Readonly<Record<string, { readonly unit: Unit; readonly factor: number }>> = {
  '%': { unit: 'ratio', factor: 0.01 },
  B: { unit: 'bytes', factor: 1 },
  kB: { unit: 'bytes', factor: 1e3 },
  MB: { unit: 'bytes', factor: 1e6 },
  GB: { unit: 'bytes', factor: 1e9 },
  KiB: { unit: 'bytes', factor: 1024 },
  MiB: { unit: 'bytes', factor: 1024 ** 2 },
  GiB: { unit: 'bytes', factor: 1024 ** 3 },
  step: { unit: 'steps', factor: 1 },
  steps: { unit: 'steps', factor: 1 },
  epoch: { unit: 'epochs', factor: 1 },
  epochs: { unit: 'epochs', factor: 1 },
  token: { unit: 'tokens', factor: 1 },
  tokens: { unit: 'tokens', factor: 1 },
};
