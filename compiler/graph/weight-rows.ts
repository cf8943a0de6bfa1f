/**
 * @file Rows of a matrix expression by index. Only the rows that are asked for are computed: what is done to every row alone is done
 * to those,   gather(W + A @ B, ids) = gather(W, ids) + gather(A, ids) @ B.
 */
import { at, type Attrs, type NodeId } from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';
import type { GraphBuilder } from './builder.js';

/** How nodes are added, simplified on the way. */
export type Emit = (op: OpName, inputs: readonly NodeId[], attrs?: Attrs) => NodeId;

/** The rows `ids` of a matrix [rows, width], as [...ids, width]. */
export function gatherRows(g: GraphBuilder, emit: Emit, table: NodeId, ids: NodeId): NodeId {
  const shape = g.node(ids).shape;
  const rows = at(g.node(table).shape, 0);
  const count = shape.reduce((a, b) => a * b, 1);
  const flat = shape.length === 1 ? ids : emit('reshape', [ids], { shape: [count] });
  const memo = new Map<NodeId, NodeId>();

  /** The rows of a node whose first axis is that of the table. */
  function of(id: NodeId): NodeId {
    const known = memo.get(id);
    if (known !== undefined) return known;
    const made = make(id);
    memo.set(id, made);
    return made;
  }

  function make(id: NodeId): NodeId {
    const node = g.node(id);
    const own = [count, ...node.shape.slice(1)];
    const [first] = node.inputs;
    switch (node.op) {
      case 'iota':
        if (node.attrs['axis'] !== 0)
          return emit('broadcast', [emit('iota', [], { ...node.attrs, shape: [1, ...node.shape.slice(1)] })], { shape: own });
        return node.shape.length === 1
          ? node.dtype === 'i32'
            ? flat
            : emit('cast', [flat], { dtype: 'f32' })
          : emit('gather', [id, flat]);
      case 'broadcast': {
        const from = g.node(first as NodeId).shape;
        return emit('broadcast', [at(from, 0) === rows ? of(first as NodeId) : (first as NodeId)], { shape: own });
      }
      case 'reshape': {
        // Axes of size 1 after the first come and go; everything else mixes rows.
        const from = g.node(first as NodeId).shape;
        const same =
          at(from, 0) === rows &&
          node.shape[0] === rows &&
          from
            .slice(1)
            .filter((n) => n !== 1)
            .join() ===
            node.shape
              .slice(1)
              .filter((n) => n !== 1)
              .join();
        return same ? emit('reshape', [of(first as NodeId)], { shape: own }) : emit('gather', [id, flat]);
      }
      case 'sum':
      case 'amax': {
        const axes = node.attrs['axes'] as readonly number[];
        return axes.includes(0) ? emit('gather', [id, flat]) : emit(node.op, [of(first as NodeId)], { axes });
      }
      case 'permute': {
        // Rows of (l r)ᵀ = rᵀ lᵀ.
        const inner = g.node(first as NodeId);
        if (inner.op !== 'matmul' || inner.shape.length !== 2) return emit('gather', [id, flat]);
        const [l, r] = inner.inputs as readonly [NodeId, NodeId];
        return emit('matmul', [of(emit('permute', [r], { perm: [1, 0] })), emit('permute', [l], { perm: [1, 0] })]);
      }
      case 'matmul':
        return node.shape.length === 2 ? emit('matmul', [of(first as NodeId), at(node.inputs, 1)]) : emit('gather', [id, flat]);
      default:
        return ops[node.op].kind === 'elementwise' ? emit(node.op, node.inputs.map(of), node.attrs) : emit('gather', [id, flat]);
    }
  }

  const found = of(table);
  return shape.length === 1 ? found : emit('reshape', [found], { shape: [...shape, at(g.node(table).shape, 1)] });
}
