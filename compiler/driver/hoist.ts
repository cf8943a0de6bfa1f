/**
 * @file Hoist: what depends on frozen weights of the base alone and is small beside them (the squared lengths of their rows, which some methods
 * need in every step) is computed once, when the run begins, and kept as a tensor of its own.
 */
import { createGraph, rebuild, type GraphBuilder } from '../graph/builder.js';
import type { Graph, Node, NodeId, Output } from '../graph/graph.js';
import { ops } from '../ops/ops.js';
import type { PlanEntry } from '../plan/plan.js';
import type { Persistent } from '../plan/persistent.js';

/** A value is kept where the weights it is made of are at least so many times as large. */
const worthKeeping = 4;

/** Name of the entry that computes first values. */
const initialName = 'initial';

/** The entries with kept values in place of their computation, which the entry `initial` does; and the tensors that keep them. */
export function hoist(
  entries: readonly PlanEntry[],
  persistent: readonly Persistent[],
): { readonly entries: readonly PlanEntry[]; readonly kept: readonly Persistent[] } {
  const frozen = new Set(persistent.filter((p) => p.kind === 'weights').map((p) => p.name));
  const first = entries.find((e) => e.name === initialName);
  // One builder for what all entries keep: equal computations are one node, and so one tensor.
  const g = createGraph(first?.graph);
  const names = new Map<NodeId, string>();
  const changed = entries.map((entry) => {
    if (entry === first) return entry;
    const wanted = keepable(entry.graph, frozen);
    if (wanted.size === 0) return entry;
    const copies = new Map<NodeId, NodeId>();
    return {
      ...entry,
      graph: withoutUnused(
        rebuild(entry.graph, (next, node, inputs, id) => {
          if (!wanted.has(id)) return next.add(node.op, inputs, node.attrs);
          const at = copy(g, entry.graph, id, copies);
          const name = names.get(at) ?? `kept.${names.size}`;
          names.set(at, name);
          return next.add('tensor', [], { name, shape: node.shape, dtype: node.dtype });
        }),
      ),
    };
  });
  if (names.size === 0) return { entries, kept: [] };
  const graph = g.finish([
    ...(first?.graph.outputs ?? []),
    ...[...names].map(([node, name]): Output => ({ name, node, mode: 'assign', tensor: name })),
  ]);
  const initial: PlanEntry = first === undefined ? { name: initialName, graph, hosts: new Map(), inputs: [] } : { ...first, graph };
  return {
    entries: [...changed.filter((e) => e.name !== initialName), initial],
    kept: [...names].map(([node, name]): Persistent => {
      const { shape, dtype } = g.node(node);
      return { name, shape, dtype, kind: 'weights', source: { kind: 'zeros' } };
    }),
  };
}

/** Values to keep: the outermost that are worth it, behind views, so that none is stored wider than it is. */
function keepable(graph: Graph, frozen: ReadonlySet<string>): ReadonlySet<NodeId> {
  const count = (node: Node): number => node.shape.reduce((a, b) => a * b, 1);
  /** For values of frozen weights alone: the elements of the largest, 0 for constants; undefined for others. */
  const reads: (number | undefined)[] = [];
  graph.nodes.forEach((node, id) => {
    if (node.op === 'tensor') reads[id] = frozen.has(node.attrs['name'] as string) ? count(node) : undefined;
    else if (node.op === 'input' || node.op === 'random') reads[id] = undefined;
    else if (node.inputs.some((input) => reads[input] === undefined)) reads[id] = undefined;
    else reads[id] = Math.max(node.op === 'decoded' ? count(node) : 0, ...node.inputs.map((input) => reads[input] as number));
  });
  const worth = (id: NodeId): boolean => {
    const node = graph.nodes[id] as Node;
    return (
      node.dtype === 'f32' &&
      ['reduction', 'product', 'elementwise'].includes(ops[node.op].kind) &&
      count(node) * worthKeeping <= (reads[id] ?? 0)
    );
  };
  const wanted = new Set<NodeId>();
  const reach = (id: NodeId): void => {
    const node = graph.nodes[id] as Node;
    if (reads[id] === undefined || wanted.has(id)) return;
    if (worth(id)) wanted.add(id);
    else if (node.op !== 'decoded') node.inputs.forEach(reach);
  };
  graph.nodes.forEach((node, id) => {
    if (reads[id] === undefined) node.inputs.forEach(reach);
  });
  for (const output of graph.outputs) reach(output.node);
  return wanted;
}

/** A value with everything it is made of, in another builder. */
function copy(g: GraphBuilder, graph: Graph, id: NodeId, done: Map<NodeId, NodeId>): NodeId {
  const known = done.get(id);
  if (known !== undefined) return known;
  const node = graph.nodes[id] as Node;
  const made = g.add(
    node.op,
    node.inputs.map((input) => copy(g, graph, input, done)),
    node.attrs,
  );
  done.set(id, made);
  return made;
}

/** The graph without the nodes that no output needs any more. */
function withoutUnused(graph: Graph): Graph {
  const used = new Array<boolean>(graph.nodes.length).fill(false);
  for (const output of graph.outputs) used[output.node] = true;
  for (let id = graph.nodes.length - 1; id >= 0; id -= 1)
    if (used[id]) for (const input of (graph.nodes[id] as Node).inputs) used[input] = true;
  const next: NodeId[] = [];
  const g = createGraph();
  graph.nodes.forEach((node, id) => {
    if (used[id])
      next[id] = g.add(
        node.op,
        node.inputs.map((input) => next[input] as NodeId),
        node.attrs,
      );
  });
  return g.finish(graph.outputs.map((o) => ({ ...o, node: next[o.node] as NodeId })));
}
