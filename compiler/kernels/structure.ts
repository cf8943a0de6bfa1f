/**
 * @file Structure of graph nodes as kernel selection sees it: what computes elementwise, what only renames indices, what stands
 * in memory already, and the index maps of the views in both directions.
 */
import type { Graph, Node, NodeId } from '../graph/graph.js';
import { Bug } from '../bug.js';
import type { OpName } from '../ops/ops.js';
import { coordinates, count, isRefinement, linear, runs, shifted, constantView, type Refinement } from './affine.js';
import type { View } from './kernel.js';

/** What selection does with an op. `inline` is computed wherever it is needed, `memory` stands in a buffer before the entry runs,
 * `decoded` is worked out in every kernel that reads it, `same` keeps the linear index, `view` changes it, `anchor` needs a kernel of its own kind. */
export type Role = 'inline' | 'memory' | 'decoded' | 'same' | 'view' | 'pad' | 'gather' | 'elementwise' | 'anchor';

/** The role of a node. Every op that has no structure of its own is elementwise. */
export function role(node: Node): Role {
  switch (node.op) {
    case 'const':
    case 'iota':
    case 'random':
      return 'inline';
    case 'input':
      return node.shape.length === 0 ? 'inline' : 'memory';
    case 'tensor':
    case 'table':
      return 'memory';
    case 'checkpoint':
      return 'same';
    case 'decoded':
      return 'decoded';
    case 'reshape':
    case 'stop_gradient':
      return 'same';
    case 'permute':
    case 'broadcast':
    case 'slice':
    case 'flip':
      return 'view';
    case 'pad':
      return 'pad';
    case 'gather':
      return 'gather';
    case 'matmul':
    case 'sum':
    case 'amax':
    case 'argmax':
    case 'scatter_add':
      return 'anchor';
    default:
      return 'elementwise';
  }
}

/** Whether the op reduces rows. */
export function isReduction(op: OpName): boolean {
  return op === 'sum' || op === 'amax' || op === 'argmax';
}

/** A node of the graph; out of range is a bug. */
export function nodeAt(graph: Graph, id: NodeId): Node {
  const node = graph.nodes[id];
  if (node === undefined) throw new Bug(`no node ${id} in the graph`);
  return node;
}

/** Input number `i` of a node. */
export function inputOf(node: Node, i: number): NodeId {
  const id = node.inputs[i];
  if (id === undefined) throw new Bug(`${node.op} has no input ${i}`);
  return id;
}

/** The value behind reshapes: it has the same elements in the same order. */
export function base(graph: Graph, id: NodeId): NodeId {
  let at = id;
  for (let node = nodeAt(graph, at); role(node) === 'same'; node = nodeAt(graph, at)) at = inputOf(node, 0);
  return at;
}

/** A numeric attribute. */
export function numberAttr(node: Node, name: string): number {
  const value = node.attrs[name];
  if (typeof value !== 'number') throw new Bug(`${node.op} has no number ${name}`);
  return value;
}

/** A text attribute. */
export function textAttr(node: Node, name: string): string {
  const value = node.attrs[name];
  if (typeof value !== 'string') throw new Bug(`${node.op} has no text ${name}`);
  return value;
}

/** An attribute that is a list of numbers. */
export function listAttr(node: Node, name: string): readonly number[] {
  const value = node.attrs[name];
  if (!Array.isArray(value)) throw new Bug(`${node.op} has no list ${name}`);
  return value as readonly number[];
}

/** Keys that single out one axis: 0 before it, 1 the axis, 2 after it. */
const around =
  (axis: number) =>
  (a: number): number =>
    a < axis ? 0 : a === axis ? 1 : 2;

/** Coordinates of an index along the stretch before an axis, the axis, and after it. */
export function axisCoordinates(
  shape: readonly number[],
  axis: number,
  index: View,
  axes: readonly number[],
): readonly [View, View, View] | Refinement | undefined {
  const zero = constantView(axes, 0);
  const out: [View, View, View] = [zero, zero, zero];
  const parts = runs(shape, around(axis));
  const coords = coordinates(
    index,
    parts.map((p) => p.run.extent),
    axes,
  );
  if (coords === undefined || isRefinement(coords)) return coords;
  parts.forEach((p, i) => {
    out[p.key] = coords[i] as View;
  });
  return out;
}

/** Index of an axis view (slice, flip, pad) of its input, given that of its result (`inward`), or the other way round. */
function axisView(node: Node, input: Node, index: View, axes: readonly number[], inward: boolean): View | Refinement | undefined {
  const axis = numberAttr(node, 'axis');
  const from = inward ? node : input;
  const to = inward ? input : node;
  const coords = axisCoordinates(from.shape, axis, index, axes);
  if (coords === undefined || isRefinement(coords)) return coords;
  const [before, at, after] = coords;
  const sign = inward ? 1 : -1;
  const extent = input.shape[axis] as number;
  const moved =
    node.op === 'slice'
      ? shifted(at, sign * numberAttr(node, 'start'))
      : node.op === 'pad'
        ? shifted(at, -sign * numberAttr(node, 'before'))
        : { offset: extent - 1 - at.offset, strides: at.strides.map((s) => (s === 0 ? 0 : -s)) };
  const trailing = count(to.shape.slice(axis + 1));
  return linear([before, moved, after], [1, to.shape[axis] as number, trailing], axes);
}

