/**
 * @file The passes over graphs, in order, as one readable list for each kind of entry.
 */
import { createGraph } from '../graph/builder.js';
import { fold } from '../graph/fold.js';
import { gradient } from '../graph/grad.js';
import type { Graph, NodeId, Output } from '../graph/graph.js';
import { recompute } from '../graph/recompute.js';
import { simplify } from '../graph/simplify.js';
import { orderWeights } from '../graph/weights.js';

/** Sees every form between passes, for `--dump` and PEFT_DEBUG. */
export type Watch = (pass: string, graph: Graph) => void;
const unwatched: Watch = () => undefined;

/** Forward graph of a step → forward in the cheap order of evaluation. */
export function prepareForward(graph: Graph, trainable: ReadonlySet<string>, watch: Watch = unwatched): Graph {
  watch('elaborated', graph);
  const simple = simplify(graph);
  watch('simplified', simple);
  const ordered = orderWeights(simple, trainable);
  watch('ordered', ordered);
  return ordered;
}

/** After the gradient, or where there is none: what only the gradient needed goes, constants are worked out. */
export function finishGraph(graph: Graph, watch: Watch = unwatched): Graph {
  const simple = simplify(graph, { stops: 'drop' });
  watch('final', simple);
  const folded = simplify(fold(simple), { stops: 'drop' });
  watch('folded', folded);
  return folded;
}

/** Adds the gradient of the output `loss` with respect to persistent tensors; one that the loss does not depend on gets zeros. */
export function differentiate(
  forward: Graph,
  loss: string,
  wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
  output: (name: string, node: NodeId) => Output,
  watch: Watch = unwatched,
): Graph {
  const ordered = prepareForward(forward, new Set(wanted.map((w) => w.name)), watch);
  const g = createGraph(ordered);
  const root = ordered.outputs.find((o) => o.name === loss)?.node as NodeId;
  const nodes = wanted.map((w) => g.add('tensor', [], { name: w.name, shape: w.shape, dtype: 'f32' }));
  const gradients = gradient(g, root, nodes);
  const outputs = wanted.flatMap((w, i): Output[] => {
    const node = gradients[i];
    return node === undefined ? [] : [output(w.name, node)];
  });
  const whole = recompute(g.finish([...ordered.outputs, ...outputs]), ordered.nodes.length);
  watch('differentiated', whole);
  return finishGraph(whole, watch);
}
