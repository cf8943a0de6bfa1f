/**
 * @file Cost: floating-point operations of a graph, from the op table: 2·b·m·n·k for a product, 1 for each element of an
 * elementwise op, 1 for each element that is reduced, none for views.
 */
import { ops } from '../ops/ops.js';
import type { Graph, Node } from './graph.js';

/** Operations of one node. */
export function nodeFlops(graph: Graph, node: Node): number {
  return ops[node.op].flops(
    node.inputs.map((i) => graph.nodes[i] as Node),
    node,
  );
}

/** Operations of a whole graph, or of its nodes of one op. */
export function graphFlops(graph: Graph, op?: Node['op']): number {
  return graph.nodes.reduce((sum, node) => sum + (op === undefined || node.op === op ? nodeFlops(graph, node) : 0), 0);
}
