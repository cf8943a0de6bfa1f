/**
 * @file Linearity: whether a value is a linear function of one node, everything else held fixed.
 */
import { at, type NodeId } from '../ops/op.js';
import { uniformValue, type GraphBuilder } from './builder.js';

/** How a value depends on the node: not at all, linearly, or in another way. */
type Dependence = 'none' | 'linear' | 'other';

/** Whether `root` is linear in `x`: twice x gives twice the value, and 0 gives 0. */
export function isLinearIn(g: Pick<GraphBuilder, 'node'>, root: NodeId, x: NodeId): boolean {
  const memo = new Map<NodeId, Dependence>([[x, 'linear']]);
  const isZero = (id: NodeId): boolean => uniformValue(g, id) === 0;

  function of(id: NodeId): Dependence {
    const known = memo.get(id);
    if (known !== undefined) return known;
    const node = g.node(id);
    const parts = node.inputs.map(of);
    const value = parts.every((p) => p === 'none') ? 'none' : parts.includes('other') ? 'other' : combine(node.op, node.inputs, parts);
    memo.set(id, value);
    return value;
  }

  /** Of an op with at least one linear operand and no other than linear and fixed ones. */
  function combine(op: string, inputs: readonly NodeId[], parts: readonly Dependence[]): Dependence {
    const [first, second] = parts;
    switch (op) {
      case 'add':
      case 'sub':
        return parts.every((p, i) => p === 'linear' || isZero(at(inputs, i))) ? 'linear' : 'other';
      case 'mul':
      case 'matmul':
        return first === 'linear' && second === 'linear' ? 'other' : 'linear';
      case 'div':
      case 'gather':
        return second === 'none' ? 'linear' : 'other';
      case 'scatter_add':
        return first === 'none' ? 'linear' : 'other';
      case 'select':
        return first === 'none' && parts.slice(1).every((p, i) => p === 'linear' || isZero(at(inputs, i + 1))) ? 'linear' : 'other';
      case 'neg':
      case 'sum':
      case 'reshape':
      case 'permute':
      case 'broadcast':
      case 'slice':
      case 'flip':
      case 'pad':
      case 'stop_gradient':
        return 'linear';
      default:
        return 'other';
    }
  }

  return of(root) === 'linear';
}
