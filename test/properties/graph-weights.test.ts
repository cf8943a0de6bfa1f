/**
 * @file The algebra of effective weights: it keeps the meaning of any expression over weights, and it finds the cheap
 * order of evaluation, by the count of operations and by the text of the whole forward and backward pass.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import { graphFlops } from '../../compiler/graph/cost.js';
import { gradient } from '../../compiler/graph/grad.js';
import type { Graph, NodeId } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { print } from '../../compiler/graph/print.js';
import { simplify } from '../../compiler/graph/simplify.js';
import { verify } from '../../compiler/graph/verify.js';
import { orderWeights } from '../../compiler/graph/weights.js';
import { elements } from '../../compiler/ops/op.js';
import { relativeError } from '../ops/differences.js';
import { createRandom } from '../ops/samples.js';

/** A builder with short names for what effective weights are written with. */
function notation(g: GraphBuilder) {
  return {
    g,
    tensor: (name: string, ...shape: number[]): NodeId => g.add('tensor', [], { name, shape, dtype: 'f32' }),
    input: (name: string, ...shape: number[]): NodeId => g.add('input', [], { name, shape, dtype: 'f32' }),
    mm: (a: NodeId, b: NodeId): NodeId => g.add('matmul', [a, b]),
    T: (a: NodeId): NodeId => g.transpose(a),
    add: (a: NodeId, b: NodeId): NodeId => g.add('add', [a, g.broadcastTo(b, g.node(a).shape)]),
    sub: (a: NodeId, b: NodeId): NodeId => g.add('sub', [a, g.broadcastTo(b, g.node(a).shape)]),
    mul: (a: NodeId, b: NodeId): NodeId => g.add('mul', [a, g.broadcastTo(b, g.node(a).shape)]),
    num: (value: number): NodeId => g.constant(value, []),
    column: (v: NodeId): NodeId => g.add('reshape', [v], { shape: [g.node(v).shape[0] as number, 1] }),
  };
}
type Notation = ReturnType<typeof notation>;

function feedsFor(graph: Graph, seed: number): Map<string, Float64Array> {
  const random = createRandom(seed);
  const feeds = new Map<string, Float64Array>();
  for (const node of graph.nodes) {
    const name = node.attrs['name'];
    if (typeof name === 'string')
      feeds.set(
        name,
        Float64Array.from({ length: elements(node.shape) }, () => (node.dtype === 'i32' ? Math.floor(random() * 7) : random() * 2 - 1)),
      );
  }
  return feeds;
}

function distance(a: Graph, b: Graph): number {
  const feeds = feedsFor(a, 5);
  const [x, y] = [interpret(a, feeds), interpret(b, feeds)];
  return Math.max(...[...x].map(([name, value]) => relativeError(y.get(name) ?? new Float64Array(value.length), value)));
}

/** Shapes of the products of a graph: [m, k, n] each. */
const products = (graph: Graph): string[] =>
  graph.nodes
    .filter((n) => n.op === 'matmul')
    .map((n) => `${n.shape[0]}x${(graph.nodes[n.inputs[0] as NodeId] as { shape: readonly number[] }).shape[1]}x${n.shape[1]}`);

const [m, k, n, r] = [256, 128, 96, 8];

