/**
 * @file Rule: one algebraic identity of the simplifier. A rule looks at an op about to be made, whose operands are already
 * simple, and gives an equal node or nothing. It makes what it needs through `emit`, which applies the rules again.
 */
import { at, elements, type Attrs, type DType, type NodeId } from '../ops/op.js';
import type { OpName } from '../ops/ops.js';
import { uniformValue, type GraphBuilder } from './builder.js';
import type { Node } from './graph.js';

/** The op about to be made. */
export interface Candidate {
  readonly op: OpName;
  readonly inputs: readonly NodeId[];
  readonly attrs: Attrs;
  /** Type of its result. */
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What a rule may use. */
export interface Rewriter {
  readonly g: GraphBuilder;
  /** Makes a node after simplifying it. */
  emit(op: OpName, inputs: readonly NodeId[], attrs?: Attrs): NodeId;
  /** Whether a node is known to have one use only, so that moving its work costs nothing. */
  usedOnce(id: NodeId): boolean;
}

/** An identity: an equal node, or undefined where it does not apply. */
export type Rule = (r: Rewriter, c: Candidate) => NodeId | undefined;

/** The operand `index` as a node. */
export const operand = (r: Rewriter, c: Candidate, index = 0): Node => r.g.node(at(c.inputs, index));

/** The number that operand `index` is everywhere, if it is one. */
export const uniformOperand = (r: Rewriter, c: Candidate, index: number): number | undefined => uniformValue(r.g, at(c.inputs, index));

/** The candidate's shape filled with a number. */
export const filled = (r: Rewriter, c: Candidate, value: number): NodeId => r.g.constant(value === 0 ? 0 : value, c.shape, c.dtype);

/** A node under another shape; nothing is made where it has it. */
export function reshaped(r: Rewriter, node: NodeId, shape: readonly number[]): NodeId {
  return r.emit('reshape', [node], { shape });
}

/** What a node repeats: the operand of a broadcast with its shape, one element where all are equal, else the node itself. */
export function source(r: Rewriter, node: NodeId): { readonly node: NodeId; readonly shape: readonly number[] } {
  const own = r.g.node(node);
  if (own.op === 'broadcast') return { node: at(own.inputs, 0), shape: r.g.node(at(own.inputs, 0)).shape };
  return { node, shape: own.shape };
}

/** The axes of two shapes that differ by axes of size 1 only, in pairs; undefined where they differ by more. */
export function matchedAxes(from: readonly number[], to: readonly number[]): (readonly [from: number, to: number])[] | undefined {
  const dense = (shape: readonly number[]): number[] => shape.flatMap((n, i) => (n === 1 ? [] : [i]));
  const [a, b] = [dense(from), dense(to)];
  if (a.length !== b.length || a.some((axis, i) => at(from, axis) !== at(to, at(b, i)))) return undefined;
  return a.map((axis, i) => [axis, at(b, i)]);
}

/** Whether a shape has one element. */
export const isSingle = (shape: readonly number[]): boolean => elements(shape) === 1;
