/**
 * @file Fold: Graph → Graph in which constant parts that contain transcendental functions are tables, computed in f64 once
 * at compile time (the angles of rotary embeddings, say). Views stay outside the tables, so a table is never larger than
 * what was computed; cheap constants (index arithmetic, masks) stay computed, which costs a kernel less than a load.
 */
import { at, elements, type NodeId } from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';
import { rebuild } from './builder.js';
import type { Graph } from './graph.js';
import { evaluateNode } from './interpret.js';
import { assertSound } from './verify.js';

const costly: ReadonlySet<OpName> = new Set<OpName>(['exp', 'log', 'sqrt', 'tanh', 'erf', 'sin', 'cos', 'pow', 'div', 'matmul']);
const outside: ReadonlySet<OpName> = new Set<OpName>(['input', 'tensor', 'random']);

/** The largest table that is made, in elements. */
export const largestTable = 4 * 1024 * 1024;

/** The same graph with its costly constants as tables of at most `limit` elements. */
export function fold(graph: Graph, limit: number = largestTable): Graph {
  assertSound(graph, 'fold');
  const constant: boolean[] = [];
  const worth: boolean[] = [];
  graph.nodes.forEach((node, id) => {
    constant[id] = !outside.has(node.op) && node.inputs.every((input) => at(constant, input));
    worth[id] = at(constant, id) && (costly.has(node.op) || node.inputs.some((input) => at(worth, input)));
  });
  const wanted = frontier(graph, constant, worth, limit);
  const values = new Map<NodeId, Float64Array>();
  const valueOf = (id: NodeId): Float64Array => {
    const known = values.get(id);
    if (known !== undefined) return known;
    const value = evaluateNode(graph, at(graph.nodes, id), valueOf, new Map());
    values.set(id, value);
    return value;
  };
  return rebuild(graph, (g, node, inputs, id) => {
    if (!wanted.has(id)) return g.add(node.op, inputs, node.attrs);
    const data = valueOf(id);
    const first = data[0] as number;
    return data.every((v) => v === first) && Number.isFinite(first)
      ? g.constant(first, node.shape, node.dtype)
      : g.add('table', [], { data, shape: node.shape, dtype: node.dtype });
  });
}

/** The constants to replace: the outermost that are worth it and small enough, looking through views. */
function frontier(graph: Graph, constant: readonly boolean[], worth: readonly boolean[], limit: number): Set<NodeId> {
  const used = new Array<boolean>(graph.nodes.length).fill(false);
  for (const output of graph.outputs) used[output.node] = true;
  const wanted = new Set<NodeId>();
  for (let id = graph.nodes.length - 1; id >= 0; id -= 1) {
    const node = at(graph.nodes, id);
    if (used[id] && worth[id] && ops[node.op].kind !== 'view' && node.op !== 'table' && elements(node.shape) <= limit) wanted.add(id);
    else if (used[id] || !constant[id]) for (const input of node.inputs) used[input] = true;
  }
  return wanted;
}
