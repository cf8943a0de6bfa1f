/**
 * @file Verify: what a graph contradicts of its invariants, as sentences. An empty list means the graph is sound.
 */
import { elements, sameShape, showShape } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import { Bug } from '../bug.js';
import { completeAttrs, createNodeKey } from './builder.js';
import type { Graph, Node } from './graph.js';
import { print } from './print.js';

function checkNode(graph: Graph, node: Node, id: number): string | undefined {
  const op = ops[node.op];
  if (op === undefined) return `there is no op ${String(node.op)}`;
  if (node.inputs.length !== op.arity) return `${node.op} takes ${op.arity} operands, not ${node.inputs.length}`;
  if (node.inputs.some((i) => !Number.isInteger(i) || i < 0 || i >= id)) return `an operand of ${node.op} does not stand before it`;
  const attrs = completeAttrs(node.op, node.attrs);
  if (typeof attrs === 'string') return attrs;
  const type = op.infer(
    node.inputs.map((i) => graph.nodes[i] as Node),
    attrs,
  );
  if (typeof type === 'string') return `${node.op}: ${type}`;
  if (type.dtype !== node.dtype || !sameShape(type.shape, node.shape))
    return `${node.op} gives ${type.dtype} ${showShape(type.shape)}, not ${node.dtype} ${showShape(node.shape)}`;
  return node.shape.every((n) => Number.isInteger(n) && n > 0) ? undefined : `shape ${showShape(node.shape)} is not positive`;
}

/** Everything that is wrong with a graph. */
export function verify(graph: Graph): string[] {
  const problems: string[] = [];
  const keyOf = createNodeKey();
  const seen = new Map<string, number>();
  const leaves = new Map<string, Node>();
  graph.nodes.forEach((node, id) => {
    const problem = checkNode(graph, node, id);
    if (problem !== undefined) problems.push(`%${id}: ${problem}`);
    const key = keyOf(node);
    const same = seen.get(key);
    if (same !== undefined) problems.push(`%${id}: equal to %${same}`);
    seen.set(key, id);
    if (node.op !== 'tensor' && node.op !== 'input') return;
    const name = `${node.op} "${String(node.attrs['name'])}"`;
    const other = leaves.get(name);
    if (other && (!sameShape(other.shape, node.shape) || other.dtype !== node.dtype)) problems.push(`%${id}: ${name} has two types`);
    leaves.set(name, node);
  });
  const names = new Set<string>();
  for (const output of graph.outputs) {
    const node = graph.nodes[output.node];
    if (names.has(output.name)) problems.push(`output ${output.name}: the name is used twice`);
    names.add(output.name);
    if (node === undefined) {
      problems.push(`output ${output.name}: there is no node %${output.node}`);
      continue;
    }
    if (output.mode === 'value') continue;
    const target = leaves.get(`tensor "${output.tensor}"`);
    if (output.tensor === undefined) problems.push(`output ${output.name}: no tensor to write`);
    else if (target && (elements(target.shape) !== elements(node.shape) || target.dtype !== node.dtype))
      problems.push(`output ${output.name}: ${showShape(node.shape)} does not fill "${output.tensor}" of ${showShape(target.shape)}`);
  }
  return problems;
}

/** Throws a Bug with the printed graph where it is not sound; passes call it on what they are given. */
export function assertSound(graph: Graph, where: string): void {
  const problems = verify(graph);
  if (problems.length > 0) throw new Bug(`${where}: ${problems.slice(0, 5).join('; ')}`, print(graph));
}
