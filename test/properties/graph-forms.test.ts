/**
 * @file Graphs by hand: what verify finds, how a graph prints, what the simplifier and the folder make of known ones.
 */
import { describe, expect, it } from 'vitest';
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import { fold } from '../../compiler/graph/fold.js';
import { gradient } from '../../compiler/graph/grad.js';
import type { Graph, Node, NodeId } from '../../compiler/graph/graph.js';
import { print } from '../../compiler/graph/print.js';
import { simplify } from '../../compiler/graph/simplify.js';
import { verify } from '../../compiler/graph/verify.js';

const value = (g: GraphBuilder, node: NodeId): Graph => g.finish([{ name: 'y', node, mode: 'value' }]);

describe('building', () => {
  it('makes equal nodes once and drops what no output needs', () => {
    const g = createGraph();
    const x = g.add('input', [], { name: 'x', shape: [2, 3] });
    const a = g.add('exp', [x]);
    g.add('log', [x]);
    expect(g.add('exp', [x])).toBe(a);
    expect(print(value(g, g.add('add', [a, g.constant(1, [2, 3])])))).toBe(
      [
        '%0: [2, 3] = input(name: "x")',
        '%1: [2, 3] = exp(%0)',
        '%2: [] = const(value: 1)',
        '%3: [1, 1] = reshape(%2)',
        '%4: [2, 3] = broadcast(%3)',
        '%5: [2, 3] = add(%1, %4)',
        'output "y" = %5',
        '',
      ].join('\n'),
    );
  });

  it('tells equal tables from different ones', () => {
    const g = createGraph();
    const table = (...data: number[]): NodeId => g.add('table', [], { data: Float64Array.from(data), shape: [data.length] });
    expect(table(1, 2)).toBe(table(1, 2));
    expect(table(0)).not.toBe(table(-0));
    expect(table(1, 2)).not.toBe(table(2, 1));
  });
});

const node = (op: Node['op'], inputs: number[], shape: number[], attrs: Node['attrs'] = {}): Node => ({
  op,
  inputs,
  shape,
  dtype: 'f32',
  attrs,
});
const x = node('input', [], [2], { name: 'x', shape: [2], dtype: 'f32' });
const w = node('tensor', [], [3], { name: 'w', shape: [3], dtype: 'f32' });

const broken: readonly { readonly problem: string; readonly graph: Graph }[] = [
  { problem: '%1: exp gives f32 [2], not f32 [3]', graph: { nodes: [x, node('exp', [0], [3])], outputs: [] } },
  { problem: '%1: an operand of exp does not stand before it', graph: { nodes: [x, node('exp', [1], [2])], outputs: [] } },
  { problem: '%1: add takes 2 operands, not 1', graph: { nodes: [x, node('add', [0], [2])], outputs: [] } },
  { problem: '%2: equal to %1', graph: { nodes: [x, node('exp', [0], [2]), node('exp', [0], [2])], outputs: [] } },
  {
    problem: '%1: input "x" has two types',
    graph: { nodes: [x, node('input', [], [1], { name: 'x', shape: [1], dtype: 'f32' })], outputs: [] },
  },
  {
    problem: '%1: attribute axes of sum must be of type axes, not -1',
    graph: { nodes: [x, node('sum', [0], [], { axes: [-1] })], outputs: [] },
  },
  { problem: 'output y: there is no node %7', graph: { nodes: [x], outputs: [{ name: 'y', node: 7, mode: 'value' }] } },
  {
    problem: 'output y: the name is used twice',
    graph: {
      nodes: [x],
      outputs: [
        { name: 'y', node: 0, mode: 'value' },
        { name: 'y', node: 0, mode: 'value' },
      ],
    },
  },
  {
    problem: 'output y: [2] does not fill "w" of [3]',
    graph: { nodes: [x, w], outputs: [{ name: 'y', node: 0, mode: 'assign', tensor: 'w' }] },
  },
  { problem: 'output y: no tensor to write', graph: { nodes: [x], outputs: [{ name: 'y', node: 0, mode: 'accumulate' }] } },
];

describe('verify', () => {
  it.each(broken)('$problem', ({ problem, graph }) => expect(verify(graph)).toEqual([problem]));
});

type Term = (g: GraphBuilder, x: NodeId) => NodeId;
const c = (g: GraphBuilder, v: number): NodeId => g.constant(v, [2, 3]);

