/**
 * @file Sums of products: which matrix products of a graph one kernel accumulates together.
 *
 * A tree of additions whose leaves are products of one size (times constants, behind reshapes, used nowhere else) and other
 * values is one sum: the products become terms of one matmul kernel, the other values are added in its epilogue. Additions are
 * reassociated, which changes rounding only. A product in no such tree is a sum by itself.
 */
import type { Graph, NodeId } from '../graph/graph.js';
import { constantFactor } from './body.js';
import { count } from './affine.js';
import { arrayCount, inputOf, nodeAt, role } from './structure.js';

/** One addend with its constant factor. */
export interface Addend {
  readonly node: NodeId;
  readonly factor: number;
}

/** A value that is Σ factor · product + Σ factor · rest. */
export interface Sum {
  readonly root: NodeId;
  readonly products: readonly Addend[];
  readonly rest: readonly Addend[];
}

/** One addend of a tree: behind its factors and reshapes, and as it stands. */
interface Found {
  readonly kind: 'product' | 'addition' | 'rest';
  readonly peeled: Addend;
  readonly whole: Addend;
}

/** Extents [batch, m, n] of a product, all batch axes as one. */
export function extents(graph: Graph, product: NodeId): readonly [number, number, number] {
  const { shape } = nodeAt(graph, product);
  return [count(shape.slice(0, -2)), shape[shape.length - 2] as number, shape[shape.length - 1] as number];
}

/** The sums of a graph by root. `uses` counts the distinct users, `kept` are nodes whose value is wanted as such. `limit` is how
 * many arrays one kernel may touch. */
export function sums(
  graph: Graph,
  users: readonly (readonly NodeId[])[],
  kept: ReadonlySet<NodeId>,
  limit: number,
): ReadonlyMap<NodeId, Sum> {
  const out = new Map<NodeId, Sum>();
  const taken = new Set<NodeId>();
  const single = (id: NodeId): boolean => users[id]?.length === 1 && !kept.has(id);

  const doubled = (id: NodeId): boolean => nodeAt(graph, id).inputs[0] === nodeAt(graph, id).inputs[1];

  /** The product, addition or other value behind factors and reshapes that nothing else uses. */
  const peel = (id: NodeId): Addend => {
    let at = id;
    let factor = 1;
    while (single(at)) {
      const node = nodeAt(graph, at);
      const factored = role(node) === 'same' ? { of: inputOf(node, 0), factor: 1 } : constantFactor(graph, at);
      if (factored === undefined) break;
      at = factored.of;
      factor *= factored.factor;
    }
    return { node: at, factor };
  };
  const addition = (id: NodeId): boolean => {
    const { op, dtype } = nodeAt(graph, id);
    return dtype === 'f32' && (op === 'add' || op === 'sub') && !doubled(id);
  };
  /** The two addends of an addition. A rest keeps the factors inside it: it is computed as it stands. */
  const split = ({ node: id, factor }: Addend): Found[] =>
    nodeAt(graph, id).inputs.map((input, side) => {
      const sign = nodeAt(graph, id).op === 'sub' && side === 1 ? -factor : factor;
      const inner = peel(input);
      const peeled = { node: inner.node, factor: sign * inner.factor };
      const kind = !single(inner.node)
        ? 'rest'
        : nodeAt(graph, inner.node).op === 'matmul'
          ? 'product'
          : addition(inner.node)
            ? 'addition'
            : 'rest';
      return { kind, peeled, whole: { node: input, factor: sign } };
    });
  /** Arrays of a product's operands. */
  const operands = (f: Found): NodeId[] => nodeAt(graph, f.peeled.node).inputs.map((input) => behind(graph, input));
  /** The addends of a tree, cut where one kernel would touch too many arrays. */
  const flatten = (id: NodeId, inside: Set<NodeId>): Found[] => {
    let found = split({ node: id, factor: 1 });
    const arrays = (list: readonly Found[]): number =>
      arrayCount(
        graph,
        list.flatMap((f) => (f.kind === 'product' ? operands(f) : [f.whole.node])),
      );
    for (let i = 0; i < found.length;) {
      const f = found[i] as Found;
      const opened = f.kind === 'addition' ? [...found.slice(0, i), ...split(f.peeled), ...found.slice(i + 1)] : found;
      if (f.kind !== 'addition' || arrays(opened) > limit - 2) {
        i += 1;
        continue;
      }
      inside.add(f.peeled.node);
      found = opened;
    }
    return found;
  };

  /** The products that one kernel can accumulate: those with most arrays first, while what is left over and the result still fit. */
  const affordable = (all: readonly Found[], products: readonly Found[], most: number): ReadonlySet<Found> => {
    const chosen = new Set<Found>();
    for (const f of [...products].sort((a, b) => arrayCount(graph, operands(b)) - arrayCount(graph, operands(a)))) {
      const trial = new Set([...chosen, f]);
      const touched = arrayCount(graph, [...trial].flatMap(operands)) + (all.length - trial.size) + 1;
      if (chosen.size === 0 || touched <= most) chosen.add(f);
    }
    return chosen;
  };

  for (let id = graph.nodes.length - 1; id >= 0; id -= 1) {
    if (taken.has(id) || !addition(id)) continue;
    const inside = new Set<NodeId>();
    const found = flatten(id, inside);
    const first = found.find((f) => f.kind === 'product');
    if (first === undefined) continue;
    const size = extents(graph, first.peeled.node).join();
    const alike = (f: Found): boolean => f.kind === 'product' && extents(graph, f.peeled.node).join() === size;
    const accumulated = affordable(found, found.filter(alike), limit);
    const fits = (f: Found): boolean => accumulated.has(f);
    const products = found.filter(fits).map((f) => f.peeled);
    out.set(id, {
      root: id,
      products: ordered(products),
      rest: found.filter((f) => !fits(f)).map((f) => (f.kind === 'product' ? f.peeled : f.whole)),
    });
    for (const p of products) taken.add(p.node);
    for (const node of inside) taken.add(node);
  }
  graph.nodes.forEach((node, id) => {
    if (node.op === 'matmul' && !taken.has(id)) out.set(id, { root: id, products: [{ node: id, factor: 1 }], rest: [] });
  });
  return out;
}

/** The value behind views: an operand is read through them. */
function behind(graph: Graph, id: NodeId): NodeId {
  let at = id;
  while (role(nodeAt(graph, at)) === 'same' || role(nodeAt(graph, at)) === 'view') at = inputOf(nodeAt(graph, at), 0);
  return at;
}

/** Scaled terms first: a scale then touches the accumulator once. */
function ordered(products: readonly Addend[]): Addend[] {
  return [...products].sort((a, b) => Number(a.factor === 1) - Number(b.factor === 1));
}
