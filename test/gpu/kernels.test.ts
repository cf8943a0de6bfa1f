/**
 * @file Kernels on a device against the f64 meaning of their graphs: every op of the table, random graphs of all ops, overrides,
 * tables in parts, both kinds of target, and every shader on the null backend first. What a device may differ by is worked out
 * element by element (compiler/kernels/rounding).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import type { Graph, NodeId, Output } from '../../compiler/graph/graph.js';
import { overrides } from '../../compiler/kernels/overrides.js';
import { select, type Selection } from '../../compiler/kernels/select.js';
import { opNames, ops, type OpName } from '../../compiler/ops/ops.js';
import type { Shader, Target } from '../../compiler/plan/program.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { compileShader } from '../../runtime/device-pipeline.js';
import { randomGraph } from '../kernels/random-graph.js';
import { difference, expected, writesTwice } from '../kernels/run-selection.js';
import { softwareTarget } from '../kernels/targets.js';
import { sampleFeeds, sampleNode } from '../ops/samples.js';
import { boundsOf, programOf, runOnDevice, told, worstOutput, type Feeds } from './kernels-device.js';

let device: Device;
let gate: Device;
beforeAll(async () => {
  device = await openDevice();
  gate = await openNullDevice();
});
afterAll(() => {
  device.close();
  gate.close();
});

const kinds = ['software', 'gpu'] as const;
const targetOf = (kind: Target['kind']): Target => ({ ...device.describe().target, kind });

/** Runs a graph; the worst deviation as a share of what is allowed, and how much of it could be judged. */
async function check(
  graph: Graph,
  feeds: Feeds,
  target: Target,
  meant = graph,
): Promise<{ readonly excess: number; readonly where: string; readonly told: number }> {
  const wanted = boundsOf(meant, select(meant, { ...target, maxBindingBytes: softwareTarget.maxBindingBytes }), feeds);
  const found = await runOnDevice(device, gate, programOf(graph, feeds, target), graph, feeds);
  const worst = worstOutput(found, wanted);
  return { excess: worst?.excess ?? 0, where: JSON.stringify(worst), told: told(wanted) };
}

/** All samples of an op in one graph: names of feeds carry the number of the sample. */
function samplesOf(name: OpName): { readonly graph: Graph; readonly feeds: Map<string, Float64Array> } {
  const whole = createGraph();
  const feeds = new Map<string, Float64Array>();
  const outputs: Output[] = [];
  ops[name].samples.forEach((sample, s) => {
    const g = createGraph();
    const graph = g.finish([{ name: 'y', node: sampleNode(g, name, sample).node, mode: 'value' }]);
    const next: NodeId[] = [];
    graph.nodes.forEach((n) =>
      next.push(
        whole.add(
          n.op,
          n.inputs.map((i) => next[i] as NodeId),
          typeof n.attrs['name'] === 'string' ? { ...n.attrs, name: `s${s}.${n.attrs['name']}` } : n.attrs,
        ),
      ),
    );
    outputs.push({ name: `y${s}`, node: next[graph.outputs[0]?.node ?? 0] as NodeId, mode: 'value' });
    for (const [feed, data] of sampleFeeds(sample, 7 + s)) feeds.set(`s${s}.${feed}`, data);
  });
  return { graph: whole.finish(outputs), feeds };
}

const valuesOf = (graph: Graph, selection: Selection, feeds: Feeds): Map<string, Float64Array> =>
  new Map([...boundsOf(graph, selection, feeds)].map(([k, v]) => [k, v.value]));