/** What is written over x: [2, 3], and the ops that are left beside x and constants. */
const simplified: readonly { readonly name: string; readonly term: Term; readonly left: readonly string[] }[] = [
  { name: 'x · 1 + 0', term: (g, x) => g.add('add', [g.add('mul', [x, c(g, 1)]), c(g, 0)]), left: [] },
  { name: '-(-x)', term: (g, x) => g.add('neg', [g.add('neg', [x])]), left: [] },
  { name: '(x · 2) · 3 is one product', term: (g, x) => g.add('mul', [g.add('mul', [x, c(g, 2)]), c(g, 3)]), left: ['mul'] },
  { name: 'x ** 2', term: (g, x) => g.add('pow', [x, c(g, 2)]), left: ['mul'] },
  { name: 'x - x', term: (g, x) => g.add('sub', [x, x]), left: [] },
  { name: 'xᵀᵀ', term: (g, x) => g.transpose(g.transpose(x)), left: [] },
  {
    name: 'a slice of what was padded',
    term: (g, x) => g.add('slice', [g.add('pad', [x], { axis: 0, before: 4, after: 1 })], { axis: 0, start: 4, length: 2 }),
    left: [],
  },
  {
    name: 'a sum over a repeated axis',
    term: (g, x) => g.add('sum', [g.add('broadcast', [g.add('reshape', [x], { shape: [1, 2, 3] })], { shape: [7, 2, 3] })], { axes: [0] }),
    left: ['mul'],
  },
  { name: 'the exponential of a repeated row is taken once', term: (g, x) => g.add('exp', [g.broadcastTo(x, [9, 2, 3])]), left: ['exp'] },
  {
    name: 'rows 0, 1, 2 of a table',
    term: (g, x) => g.add('gather', [x, g.add('iota', [], { axis: 0, shape: [2], dtype: 'i32' })]),
    left: [],
  },
];

describe('simplify', () => {
  it.each(simplified)('$name', ({ term, left }) => {
    const g = createGraph();
    const graph = simplify(value(g, term(g, g.add('input', [], { name: 'x', shape: [2, 3] }))));
    expect(graph.nodes.map((n) => n.op as string).filter((op) => !['input', 'const', 'reshape', 'broadcast'].includes(op))).toEqual(left);
  });

  it('keeps stop_gradient until it has served', () => {
    const g = createGraph();
    const graph = value(g, g.add('stop_gradient', [g.add('input', [], { name: 'x', shape: [2] })]));
    expect(simplify(graph).nodes.map((n) => n.op)).toContain('stop_gradient');
    expect(simplify(graph, { stops: 'drop' }).nodes.map((n) => n.op)).toEqual(['input']);
  });
});

describe('fold', () => {
  const angles = (g: GraphBuilder): NodeId =>
    g.add('cos', [g.add('mul', [g.add('iota', [], { axis: 0, shape: [5] }), g.constant(0.1, [5])])]);
  it('computes cosines once and leaves views outside', () => {
    const g = createGraph();
    const y = g.add('mul', [g.add('input', [], { name: 'x', shape: [4, 5] }), g.broadcastTo(angles(g), [4, 5])]);
    const graph = fold(value(g, y));
    expect(graph.nodes.map((n) => n.op)).toEqual(['input', 'table', 'reshape', 'broadcast', 'mul']);
    expect(graph.nodes[1]?.attrs['data']).toEqual(Float64Array.from([0, 1, 2, 3, 4], (i) => Math.cos(i * 0.1)));
  });
  it('leaves index arithmetic and tables beyond the limit', () => {
    const g = createGraph();
    const mask = g.add('less', [g.add('iota', [], { axis: 0, shape: [5, 5] }), g.add('iota', [], { axis: 1, shape: [5, 5] })]);
    expect(fold(value(g, mask)).nodes.map((n) => n.op)).not.toContain('table');
    const h = createGraph();
    expect(fold(value(h, angles(h)), 4).nodes.map((n) => n.op)).not.toContain('table');
  });
});

describe('gradient', () => {
  it('gives nothing to what the loss does not depend on, and passes no stop', () => {
    const g = createGraph();
    const [a, b, s] = ['a', 'b', 's'].map((name) => g.add('tensor', [], { name, shape: [2] })) as [NodeId, NodeId, NodeId];
    const loss = g.add('sum', [g.add('mul', [a, g.add('stop_gradient', [s])])], { axes: [0] });
    const [da, db, ds] = gradient(g, loss, [a, b, s]);
    expect(da).toBeDefined();
    expect([db, ds]).toEqual([undefined, undefined]);
  });
});
