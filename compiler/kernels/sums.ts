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
import { inputOf, nodeAt, role } from './structure.js';

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

/** Extents [batch, m, n] of a product, all batch axes as one. */
export function extents(graph: Graph, product: NodeId): readonly [number, number, number] {
  const { shape } = nodeAt(graph, product);
  return [count(shape.slice(0, -2)), shape[shape.length - 2] as number, shape[shape.length - 1] as number];
}

/** The sums of a graph by root. `uses` counts the distinct users, `kept` are nodes whose value is wanted as such. `limit` is how
 * many arrays one kernel may touch. */
export function sums(graph: Graph, users: readonly (readonly NodeId[])[], kept: ReadonlySet<NodeId>, limit: number): ReadonlyMap<NodeId, Sum> {
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
  const leaves = (id: NodeId, factor: number, products: Addend[], rest: Addend[]): void => {
    const node = nodeAt(graph, id);
    node.inputs.forEach((input, side) => {
      const sign = node.op === 'sub' && side === 1 ? -factor : factor;
      const found = peel(input);
      const { op, dtype } = nodeAt(graph, found.node);
      const scaled = { node: found.node, factor: sign * found.factor };
      if (single(found.node) && dtype === 'f32' && (op === 'add' || op === 'sub') && !doubled(found.node)) leaves(found.node, scaled.factor, products, rest);
      else if (single(found.node) && op === 'matmul') products.push(scaled);
      else rest.push({ node: input, factor: sign });
    });
  };

  for (let id = graph.nodes.length - 1; id >= 0; id -= 1) {
    const node = nodeAt(graph, id);
    if ((node.op !== 'add' && node.op !== 'sub') || node.dtype !== 'f32' || taken.has(id) || doubled(id)) continue;
    const products: Addend[] = [];
    const rest: Addend[] = [];
    leaves(id, 1, products, rest);
    if (products.length === 0) continue;
    const size = extents(graph, (products[0] as Addend).node).join();
    const fits = products.filter((p) => extents(graph, p.node).join() === size);
    const room = Math.max(1, Math.floor((limit - 2 - rest.length - (products.length - fits.length)) / 2));
    const kept = fits.slice(0, room);
    const loaded = products.filter((p) => !kept.includes(p));
    out.set(id, { root: id, products: ordered(kept), rest: [...rest, ...loaded] });
    for (const p of kept) taken.add(p.node);
    markTree(graph, id, taken, new Set([...kept, ...loaded].map((p) => p.node)), single);
  }
  graph.nodes.forEach((node, id) => {
    if (node.op === 'matmul' && !taken.has(id)) out.set(id, { root: id, products: [{ node: id, factor: 1 }], rest: [] });
  });
  return out;
}

/** Scaled terms first: a scale then touches the accumulator once. */
function ordered(products: readonly Addend[]): Addend[] {
  return [...products].sort((a, b) => Number(a.factor === 1) - Number(b.factor === 1));
}

/** Marks the additions inside a sum so that they do not become sums of their own. */
function markTree(graph: Graph, id: NodeId, taken: Set<NodeId>, products: ReadonlySet<NodeId>, single: (id: NodeId) => boolean): void {
  for (const input of nodeAt(graph, id).inputs) {
    let at = input;
    while (single(at) && !products.has(at)) {
      const node = nodeAt(graph, at);
      if (node.op === 'add' || node.op === 'sub') {
        taken.add(at);
        markTree(graph, at, taken, products, single);
        break;
      }
      const factored = role(node) === 'same' ? { of: inputOf(node, 0), factor: 1 } : constantFactor(graph, at);
      if (factored === undefined) break;
      at = factored.of;
    }
  }
}
