/**
 * @file Elaboration: the state of turning definitions into one graph: the graph under construction, the host scalars it
 * uses, the adapters on its sites, and what has been evaluated already.
 */
import type { Expr } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { GraphBuilder } from '../graph/builder.js';
import type { ScalarExpr } from '../plan/program.js';
import { replacedMember } from './adapter.js';
import type { EvaluatedArgument } from './arguments.js';
import { callFunction, evaluate } from './evaluate.js';
import { decodedWeight, type FormatInstance } from './format.js';
import type { AdapterInstance, ModuleInstance, StorageInstance } from './instance.js';
import type { Scope } from './scope.js';
import type { FunctionValue, Value } from './value.js';

/** How expressions are evaluated and functions run, for what evaluation itself is made of (members, adapters). */
export interface Interpreter {
  readonly evaluate: (e: Elaboration, expr: Expr, scope: Scope) => Value;
  readonly callFunction: (e: Elaboration, f: FunctionValue, args: readonly EvaluatedArgument[], span: Span) => Value;
  /** What the adapter on a module gives in place of one of its members. */
  readonly replaced: (e: Elaboration, module: ModuleInstance, name: string) => Value | undefined;
  /** A weight that stands in memory in fewer bits. */
  readonly decoded: (e: Elaboration, format: FormatInstance, span: Span) => Value;
}

const interpreter: Interpreter = { evaluate, callFunction, replaced: replacedMember, decoded: decodedWeight };

/** The state of one elaboration. */
export interface Elaboration {
  readonly interpreter: Interpreter;
  /** Undefined while only numbers are wanted (reading a configuration, binding parameters). */
  readonly graph: GraphBuilder | undefined;
  /** Whether dropout acts. */
  readonly training: boolean;
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  /** Weights that stand in memory in fewer bits. */
  readonly formats: ReadonlyMap<StorageInstance, FormatInstance>;
  /** Whether the ends of layers are marked, for gradient checkpointing. */
  readonly checkpoints: boolean;
  /** Host scalars by name, in order of first use. */
  readonly hosts: Map<string, ScalarExpr>;
  /** Scope around a module in this elaboration, where it is not the file's: the task that a model runs. */
  readonly outer: Map<ModuleInstance, Scope>;
  /** Modules with an adapter whose weight was used from outside, as it is without the adapter. */
  readonly borrowed: Set<ModuleInstance>;
  /** Values of members already evaluated, by their owner. */
  readonly memo: Map<object, Map<string, Value>>;
  /** Owners and members being evaluated, to find definitions that need themselves. */
  readonly active: Map<object, Set<string>>;
  /** Next stream of random numbers. */
  streams: number;
  /** Bodies of the functions being run: the language has no recursion. */
  readonly running: Set<object>;
}

/** A fresh elaboration. */
export function createElaboration(
  graph: GraphBuilder | undefined,
  options: {
    readonly training: boolean;
    readonly adapters?: ReadonlyMap<ModuleInstance, AdapterInstance>;
    readonly formats?: ReadonlyMap<StorageInstance, FormatInstance>;
    readonly checkpoints?: boolean;
  },
): Elaboration {
  return {
    interpreter,
    graph,
    training: options.training,
    adapters: options.adapters ?? new Map(),
    formats: options.formats ?? new Map(),
    checkpoints: options.checkpoints ?? false,
    hosts: new Map(),
    outer: new Map(),
    borrowed: new Set(),
    memo: new Map(),
    active: new Map(),
    streams: 0,
    running: new Set(),
  };
}