/** Each site computes y from x and the tensors it likes, as a user's definition would say it. */
const sites: readonly {
  readonly name: string;
  readonly trainable: readonly string[];
  readonly y: (w: Notation) => NodeId;
  readonly products: readonly string[];
}[] = [
  {
    name: 'low-rank change: two thin products',
    trainable: ['A', 'B'],
    y: ({ tensor, input, mm, T, add, mul, num }) =>
      mm(input('x', m, k), T(add(tensor('W', n, k), mul(mm(tensor('B', n, r), tensor('A', r, k)), num(2))))),
    products: ['256x128x96', '256x128x8', '256x8x96'],
  },
  {
    name: 'the weight the other way round',
    trainable: ['A', 'B'],
    y: ({ tensor, input, mm, T, add, mul, num }) =>
      mm(input('x', m, k), add(tensor('W', k, n), T(mul(mm(tensor('B', n, r), tensor('A', r, k)), num(2))))),
    products: ['256x128x96', '256x128x8', '256x8x96'],
  },
  {
    name: 'vectors on both sides of frozen factors',
    trainable: ['d', 'b'],
    y: ({ tensor, input, mm, T, add, mul, column }) =>
      mm(
        input('x', m, k),
        T(add(tensor('W', n, k), mul(mm(tensor('B', n, r), mul(tensor('A', r, k), column(tensor('d', r)))), column(tensor('b', n))))),
      ),
    products: ['256x128x96', '256x128x8', '256x8x96'],
  },
  {
    name: 'a scaled sum: the scale of rows moves to the result',
    trainable: ['A', 'B', 'v'],
    y: ({ tensor, input, mm, T, add, mul, column }) =>
      mm(input('x', m, k), T(mul(add(tensor('W', n, k), mm(tensor('B', n, r), tensor('A', r, k))), column(tensor('v', n))))),
    products: ['256x128x96', '256x128x8', '256x8x96'],
  },
  {
    name: 'the change alone, as a difference',
    trainable: ['A', 'B'],
    y: ({ tensor, input, mm, T, add, sub }) =>
      mm(input('x', m, k), T(sub(add(tensor('W', n, k), mm(tensor('B', n, r), tensor('A', r, k))), tensor('W', n, k)))),
    products: ['256x128x8', '256x8x96'],
  },
  {
    name: 'a chain with a small middle',
    trainable: ['R'],
    y: ({ tensor, input, mm, T }) => mm(input('x', m, k), T(mm(mm(tensor('B', n, r), tensor('R', r, r)), tensor('A', r, k)))),
    products: ['256x128x8', '256x8x8', '256x8x96'],
  },
  {
    name: 'the weight on the left',
    trainable: ['A', 'B'],
    y: ({ tensor, input, mm, T, add }) => mm(add(tensor('W', n, k), mm(tensor('B', n, r), tensor('A', r, k))), T(input('x', m, k))),
    products: ['256x128x96', '256x128x8', '256x8x96'],
  },
  {
    name: 'a sum of full-size weights is added first',
    trainable: ['D'],
    y: ({ tensor, input, mm, T, add }) => mm(input('x', m, k), T(add(tensor('W', n, k), tensor('D', n, k)))),
    products: ['256x128x96'],
  },
  {
    name: 'rows by index: only those that are asked for',
    trainable: ['A', 'B'],
    y: ({ g, tensor, mm, T, add }) =>
      g.add('gather', [
        add(tensor('W', 4 * m, k), T(mm(tensor('B', k, r), tensor('A', r, 4 * m)))),
        g.add('input', [], { name: 'ids', shape: [m], dtype: 'i32' }),
      ]),
    products: ['256x8x128'],
  },
  {
    name: 'squared lengths of rows: no product of full size but W Aᵀ',
    trainable: ['A', 'B'],
    y: ({ g, tensor, mm, add, mul, num }) => {
      const e = add(tensor('W', n, k), mul(mm(tensor('B', n, r), tensor('A', r, k)), num(2)));
      return g.add('sum', [mul(e, e)], { axes: [1] });
    },
    products: ['96x128x8', '8x128x8', '96x8x8'],
  },
  {
    name: 'merging has no activation: the product is formed',
    trainable: ['A', 'B'],
    y: ({ tensor, mm, add }) => add(tensor('W', n, k), mm(tensor('B', n, r), tensor('A', r, k))),
    products: ['96x8x128'],
  },
];

describe('order of evaluation', () => {
  it.each(sites)('$name', (site) => {
    const g = createGraph();
    const graph = g.finish([{ name: 'y', node: site.y(notation(g)), mode: 'value' }]);
    const after = orderWeights(graph, new Set(site.trainable));
    expect(verify(after)).toEqual([]);
    expect(products(after)).toEqual(site.products);
    expect(distance(graph, after)).toBeLessThan(1e-9);
  });

  it('decides by cost: a change of nearly full rank is formed', () => {
    const g = createGraph();
    const w = notation(g);
    const y = w.mm(w.input('x', 512, 64), w.T(w.add(w.tensor('W', 64, 64), w.mm(w.tensor('B', 64, 60), w.tensor('A', 60, 64)))));
    const after = orderWeights(g.finish([{ name: 'y', node: y, mode: 'value' }]), new Set(['A', 'B']));
    expect(products(after)).toEqual(['64x60x64', '512x64x64']);
  });
});

/** An [rows, columns] expression over weights, `depth` deep. */
function randomWeight(w: Notation, random: () => number, rows: number, columns: number, depth: number): NodeId {
  const pick = Math.floor(random() * (depth === 0 ? 1 : 8));
  const inner = (a: number, b: number): NodeId => randomWeight(w, random, a, b, depth - 1);
  const middle = 1 + Math.floor(random() * 4);
  switch (pick) {
    case 1:
      return w.add(inner(rows, columns), inner(rows, columns));
    case 2:
      return w.sub(inner(rows, columns), inner(rows, columns));
    case 3:
      return w.T(inner(columns, rows));
    case 4:
      return w.mm(inner(rows, middle), inner(middle, columns));
    case 5:
      return w.mul(inner(rows, columns), random() < 0.5 ? w.num(0.5) : w.tensor('s'));
    case 6:
      return w.mul(inner(rows, columns), w.column(w.tensor(`v${rows}`, rows)));
    case 7:
      return w.g.add('div', [
        inner(rows, columns),
        w.g.broadcastTo(w.add(w.mul(w.tensor(`u${columns}`, columns), w.num(0.2)), w.num(2)), [rows, columns]),
      ]);
    default:
      return w.tensor(`${'PQ'[Math.floor(random() * 2)]}${rows}x${columns}`, rows, columns);
  }
}

