/**
 * @file Stages: reductions that one kernel would do badly, cut into several. Graph → Graph, the same values.
 *
 * A reduction over axes that do not stand together becomes one after another, since a row kernel has one run of columns. A sum
 * or maximum with few rows and many columns becomes two stages, so that there is work for all lanes.
 */
import type { Graph, Node, NodeId } from '../graph/graph.js';
import type { Target } from '../plan/program.js';
import type { Attrs } from '../graph/graph.js';
import type { OpName } from '../ops/ops.js';
import { count } from './affine.js';
import { inputOf, listAttr } from './structure.js';

/** Elements of work below which a second stage costs more than it gives. */
const smallRow = 256;

/** Below how many rows a second stage pays, and how many the first one should then have. Rows that a softmax shares are not cut
 * lightly: its maximum, sum and quotient are one kernel only while they see whole rows. */
function rowsFor(target: Target): { readonly few: number; readonly wanted: number } {
  return target.kind === 'software' ? { few: 16, wanted: 64 } : { few: 64, wanted: 256 };
}

/** The graph with staged reductions. */
export function staged(graph: Graph, target: Target): Graph {
  const nodes: Node[] = [];
  const place: NodeId[] = [];
  const add = (op: OpName, input: NodeId, attrs: Attrs, shape: readonly number[]): NodeId => {
    nodes.push({ op, inputs: [input], attrs, shape, dtype: (nodes[input] as Node).dtype });
    return nodes.length - 1;
  };
  graph.nodes.forEach((node) => {
    const moved: Node = { ...node, inputs: node.inputs.map((i) => place[i] as NodeId) };
    if (node.op !== 'sum' && node.op !== 'amax') {
      nodes.push(moved);
      place.push(nodes.length - 1);
      return;
    }
    let at = inputOf(moved, 0);
    const stretches = reducedStretches((nodes[at] as Node).shape, listAttr(node, 'axes'));
    for (const stretch of stretches.reverse()) at = reduceRun(node.op, at, stretch);
    const shape = (nodes[at] as Node).shape;
    place.push(
      shape.length === node.shape.length && shape.every((n, a) => n === node.shape[a])
        ? at
        : add('reshape', at, { shape: [...node.shape] }, node.shape),
    );
  });
  return { nodes, outputs: graph.outputs.map((o) => ({ ...o, node: place[o.node] as NodeId })) };

  /** Reduces the axes from..to, in two stages where rows are few. */
  function reduceRun(op: 'sum' | 'amax', input: NodeId, { from, to }: { from: number; to: number }): NodeId {
    const { shape } = nodes[input] as Node;
    const outer = shape.slice(0, from);
    const inner = shape.slice(to);
    const width = count(shape.slice(from, to));
    const rows = count(outer) * count(inner);
    const { few, wanted } = rowsFor(target);
    const parts = rows < few ? partsOf(width, Math.ceil(wanted / rows)) : 1;
    if (parts === 1) return add(op, input, { axes: Array.from({ length: to - from }, (_, i) => from + i) }, [...outer, ...inner]);
    const cut = add('reshape', input, { shape: [...outer, parts, width / parts, ...inner] }, [...outer, parts, width / parts, ...inner]);
    const first = add(op, cut, { axes: [from + 1] }, [...outer, parts, ...inner]);
    return add(op, first, { axes: [from] }, [...outer, ...inner]);
  }
}

/** Stretches of reduced axes that stand together, sizes of 1 between them not counted as a gap. */
function reducedStretches(shape: readonly number[], axes: readonly number[]): { from: number; to: number }[] {
  const out: { from: number; to: number }[] = [];
  const reduced = new Set(axes);
  let open = false;
  shape.forEach((_, a) => {
    if (!reduced.has(a)) {
      open = false;
      return;
    }
    const last = out[out.length - 1];
    if (open && last !== undefined) last.to = a + 1;
    else out.push({ from: a, to: a + 1 });
    open = true;
  });
  return out;
}

/** A divisor of the width near the wanted number of parts, or 1 where the row is short or has none. */
function partsOf(width: number, wanted: number): number {
  if (width < smallRow) return 1;
  const most = Math.min(2 * wanted, Math.floor(width / 8));
  for (let parts = most; parts >= Math.min(4, wanted); parts -= 1) if (width % parts === 0) return parts;
  return 1;
}
