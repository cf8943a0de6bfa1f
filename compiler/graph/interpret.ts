/**
 * @file Interpret: a graph's meaning, computed in f64 on the CPU from the references of the op table. Values are dropped
 * after their last use.
 */
import { Bug } from '../bug.js';
import { elements } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import type { Graph, Node, NodeId } from './graph.js';

/** The value of every output by name (what is to be added, for `accumulate`), from the values of inputs and tensors by name. */
export function interpret(graph: Graph, inputs: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const last = new Array<number>(graph.nodes.length).fill(-1);
  graph.nodes.forEach((node, id) => node.inputs.forEach((input) => (last[input] = id)));
  for (const output of graph.outputs) last[output.node] = graph.nodes.length;
  const values: (Float64Array | undefined)[] = [];
  graph.nodes.forEach((node, id) => {
    values[id] = evaluateNode(graph, node, (input) => values[input] as Float64Array, inputs);
    for (const input of node.inputs) if (last[input] === id) values[input] = undefined;
  });
  return new Map(graph.outputs.map((o) => [o.name, (values[o.node] as Float64Array).slice()]));
}

/** One node from the values of its operands. */
export function evaluateNode(
  graph: Graph,
  node: Node,
  value: (id: NodeId) => Float64Array,
  inputs: ReadonlyMap<string, Float64Array>,
): Float64Array {
  const feed = (name: string): Float64Array => {
    const given = inputs.get(name);
    if (given === undefined) throw new Bug(`nothing is given for ${node.op} "${name}"`);
    if (given.length !== elements(node.shape))
      throw new Bug(`${given.length} numbers are given for ${node.op} "${name}" of shape [${node.shape.join(', ')}]`);
    return given;
  };
  return ops[node.op].reference({
    inputs: node.inputs.map(value),
    types: node.inputs.map((i) => graph.nodes[i] as Node),
    attrs: node.attrs,
    out: node,
    feed,
  });
}
