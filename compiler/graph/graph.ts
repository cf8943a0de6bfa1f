/**
 * @file Graph: a hash-consed DAG of primitive ops with static shapes; the middle of the compiler.
 *
 * Invariants: `nodes` is topologically sorted (every input has a smaller index); two nodes with the same op, inputs and
 * attributes are one node; shapes are static and positive; elementwise ops have inputs of one shape (broadcasting is
 * explicit); a graph is never mutated once `finish` has returned it. It knows no buffers, layouts or devices.
 */
import type { OpName } from '../ops/ops.js';

/** Element type of a value. `f32` means "a real number": the reference computes it in f64. Booleans are f32 0 or 1. */
export type DType = 'f32' | 'i32';

/** Position of a node in `Graph.nodes`. */
export type NodeId = number;

/** A value of a node's attribute. Tables of constants are `Float64Array`. */
export type AttrValue = number | string | readonly number[] | Float64Array;
export type Attrs = Readonly<Record<string, AttrValue>>;

export interface Node {
  readonly op: OpName;
  readonly inputs: readonly NodeId[];
  readonly attrs: Attrs;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A named result. `mode` says what becomes of it: `value` is read by the caller, `assign` replaces the persistent tensor
 * `tensor`, `accumulate` is added to it. */
export interface Output {
  readonly name: string;
  readonly node: NodeId;
  readonly mode: 'value' | 'assign' | 'accumulate';
  /** For assign and accumulate: name of the persistent tensor. */
  readonly tensor?: string;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
}
