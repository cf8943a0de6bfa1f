/**
 * @file Recompute: gradient checkpointing (Chen et al., 2016). Values of a layer that only the gradient needs are computed again from
 * where the layer began, just before the gradient of that layer, instead of standing in memory from the forward pass on.
 *
 * Forward graphs say where layers begin and end by nodes of the op `checkpoint`. What is computed again begins with a `checkpoint` of
 * a phase of its own, from 1 for the last layer on, so that it is another node than the one of the forward pass.
 */
import { createGraph } from './builder.js';
import type { Graph, NodeId, Output } from './graph.js';

/** The graph with the values of layers recomputed; `forward` is how many of its first nodes are the forward pass. */
export function recompute(graph: Graph, forward: number): Graph {
  const segment = segments(graph, forward);
  const last = Math.max(0, ...segment.slice(0, forward));
  if (last < 2) return graph;
  const g = createGraph();
  const plain: NodeId[] = [];
  const again = new Map<NodeId, NodeId>();
  /** Whether a forward value is gone when the gradient begins: it lies within a layer, and not in what follows the last. */
  const isGone = (id: NodeId): boolean => {
    const s = segment[id] as number;
    return id < forward && s > 0 && s < last && graph.nodes[id]?.op !== 'checkpoint';
  };
  /** What the gradient reads of a forward value. */
  const read = (id: NodeId): NodeId => {
    const known = again.get(id);
    if (known !== undefined) return known;
    const node = graph.nodes[id] as Graph['nodes'][number];
    let made: NodeId;
    if (isGone(id)) {
      const own = last - (segment[id] as number);
      made = g.add(
        node.op,
        node.inputs.map((input) => (graph.nodes[input]?.op === 'checkpoint' && input < forward ? begin(input, own) : read(input))),
        node.attrs,
      );
      again.set(id, made);
    } else made = plain[id] as NodeId;
    return made;
  };
  const begin = (id: NodeId, phase: number): NodeId => g.add('checkpoint', [plain[id] as NodeId], { phase });
  graph.nodes.forEach((node, id) => {
    plain[id] = g.add(
      node.op,
      node.inputs.map((input) => (id < forward || !isGone(input) ? (plain[input] as NodeId) : read(input))),
      node.attrs,
    );
  });
  return g.finish(graph.outputs.map((o): Output => ({ ...o, node: plain[o.node] as NodeId })));
}

/** For each forward node how many layers have begun before it on its way from the inputs. */
function segments(graph: Graph, forward: number): number[] {
  const segment: number[] = [];
  for (let id = 0; id < forward; id += 1) {
    const node = graph.nodes[id] as Graph['nodes'][number];
    const before = node.inputs.reduce((most, input) => Math.max(most, segment[input] as number), 0);
    segment.push(before + (node.op === 'checkpoint' ? 1 : 0));
  }
  return segment;
}

const known = new WeakMap<Graph, readonly number[]>();

/** The phase of each node: 0 in the forward pass and what does not wait for a recomputation, else that of the last one it needs. */
export function phasesOf(graph: Graph): readonly number[] {
  const found = known.get(graph);
  if (found !== undefined) return found;
  const phases: number[] = [];
  for (const node of graph.nodes) {
    const own = node.op === 'checkpoint' ? (node.attrs['phase'] as number) : 0;
    phases.push(node.inputs.reduce((most, input) => Math.max(most, phases[input] as number), own));
  }
  known.set(graph, phases);
  return phases;
}