// The text of a kernel depends on the kind of target for reductions and products alone. A software adapter compiles the GPU's
// product for many seconds: test/kernels/matmul runs it, here it compiles on the null backend.
describe.each([
  ['software', opNames],
  ['gpu', opNames.filter((name) => ops[name].kind === 'reduction')],
] as const)('every op on a %s target', (kind, names) => {
  it.each(names)('%s', async (name) => {
    const { graph, feeds } = samplesOf(name);
    const target = targetOf(kind);
    // The bounded interpreter means what the graph means.
    expect(difference(valuesOf(graph, select(graph, target), feeds), expected(graph, feeds))).toBeLessThan(1e-6);
    const { excess, where, told: judged } = await check(graph, feeds, target);
    expect(judged, 'share of bounds that say something').toBeGreaterThan(0.99);
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});

describe.each(kinds)('random graphs on a %s target', (kind) => {
  const wide = { ...softwareTarget, kind };
  const wanted = 8;
  const fits = (graph: Graph): boolean =>
    !writesTwice(graph) &&
    (kind === 'software' ||
      (select(graph, wide).kernels.every((k) => k.kind !== 'matmul') && select(graph, wide).kernels.some((k) => k.kind === 'row-reduce')));
  const seeds = Array.from({ length: 120 }, (_, i) => i)
    .filter((seed) => fits(randomGraph(1000 + seed, 6 + (seed % 12)).graph))
    .slice(0, wanted);

  it('there are enough of them', () => expect(seeds).toHaveLength(wanted));

  it.each(seeds)('seed %d', async (seed) => {
    const { graph, feeds } = randomGraph(1000 + seed, 6 + (seed % 12));
    const { excess, where } = await check(graph, feeds, targetOf(kind));
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});

describe.each(kinds)('shaders of random graphs for a %s target', (kind) => {
  it('compile on the null backend', async () => {
    const codes = new Map<string, Shader>();
    for (let seed = 0; seed < 40; seed += 1) {
      const { graph, feeds } = randomGraph(5000 + seed, 4 + (seed % 20));
      for (const shader of programOf(graph, feeds, targetOf(kind)).shaders) codes.set(shader.code, shader);
    }
    expect(codes.size).toBeGreaterThan(40);
    for (const shader of codes.values()) await compileShader(gate, shader);
  });

  it('would be refused if they were wrong', async () => {
    const { graph, feeds } = randomGraph(5001, 10);
    const [shader] = programOf(graph, feeds, targetOf(kind)).shaders;
    await expect(
      compileShader(gate, { ...(shader as Shader), code: (shader as Shader).code.replace(/let (\w+) = /, 'let $1: bool = ') }),
    ).rejects.toThrow(/bool/);
  });
});

const wave = (n: number, by = 1): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.fround(Math.sin(1 + 3 * i * by) * 2));
const feed = (g: GraphBuilder, name: string, shape: readonly number[], dtype: 'f32' | 'i32' = 'f32'): NodeId =>
  g.add(dtype === 'f32' ? 'tensor' : 'input', [], { name, shape, dtype });
const value = (name: string, node: NodeId): Output => ({ name, node, mode: 'value' });

/** Graphs that each make one point. Rows of 300 are longer than a workgroup; those of 5 leave lanes without an element. */
const points: readonly (readonly [name: string, build: (g: GraphBuilder) => readonly Output[], feeds: Feeds])[] = [
  [
    'argmax takes the first of equal largest elements',
    (g) =>
      [
        [4, 300],
        [3, 5],
      ].map((shape, i) => value(`y${i}`, g.add('argmax', [feed(g, `x${i}`, shape)]))),
    new Map([
      [
        'x0',
        Float64Array.from(
          { length: 1200 },
          (_, i) => [i % 7, 3, i % 300 === 299 || i % 300 === 77 ? 9 : 0, -4][Math.floor(i / 300)] as number,
        ),
      ],
      ['x1', Float64Array.of(1, 2, 2, 1, 2, -3, -3, -3, -3, -3, 0, -1, -2, -3, 0)],
    ]),
  ],
  [
    'sums and maxima of long, short and single rows',
    (g) =>
      [
        [2, 300],
        [7, 5],
        [3, 1],
        [1, 1030],
      ].flatMap((shape, i) => [
        value(`s${i}`, g.add('sum', [feed(g, `x${i}`, shape)], { axes: [1] })),
        value(`m${i}`, g.add('amax', [feed(g, `x${i}`, shape)], { axes: [1] })),
      ]),
    new Map([600, 35, 3, 1030].map((n, i) => [`x${i}`, wave(n, i + 1)])),
  ],
  [
    'a maximum of numbers below zero',
    (g) => [value('y', g.add('amax', [feed(g, 'x', [3, 70])], { axes: [1] }))],
    new Map([['x', wave(210).map((x) => x - 50)]]),
  ],
  [
    'padding is zero and reads nothing beside',
    (g) => [
      value(
        'y',
        g.add('pad', [g.add('add', [g.add('pad', [feed(g, 'x', [3, 4])], { axis: 0, before: 2, after: 1 }), g.constant(1, [6, 4])])], {
          axis: 1,
          before: 1,
          after: 3,
        }),
      ),
    ],
    new Map([['x', wave(12)]]),
  ],
  [
    'random numbers are those of the interpreter, bit for bit',
    (g) => [
      value('y', g.add('random', [g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' })], { stream: 7, shape: [5, 33] })),
      value('z', g.add('random', [g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' })], { stream: 8, shape: [70] })),
    ],
    new Map([['seed', Float64Array.of(123456789)]]),
  ],
  [
    'numbers of the host',
    (g) => [
      value('y', g.add('mul', [feed(g, 'x', [70]), g.broadcastTo(g.add('input', [], { name: 'a', shape: [], dtype: 'f32' }), [70])])),
      value('z', g.broadcastTo(g.add('input', [], { name: 'n', shape: [], dtype: 'i32' }), [3])),
    ],
    new Map([
      ['x', wave(70)],
      ['a', Float64Array.of(0.1)],
      ['n', Float64Array.of(-3)],
    ]),
  ],
  [
    'whole numbers wrap around',
    (g) => [value('y', g.add('mul', [feed(g, 'x', [3], 'i32'), feed(g, 'z', [3], 'i32')]))],
    new Map([
      ['x', Float64Array.of(65536, 2 ** 31 - 1, -7)],
      ['z', Float64Array.of(65536, 3, 9)],
    ]),
  ],
  [
    'gather clamps, scatter leaves out',
    (g) => [
      value('y', g.add('gather', [feed(g, 't', [4, 3]), feed(g, 'i', [6], 'i32')])),
      value('z', g.add('scatter_add', [feed(g, 'i', [6], 'i32'), feed(g, 'v', [6, 3])], { rows: 4 })),
    ],
    new Map([
      ['t', wave(12)],
      ['i', Float64Array.of(2, -1, 9, 0, 2, 3)],
      ['v', wave(18, 2)],
    ]),
  ],
];

describe.each(kinds)('points on a %s target', (kind) => {
  it.each(points)('%s', async (_, build, feeds) => {
    const g = createGraph();
    const { excess, where, told: judged } = await check(g.finish(build(g)), feeds, targetOf(kind));
    expect(judged).toBe(1);
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});

describe('tables that one binding cannot hold', () => {
  const uses: readonly (readonly [string, (g: GraphBuilder, table: NodeId) => NodeId])[] = [
    ['gather', (g, table) => g.add('gather', [table, feed(g, 'ids', [9], 'i32')])],
    ['x @ Tᵀ', (g, table) => g.add('matmul', [feed(g, 'x', [5, 8]), g.transpose(table)])],
    ['x @ T', (g, table) => g.add('matmul', [feed(g, 'x', [5, 70]), table])],
    ['T @ y', (g, table) => g.add('matmul', [table, feed(g, 'y', [8, 3])])],
    ['Tᵀ @ y', (g, table) => g.add('matmul', [g.transpose(table), feed(g, 'y', [70, 3])])],
  ];
  it.each(uses)('%s', async (name, use) => {
    const g = createGraph();
    const graph = g.finish([value('out', use(g, feed(g, 'table', [70, 8])))]);
    const feeds: Feeds = new Map([
      ['table', wave(560)],
      ['ids', Float64Array.of(0, 69, 31, 32, 5, 63, 64, -2, 80)],
      ['x', wave(name === 'x @ T' ? 350 : 40, 2)],
      ['y', wave(name === 'T @ y' ? 24 : 210, 5)],
    ]);
    // 70 rows of 32 bytes in parts of at most 1792 bytes; everything else fits into one binding.
    const target: Target = { ...targetOf('software'), maxBindingBytes: 1792 };
    expect(programOf(graph, feeds, target).tensors.filter((t) => t.name.startsWith('table#')).length).toBeGreaterThan(1);
    const { excess, where } = await check(graph, feeds, target);
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});

describe.each(overrides.map((o) => [o.name, o] as const))('override %s on a device', (_, override) => {
  it.each(override.samples.map((sample, i) => [i, sample] as const))(
    'sample %d gives what it replaces gives',
    async (_number, { graph, feeds }) => {
      const target = targetOf('software');
      const wanted = boundsOf(graph, select(graph, target, { list: [], everywhere: false }), feeds);
      const plain = await runOnDevice(device, gate, programOf(graph, feeds, target, { list: [], everywhere: false }), graph, feeds);
      const replaced = await runOnDevice(
        device,
        gate,
        programOf(graph, feeds, target, { list: [override], everywhere: true }),
        graph,
        feeds,
      );
      expect(worstOutput(plain, wanted)?.excess ?? 0).toBeLessThanOrEqual(1);
      expect(worstOutput(replaced, wanted)?.excess ?? 0).toBeLessThanOrEqual(1);
    },
  );
});

describe('negative controls', () => {
  const change: readonly (readonly [OpName, OpName])[] = [
    ['add', 'sub'],
    ['max', 'min'],
    ['sum', 'amax'],
  ];
  it.each(change)('%s instead of %s is told apart', async (right, wrong) => {
    const build = (op: OpName): Graph => {
      const g = createGraph();
      const [x, y] = [feed(g, 'x', [3, 40]), feed(g, 'y', [3, 40])];
      return g.finish([value('out', ops[op].kind === 'reduction' ? g.add(op, [g.add('add', [x, y])], { axes: [1] }) : g.add(op, [x, y]))]);
    };
    const feeds: Feeds = new Map([
      ['x', wave(120)],
      ['y', wave(120, 2)],
    ]);
    expect((await check(build(wrong), feeds, targetOf('software'), build(right))).excess).toBeGreaterThan(100);
  });

  it('one element of a long sum left out is told apart', async () => {
    const g = createGraph();
    const graph = g.finish([value('out', g.add('sum', [feed(g, 'x', [1000])], { axes: [0] }))]);
    const x = wave(1000).map((v, i) => (i === 999 ? 1 : v));
    const wanted = boundsOf(graph, select(graph, targetOf('software')), new Map([['x', x]]));
    const feeds: Feeds = new Map([['x', x.map((v, i) => (i === 999 ? 0 : v))]]);
    const found = await runOnDevice(device, gate, programOf(graph, feeds, targetOf('software')), graph, feeds);
    expect(worstOutput(found, wanted)?.excess ?? 0).toBeGreaterThan(1);
  });
});
