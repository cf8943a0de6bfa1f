/**
 * @file Split: tables too large for one binding become several of fewer rows. Graph → Graph of the same values, in which every
 * use of a split tensor T = [T₀; T₁; …] is written over its parts:
 *
 *     gather(T, ids) = Σ where(ids in part i, gather(Tᵢ, ids - fromᵢ), 0)      x @ Tᵀ = [x @ T₀ᵀ, x @ T₁ᵀ, …]
 *     x @ T = Σ x[:, part i] @ Tᵢ                                              T @ y = [T₀ @ y; T₁ @ y; …]
 */
import type { GraphBuilder } from './builder.js';
import { createGraph } from './builder.js';
import type { Graph, Node, NodeId } from './graph.js';

/** Rows [from, to) of a split tensor, as a tensor of its own. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The parts of a table of `rows` rows, each of at most `most` rows. */
export function partsOf(name: string, rows: number, most: number): Part[] {
  const count = Math.ceil(rows / most);
  const each = Math.ceil(rows / count);
  return Array.from({ length: count }, (_, i) => ({ name: `${name}#${i}`, from: i * each, to: Math.min(rows, (i + 1) * each) }));
}

/** The graph over parts; `unsplit` names a tensor whose use cannot be written over parts. */
export function splitTensors(
  graph: Graph,
  parts: ReadonlyMap<string, readonly Part[]>,
): { readonly graph: Graph } | { readonly unsplit: string } {
  if (parts.size === 0 || !graph.nodes.some((n) => n.op === 'tensor' && parts.has(n.attrs['name'] as string))) return { graph };
  const g = createGraph();
  const next: NodeId[] = [];
  /** Nodes that stand for a split tensor, or for its transpose. */
  const split = new Map<NodeId, { readonly name: string; readonly transposed: boolean; readonly width: number }>();
  let unsplit: string | undefined;
  graph.nodes.forEach((node, id) => {
    const own = node.op === 'tensor' ? parts.get(node.attrs['name'] as string) : undefined;
    if (own !== undefined) {
      split.set(id, { name: node.attrs['name'] as string, transposed: false, width: node.shape[1] as number });
      next[id] = -1;
      return;
    }
    const first = split.get(node.inputs[0] as NodeId);
    if (node.op === 'permute' && first !== undefined && String(node.attrs['perm']) === '1,0') {
      split.set(id, { ...first, transposed: !first.transposed });
      next[id] = -1;
      return;
    }
    const used = node.inputs.find((i) => split.has(i));
    if (used === undefined) {
      next[id] = g.add(
        node.op,
        node.inputs.map((i) => next[i] as NodeId),
        node.attrs,
      );
      return;
    }
    const table = split.get(used) as { name: string; transposed: boolean; width: number };
    const made = use(g, node, used, table, parts.get(table.name) as readonly Part[], next);
    if (made === undefined) unsplit = table.name;
    next[id] = made ?? 0;
  });
  if (unsplit !== undefined) return { unsplit };
  const whole = graph.outputs.find((o) => split.has(o.node));
  if (whole !== undefined) return { unsplit: (split.get(whole.node) as { name: string }).name };
  return { graph: g.finish(graph.outputs.map((o) => ({ ...o, node: next[o.node] as NodeId }))) };
}

function use(
  g: GraphBuilder,
  node: Node,
  used: NodeId,
  table: { readonly name: string; readonly transposed: boolean; readonly width: number },
  parts: readonly Part[],
  next: readonly NodeId[],
): NodeId | undefined {
  const tensor = (p: Part): NodeId => g.add('tensor', [], { name: p.name, shape: [p.to - p.from, table.width], dtype: 'f32' });
  const sum = (nodes: readonly NodeId[]): NodeId => nodes.reduce((a, b) => g.add('add', [a, b]));
  const total = (parts[parts.length - 1] as Part).to;
  const joined = (axis: number, make: (p: Part) => NodeId): NodeId =>
    sum(parts.map((p) => g.add('pad', [make(p)], { axis, before: p.from, after: total - p.to })));
  const [left, right] = node.inputs as readonly [NodeId, NodeId];
  if (node.op === 'gather' && left === used && right !== used && !table.transposed) {
    const { shape } = g.node(next[right] as NodeId);
    const whole = (n: number): NodeId => g.constant(n, shape, 'i32');
    // Indices outside the table are clamped to it, before they are to any part.
    const ids = g.add('min', [g.add('max', [next[right] as NodeId, whole(0)]), whole(total - 1)]);
    return sum(
      parts.map((p) => {
        const local = g.add('sub', [ids, whole(p.from)]);
        const inside = g.add('mul', [
          g.add('sub', [g.constant(1, shape), g.add('less', [local, whole(0)])]),
          g.add('less', [local, whole(p.to - p.from)]),
        ]);
        const row = g.add('min', [g.add('max', [local, whole(0)]), whole(p.to - p.from - 1)]);
        const rows = g.add('gather', [tensor(p), row]);
        const wide = g.add('broadcast', [g.add('reshape', [inside], { shape: [...shape, 1] })], { shape: [...shape, table.width] });
        return g.add('select', [wide, rows, g.constant(0, [...shape, table.width])]);
      }),
    );
  }
  if (node.op !== 'matmul' || left === right || node.shape.length !== 2) return undefined;
  const oriented = (p: Part): NodeId => (table.transposed ? g.transpose(tensor(p)) : tensor(p));
  if (right === used) {
    const x = next[left] as NodeId;
    return table.transposed
      ? joined(1, (p) => g.add('matmul', [x, oriented(p)]))
      : sum(parts.map((p) => g.add('matmul', [g.add('slice', [x], { axis: 1, start: p.from, length: p.to - p.from }), oriented(p)])));
  }
  const y = next[right] as NodeId;
  return table.transposed
    ? sum(parts.map((p) => g.add('matmul', [oriented(p), g.add('slice', [y], { axis: 0, start: p.from, length: p.to - p.from })])))
    : joined(0, (p) => g.add('matmul', [oriented(p), y]));
}
