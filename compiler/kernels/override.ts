/**
 * @file Overrides: hand-chosen ways to compute a value where shapes and device allow, in place of the kernel that selection would
 * build. The graph keeps its meaning: an override names a node, adds the values that its kernel wants beside the node's operands,
 * and constructs that kernel. None is registered without samples, from which a test compares it with what it replaces.
 */
import type { Attrs, Graph, Node, NodeId } from '../graph/graph.js';
import { Bug } from '../bug.js';
import { ops, type OpName } from '../ops/ops.js';
import type { Target } from '../plan/program.js';
import type { Cluster, Context } from './construct.js';
import type { Failure } from './body.js';
import type { Kernel } from './kernel.js';

/** Adds a node to the graph under rewriting. */
export type Add = (op: OpName, inputs: readonly NodeId[], attrs?: Attrs) => NodeId;

/** One override. */
export interface Override {
  readonly name: string;
  /** One sentence: what it does and when it pays. */
  readonly doc: string;
  /** The op whose value it computes. */
  readonly root: OpName;
  /** Whether it can compute the node. */
  readonly possible: (graph: Graph, node: Node) => boolean;
  /** Whether it pays there. */
  readonly pays: (graph: Graph, node: Node, target: Target) => boolean;
  /** Values that its kernel reads beside the node's operands; `node` has its operands under their new ids. */
  readonly prepare: (add: Add, node: Node, shapeOf: (id: NodeId) => readonly number[]) => readonly NodeId[];
  /** The kernel of a cluster with the root, given what was prepared. */
  readonly construct: (context: Context, cluster: Cluster, root: NodeId, prepared: readonly NodeId[]) => Kernel | Failure;
  /** Graphs in which it is possible, small and ragged, with values for what they read. */
  readonly samples: readonly { readonly graph: Graph; readonly feeds: ReadonlyMap<string, Float64Array> }[];
}

/** Which overrides are considered: where they pay, or wherever they are possible (for tests). */
export interface OverrideChoice {
  readonly list: readonly Override[];
  readonly everywhere: boolean;
}

/** Nodes with another way to be computed, and what that reads. */
export type Overridden = ReadonlyMap<NodeId, { readonly override: Override; readonly prepared: readonly NodeId[] }>;

/** The graph with what the chosen overrides read. */
export function overridden(graph: Graph, target: Target, choice: OverrideChoice): { readonly graph: Graph; readonly nodes: Overridden } {
  const nodes: Node[] = [];
  const place: NodeId[] = [];
  const found = new Map<NodeId, { readonly override: Override; readonly prepared: readonly NodeId[] }>();
  const add: Add = (op, inputs, attrs = {}) => {
    const type = ops[op].infer(
      inputs.map((id) => nodes[id] as Node),
      attrs,
    );
    if (typeof type === 'string') throw new Bug(`an override built a wrong ${op}: ${type}`);
    nodes.push({ op, inputs, attrs, shape: type.shape, dtype: type.dtype });
    return nodes.length - 1;
  };
  graph.nodes.forEach((node) => {
    const moved: Node = { ...node, inputs: node.inputs.map((id) => place[id] as NodeId) };
    const override = choice.list.find(
      (o) => o.root === node.op && o.possible(graph, node) && (choice.everywhere || o.pays(graph, node, target)),
    );
    const prepared = override?.prepare(add, moved, (id) => (nodes[id] as Node).shape);
    nodes.push(moved);
    place.push(nodes.length - 1);
    if (override !== undefined && prepared !== undefined) found.set(nodes.length - 1, { override, prepared });
  });
  return { graph: { nodes, outputs: graph.outputs.map((o) => ({ ...o, node: place[o.node] as NodeId })) }, nodes: found };
}