describe('any expression over weights', () => {
  it('keeps its value and its gradients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
        const random = createRandom(seed);
        const g = createGraph();
        const w = notation(g);
        const weight = randomWeight(w, random, 4, 3, 4);
        const y = useOf(w, random, weight);
        const plain = g.finish([{ name: 'y', node: y, mode: 'value' }]);
        const trainable = plain.nodes.flatMap((node) => (node.op === 'tensor' && random() < 0.6 ? [String(node.attrs['name'])] : []));
        const ordered = orderWeights(plain, new Set(trainable));
        expect(verify(ordered)).toEqual([]);
        const [a, b] = [withGradients(plain, trainable), withGradients(ordered, trainable)];
        expect(distance(a, b)).toBeLessThan(1e-9);
      }),
      { numRuns: 500, seed: 77 },
    );
  });
});

/** A [4, 3] weight as adapters use it: multiplied from either side, its rows by index, or the squared lengths of its rows or columns. */
function useOf(w: Notation, random: () => number, weight: NodeId): NodeId {
  const pick = random();
  if (pick < 0.3) return w.mm(weight, w.input('x', 3, 5));
  if (pick < 0.6) return w.mm(w.input('x', 5, 4), weight);
  if (pick < 0.8)
    return w.g.add('gather', [
      weight,
      w.g.add('cast', [w.g.add('floor', [w.mul(w.add(w.input('i', 6), w.num(1)), w.num(1.9))])], { dtype: 'i32' }),
    ]);
  const axis = random() < 0.5 ? 1 : 0;
  return w.g.add('reshape', [w.g.add('sum', [w.mul(weight, weight)], { axes: [axis] })], { shape: [1, axis === 1 ? 4 : 3] });
}

/** loss = Σ y·c beside its gradients by the names of the trained tensors, zero where there is none. */
function withGradients(graph: Graph, trainable: readonly string[]): Graph {
  const g = createGraph(graph);
  const y = graph.outputs[0]?.node as NodeId;
  const { shape } = g.node(y);
  const c = g.add('input', [], { name: 'c', shape, dtype: 'f32' });
  const loss = g.add('sum', [g.add('mul', [y, c])], { axes: [0, 1] });
  const wanted = trainable.map((name) => graph.nodes.findIndex((node) => node.attrs['name'] === name));
  const grads = gradient(
    g,
    loss,
    wanted.filter((id) => id >= 0),
  );
  let next = 0;
  const outputs = trainable.flatMap((name, i) => {
    const id = wanted[i] as number;
    const made = id < 0 ? undefined : grads[next++];
    return made === undefined ? [] : [{ name: `d${name}`, node: made, mode: 'value' as const }];
  });
  return simplify(g.finish([{ name: 'loss', node: loss, mode: 'value' }, ...outputs]), { stops: 'drop' });
}

describe('one adapted linear layer, forward and backward', () => {
  const [rows, inner, outer, rank] = [16, 12, 10, 2];
  const g = createGraph();
  const w = notation(g);
  const weight = w.add(w.tensor('W', outer, inner), w.mul(w.mm(w.tensor('B', outer, rank), w.tensor('A', rank, inner)), w.num(4)));
  const y = w.add(w.mm(w.input('x', rows, inner), w.T(weight)), w.tensor('b', outer));
  const written = g.finish([{ name: 'y', node: y, mode: 'value' }]);
  const graph = withGradients(orderWeights(simplify(written), new Set(['A', 'B'])), ['A', 'B']);

  it('is the golden text: no B@A, no dW', async () => {
    await expect(print(graph)).toMatchFileSnapshot('../golden/low-rank-linear.txt');
    const forms = graph.nodes.filter((node) => node.op === 'matmul').map((node) => node.shape.join('x'));
    expect(forms).not.toContain(`${outer}x${inner}`);
    expect(forms).not.toContain(`${inner}x${outer}`);
  });

  it('costs what the closed form says', () => {
    // forward: x Wᵀ, x Aᵀ, (x Aᵀ) Bᵀ; backward: dB = dyᵀ (x Aᵀ), dy B, dA = (dy B)ᵀ x. x is frozen, so dy W is not there.
    const base = 2 * rows * inner * outer;
    const thin = 2 * rows * rank * (inner + outer);
    expect(graphFlops(graph, 'matmul')).toBe(base + thin + 2 * rows * rank * (2 * outer + inner));
  });
});
