/**
 * @file Fusion: how many kernels, and of which kinds, well-known pieces of a model become. A case is a graph and the kinds of its
 * kernels in order; what they compute is held against the graph as well.
 */
import { describe, expect, it } from 'vitest';
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import type { NodeId, Output } from '../../compiler/graph/graph.js';
import { printKernels } from '../../compiler/kernels/print.js';
import { arrayLimit, select } from '../../compiler/kernels/select.js';
import { verifySelection } from '../../compiler/kernels/verify.js';
import { chooser } from './random-graph.js';
import { difference, expected, runSelection } from './run-selection.js';
import { softwareTarget } from './targets.js';

/** Writes graphs briefly; every tensor made is fed with numbers, and a constant is written as text. */
function kit(g: GraphBuilder, feeds: Map<string, Float64Array>) {
  const c = chooser(5);
  const t = (...shape: number[]): NodeId => {
    const name = `t${feeds.size}`;
    feeds.set(name, Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, c.real));
    return g.add('tensor', [], { name, shape });
  };
  const shape = (x: NodeId): readonly number[] => g.node(x).shape;
  const op = (name: 'add' | 'sub' | 'mul' | 'div' | 'max', a: NodeId, b: NodeId | string): NodeId =>
    g.add(name, [a, typeof b === 'string' ? g.constant(Number(b), shape(a)) : g.broadcastTo(b, shape(a))]);
  const rows = (name: 'sum' | 'amax', x: NodeId): NodeId =>
    g.add('reshape', [g.add(name, [x], { axes: [shape(x).length - 1] })], { shape: [...shape(x).slice(0, -1), 1] });
  const softmax = (x: NodeId): NodeId => {
    const e = g.add('exp', [op('sub', x, rows('amax', x))]);
    return op('div', e, rows('sum', e));
  };
  const norm = (x: NodeId): NodeId => {
    const n = shape(x).at(-1) as number;
    const centred = op('sub', x, op('div', rows('sum', x), String(n)));
    return op('div', centred, g.add('sqrt', [op('add', op('div', rows('sum', op('mul', centred, centred)), String(n)), '1e-5')]));
  };
  const heads = (x: NodeId, b: number, h: number): NodeId => {
    const [n, width] = shape(x) as [number, number];
    return g.add('permute', [g.add('reshape', [x], { shape: [b, n / b, h, width / h] })], { perm: [0, 2, 1, 3] });
  };
  const merge = (x: NodeId): NodeId => {
    const [b, h, n, d] = shape(x) as [number, number, number, number];
    return g.add('reshape', [g.add('permute', [x], { perm: [0, 2, 1, 3] })], { shape: [b * n, h * d] });
  };
  const mm = (a: NodeId, b: NodeId): NodeId => g.add('matmul', [a, b]);
  const gelu = (x: NodeId): NodeId => op('mul', op('mul', x, op('add', g.add('erf', [op('div', x, '1.5')]), '1')), '0.5');
  return { t, op, rows, softmax, norm, heads, merge, mm, gelu };
}
type Kit = ReturnType<typeof kit>;

const value = (node: NodeId, name = 'y'): Output => ({ name, node, mode: 'value' });

const cases: readonly {
  readonly name: string;
  readonly kernels: string;
  readonly build: (k: Kit, g: GraphBuilder) => readonly Output[];
}[] = [
  { name: 'softmax', kernels: 'row-reduce', build: ({ t, softmax }) => [value(softmax(t(30, 7)))] },
  {
    name: 'layer normalisation with gain and shift',
    kernels: 'row-reduce',
    build: ({ t, norm, op }) => [value(op('add', op('mul', norm(t(30, 7)), t(1, 7)), t(1, 7)))],
  },
  {
    name: 'residual, then normalisation, both wanted',
    kernels: 'row-reduce',
    build: ({ t, norm, op }) => {
      const x = op('add', t(30, 7), t(30, 7));
      return [value(x, 'x'), value(norm(x))];
    },
  },
  {
    name: 'product with bias, activation and residual',
    kernels: 'matmul',
    build: ({ t, mm, op, gelu }) => [value(op('add', gelu(op('add', mm(t(6, 5), t(5, 4)), t(1, 4))), t(6, 4)))],
  },
  {
    name: 'product with a scaled low-rank term',
    kernels: 'matmul matmul',
    build: ({ t, mm, op }) => {
      const x = t(6, 5);
      return [value(op('add', op('add', mm(x, t(5, 4)), op('mul', mm(mm(x, t(5, 2)), t(2, 4)), '0.5')), t(1, 4)))];
    },
  },
  {
    name: 'attention, heads split and merged',
    kernels: 'matmul row-reduce matmul matmul',
    build: ({ t, mm, op, softmax, heads, merge }, g) => {
      const [q, k, v] = [heads(t(10, 6), 2, 3), heads(t(10, 6), 2, 3), heads(t(10, 6), 2, 3)] as const;
      const p = softmax(op('add', op('mul', mm(q, g.transpose(k)), '0.7'), t(2, 1, 1, 5)));
      return [value(mm(merge(mm(p, v)), t(6, 4)))];
    },
  },
  {
    name: 'an optimiser step over flat tensors',
    kernels: 'pointwise',
    build: ({ t, op }, g) => {
      const [p, m, d] = [t(64), t(64), t(64)] as const;
      const name = (x: NodeId): string => g.node(x).attrs['name'] as string;
      const next = op('add', op('mul', m, '0.9'), op('mul', d, '0.1'));
      return [
        { name: 'p', node: op('sub', p, op('mul', next, '0.01')), mode: 'assign', tensor: name(p) },
        { name: 'm', node: next, mode: 'assign', tensor: name(m) },
        { name: 'd', node: g.constant(0, [64]), mode: 'assign', tensor: name(d) },
      ];
    },
  },
  {
    name: 'a sum over everything in two stages',
    kernels: 'row-reduce row-reduce',
    build: ({ t }, g) => [value(g.add('sum', [t(64, 32)], { axes: [0, 1] }))],
  },
  {
    name: "tensors that take each other's place",
    kernels: 'pointwise pointwise pointwise',
    build: ({ t }, g) => {
      const [a, b] = [t(3, 4), t(4, 3)] as const;
      const name = (x: NodeId): string => g.node(x).attrs['name'] as string;
      return [
        { name: 'a', node: g.transpose(b), mode: 'assign', tensor: name(a) },
        { name: 'b', node: g.transpose(a), mode: 'assign', tensor: name(b) },
      ];
    },
  },
  {
    name: 'six products and three other addends with eight arrays a kernel',
    kernels: 'matmul matmul matmul',
    build: ({ t, mm, op }) => {
      let sum = op('add', t(6, 4), t(6, 4));
      for (let i = 0; i < 6; i += 1) sum = op('add', sum, op('mul', mm(t(6, 3 + i), t(3 + i, 4)), i < 3 ? '2' : '1'));
      return [value(op('add', sum, t(6, 4)))];
    },
  },
];

describe('fusion', () => {
  it.each(cases)('$name: $kernels', ({ kernels, build }) => {
    const g = createGraph();
    const feeds = new Map<string, Float64Array>();
    const graph = g.finish(build(kit(g, feeds), g));
    const selection = select(graph, softwareTarget);
    expect(selection.kernels.map((k) => k.kind).join(' '), printKernels(selection.kernels)).toBe(kernels);
    expect(verifySelection(selection, arrayLimit(softwareTarget))).toEqual([]);
    expect(difference(runSelection(graph, selection, feeds), expected(graph, feeds))).toBeLessThan(1e-12);
  });
});
