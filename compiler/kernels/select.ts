/**
 * @file Selection: Graph → Kernels, in execution order. Every value that stands in memory is written by exactly one kernel.
 *
 * Input: a verified graph. Output: the graph with the nodes that selection added, the kernels, and where each named result
 * stands. Why a pass of its own: everything after it (code, memory) knows kernels only.
 */
import type { DType, Graph, Node, NodeId } from '../graph/graph.js';
import type { Target } from '../plan/program.js';
import { Bug } from '../bug.js';
import { referenceOf } from './body.js';
import type { Context, Destination } from './construct.js';
import type { Arg, Kernel } from './kernel.js';
import { overridden, type OverrideChoice } from './override.js';
import { overrides } from './overrides.js';
import { mergeProducers, mergeSiblings, ordered, partition, type Wanted } from './partition.js';
import { storedValues } from './policy.js';
import { staged } from './stage.js';
import { base, nodeAt, role, users, type Role } from './structure.js';
import { sums } from './sums.js';

/** A named result for the caller. */
export interface Result {
  readonly name: string;
  readonly ref: Arg['ref'];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What selection hands on. Node ids in `kernels` are those of `graph`. */
export interface Selection {
  readonly graph: Graph;
  readonly kernels: readonly Kernel[];
  readonly results: readonly Result[];
}

/** Arrays that one kernel may touch. */
export function arrayLimit(target: Target): number {
  return Math.min(target.maxStorageBuffers, 16);
}

/** The kernels of a graph. */
export function select(source: Graph, target: Target, choice: OverrideChoice = { list: overrides, everywhere: false }): Selection {
  const { graph: before, nodes: over } = overridden(staged(source, target), target, choice);
  const special: Context['special'] = new Map(
    [...over].map(([root, { override, prepared }]) => [root, (context, cluster) => override.construct(context, cluster, root, prepared)]),
  );
  const copied = new Set<number>();
  for (;;) {
    const { graph, wanted, results, outputOf } = wants(before, copied);
    const using = users(graph);
    const kept = new Set([...wanted.values, ...wanted.tensors.keys()]);
    const limit = arrayLimit(target);
    const summed = sums(graph, using, kept, limit);
    const stored = storedValues(graph, using, summed, kept, limit);
    for (const { prepared } of over.values()) for (const id of prepared) stored.add(id);
    const parts = partition({ graph, sums: summed, stored, limit, special }, wanted);
    mergeProducers(parts);
    mergeSiblings(parts);
    const done = ordered(parts);
    if ('kernels' in done) return { graph, kernels: done.kernels, results };
    const outputs = done.culprits.flatMap((member) => outputOf.get(member) ?? []).filter((i) => !copied.has(i));
    if (outputs.length === 0) throw new Bug('the kernels of a graph need each other');
    for (const i of outputs) copied.add(i);
  }
}

interface Wants {
  readonly graph: Graph;
  readonly wanted: Wanted;
  readonly results: readonly Result[];
  /** Outputs that a member serves, by number. */
  readonly outputOf: ReadonlyMap<NodeId, readonly number[]>;
}

/** The graph with a node of its own for every output that no kernel would compute otherwise: a tensor assigned from memory or a
 * constant, a result that is a tensor replaced by this graph, the outputs in
 * `copied`, whose value must stand in memory before the tensor is written, and a second tensor for one value. */
function wants(source: Graph, copied: ReadonlySet<number>): Wants {
  const nodes: Node[] = [...source.nodes];
  const values = new Set<NodeId>();
  const tensors = new Map<NodeId, Destination[]>();
  const results: Result[] = [];
  const outputOf = new Map<NodeId, number[]>();
  const replaced = new Set<unknown>(source.outputs.map((o) => o.tensor));
  const alone = (id: NodeId): NodeId => {
    const node = nodes[id] as Node;
    nodes.push({ op: 'reshape', inputs: [id], attrs: { shape: [...node.shape] }, shape: node.shape, dtype: node.dtype });
    return nodes.length - 1;
  };
  /** A value that is sure to stand in memory of its own before it is copied on. */
  const kept = (id: NodeId, kind: Role): NodeId => {
    const standing = kind === 'memory' || kind === 'inline' ? alone(id) : id;
    values.add(standing);
    return standing;
  };
  source.outputs.forEach((output, i) => {
    const { shape, dtype } = nodeAt(source, output.node);
    const inner = base(source, output.node);
    const kind = role(nodeAt(source, inner));
    if (output.mode === 'value') {
      const standing = kind === 'memory' && !replaced.has(nodeAt(source, inner).attrs['name']);
      const member = kind === 'inline' || (kind === 'memory' && !standing) ? alone(output.node) : inner;
      if (!standing) values.add(member);
      results.push({ name: output.name, ref: referenceOf({ nodes, outputs: [] }, member), shape, dtype });
      return;
    }
    const computed = ['elementwise', 'anchor', 'gather', 'pad', 'decoded'].includes(kind);
    const direct = computed && !copied.has(i) && !tensors.has(inner);
    const member = direct ? inner : alone(copied.has(i) || computed ? kept(inner, kind) : output.node);
    const tensor = output.tensor;
    if (tensor === undefined) throw new Bug(`output ${output.name} names no tensor`);
    tensors.set(member, [
      ...(tensors.get(member) ?? []),
      { ref: { kind: 'tensor', name: tensor }, accumulate: output.mode === 'accumulate' },
    ]);
    outputOf.set(member, [...(outputOf.get(member) ?? []), i]);
  });
  return { graph: { nodes, outputs: source.outputs }, wanted: { values, tensors }, results, outputOf };
}
