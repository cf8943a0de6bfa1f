/**
 * @file Graph: a hash-consed DAG of primitive ops with static shapes; the middle of the compiler.
 *
 * Invariants: `nodes` is topologically sorted (every input has a smaller index); two nodes with the same op, inputs and
 * attributes are one node; shapes are static and positive; elementwise ops have inputs of one shape (broadcasting is
 * explicit); a graph is never mutated once `finish` has returned it. It knows no buffers, layouts or devices.
 */
import type { Attrs, NodeId, ValueType } from '../ops/op.js';
import type { OpName } from '../ops/ops.js';

export type { AttrValue, Attrs, DType, NodeId, ValueType } from '../ops/op.js';

/** One value: the op that makes it, its operands, and its type. */
export interface Node extends ValueType {
  readonly op: OpName;
  readonly inputs: readonly NodeId[];
  readonly attrs: Attrs;
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

/** A finished graph. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
}