/** Runs of the axes of a permute that stay together: their extents in the order of the result, and for each its place in the input. */
function permuteRuns(node: Node, input: Node): { readonly extents: number[]; readonly place: number[] } {
  const perm = listAttr(node, 'perm').filter((d) => input.shape[d] !== 1);
  const kept = [...perm].sort((a, b) => a - b);
  const rank = new Map(kept.map((d, i) => [d, i]));
  const extents: number[] = [];
  const starts: number[] = [];
  perm.forEach((d, i) => {
    const before = perm[i - 1];
    if (before !== undefined && (rank.get(d) as number) === (rank.get(before) as number) + 1)
      extents[extents.length - 1] = (extents[extents.length - 1] as number) * (input.shape[d] as number);
    else {
      extents.push(input.shape[d] as number);
      starts.push(d);
    }
  });
  const sorted = [...starts].sort((a, b) => a - b);
  return { extents, place: starts.map((s) => sorted.indexOf(s)) };
}

function permuteView(node: Node, input: Node, index: View, axes: readonly number[], inward: boolean): View | Refinement | undefined {
  const { extents, place } = permuteRuns(node, input);
  const inner = new Array<number>(extents.length).fill(0);
  place.forEach((p, i) => {
    inner[p] = extents[i] as number;
  });
  const coords = coordinates(index, inward ? extents : inner, axes);
  if (coords === undefined || isRefinement(coords)) return coords;
  if (!inward)
    return linear(
      place.map((p) => coords[p] as View),
      extents,
      axes,
    );
  const moved = new Array<View>(extents.length);
  place.forEach((p, i) => {
    moved[p] = coords[i] as View;
  });
  return linear(moved, inner, axes);
}

/** Linear index of a view's input, given that of its result. */
export function inward(node: Node, input: Node, index: View, axes: readonly number[]): View | Refinement | undefined {
  switch (node.op) {
    case 'permute':
      return permuteView(node, input, index, axes, true);
    case 'broadcast': {
      const parts = runs(node.shape, (a) => (input.shape[a] === 1 ? 1 : 0));
      const coords = coordinates(
        index,
        parts.map((p) => p.run.extent),
        axes,
      );
      if (coords === undefined || isRefinement(coords)) return coords;
      const zero = constantView(axes, 0);
      return linear(
        parts.map((p, i) => (p.key === 1 ? zero : (coords[i] as View))),
        parts.map((p) => (p.key === 1 ? 1 : p.run.extent)),
        axes,
      );
    }
    case 'slice':
    case 'flip':
    case 'pad':
      return axisView(node, input, index, axes, true);
    default:
      return index;
  }
}

/** Linear index of a view's result, given that of its input; undefined where the view does not keep every element once. */
export function outward(node: Node, input: Node, index: View, axes: readonly number[]): View | Refinement | undefined {
  if (count(node.shape) !== count(input.shape)) return undefined;
  switch (node.op) {
    case 'permute':
      return permuteView(node, input, index, axes, false);
    case 'flip':
      return axisView(node, input, index, axes, false);
    default:
      return index;
  }
}

/** Distinct users of every node. */
export function users(graph: Graph): readonly (readonly NodeId[])[] {
  const out: NodeId[][] = graph.nodes.map(() => []);
  graph.nodes.forEach((node, id) => {
    for (const input of new Set(node.inputs)) out[input]?.push(id);
  });
  return out;
}

const arraysBehind = new WeakMap<Graph, Map<NodeId, readonly NodeId[]>>();

/** The arrays that a kernel touches to read a value that stands in memory: the value itself, or what a decoded one is made of. */
export function arraysOf(graph: Graph, id: NodeId): readonly NodeId[] {
  if (role(nodeAt(graph, id)) !== 'decoded') return [id];
  let known = arraysBehind.get(graph);
  if (known === undefined) arraysBehind.set(graph, (known = new Map<NodeId, readonly NodeId[]>()));
  const found = known.get(id);
  if (found !== undefined) return found;
  const arrays = new Set<NodeId>();
  const seen = new Set<NodeId>();
  const visit = (at: NodeId): void => {
    if (seen.has(at)) return;
    seen.add(at);
    const node = nodeAt(graph, at);
    if (role(node) === 'memory') arrays.add(at);
    else node.inputs.forEach(visit);
  };
  visit(id);
  known.set(id, [...arrays]);
  return [...arrays];
}

/** How many arrays a kernel touches to read some values. */
export const arrayCount = (graph: Graph, ids: Iterable<NodeId>): number => new Set([...ids].flatMap((id) => arraysOf(graph, id))).size;
