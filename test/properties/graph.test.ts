/**
 * @file Passes over random graphs: what they must keep (meaning, soundness) and the gradient of whole compositions.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGraph } from '../../compiler/graph/builder.js';
import { fold } from '../../compiler/graph/fold.js';
import { gradient } from '../../compiler/graph/grad.js';
import type { Graph, NodeId } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { print } from '../../compiler/graph/print.js';
import { simplify } from '../../compiler/graph/simplify.js';
import { verify } from '../../compiler/graph/verify.js';
import { elements } from '../../compiler/ops/op.js';
import { ops } from '../../compiler/ops/ops.js';
import { differences, relativeError } from '../ops/differences.js';
import { createRandom } from '../ops/samples.js';
import { randomGraph, type RandomGraph } from './random-graph.js';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const runs = { numRuns: 150, seed: 20240607 };

/** How far the outputs of two graphs are apart, the largest over the outputs. */
function distance(a: Graph, b: Graph, feeds: ReadonlyMap<string, Float64Array>): number {
  const [x, y] = [interpret(a, feeds), interpret(b, feeds)];
  return Math.max(...[...x].map(([name, value]) => relativeError(y.get(name) as Float64Array, value, 1)));
}

/** The graph with 1e-3 added to one output: a wrong transformation that every comparison must notice. */
function spoiled(graph: Graph): Graph {
  const g = createGraph(graph);
  const first = graph.outputs.find((o) => g.node(o.node).dtype === 'f32');
  if (first === undefined) return graph;
  const wrong = g.add('add', [first.node, g.constant(1e-3, g.node(first.node).shape)]);
  return g.finish(graph.outputs.map((o) => (o === first ? { ...o, node: wrong } : o)));
}

const passes: readonly { readonly name: string; readonly run: (graph: Graph) => Graph }[] = [
  { name: 'simplify', run: (graph) => simplify(graph) },
  { name: 'simplify, dropping stops', run: (graph) => simplify(graph, { stops: 'drop' }) },
  { name: 'fold', run: (graph) => fold(graph) },
  { name: 'fold after simplify', run: (graph) => fold(simplify(graph)) },
];

describe('passes keep the meaning', () => {
  it.each(passes)('$name', ({ run }) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { graph, feeds } = randomGraph(seed, 24);
        const after = run(graph);
        expect(verify(after)).toEqual([]);
        expect(distance(graph, after, feeds)).toBeLessThan(1e-9);
        if (graph.outputs.some((o) => graph.nodes[o.node]?.dtype === 'f32'))
          expect(distance(graph, spoiled(after), feeds), 'negative control').toBeGreaterThan(1e-9);
      }),
      runs,
    );
  });

  it('reaches a fixed point', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const once = simplify(randomGraph(seed, 24).graph);
        expect(print(simplify(once))).toBe(print(once));
      }),
      runs,
    );
  });
});

describe('print', () => {
  it('is the same for the same construction and for a rebuilt graph', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { graph } = randomGraph(seed, 24);
        const text = print(graph);
        expect(print(randomGraph(seed, 24).graph)).toBe(text);
        expect(print(createGraph(graph).finish(graph.outputs))).toBe(text);
      }),
      { ...runs, numRuns: 40 },
    );
  });
});

describe('random graphs', () => {
  it('use every op of the table', () => {
    const used = new Set<string>();
    for (let seed = 1; seed <= 150; seed += 1) for (const node of randomGraph(seed, 24).graph.nodes) used.add(node.op);
    expect(Object.keys(ops).filter((op) => !used.has(op))).toEqual([]);
  });
});

/** loss = Σ over the outputs of Σ y·c, with its gradients: as written, and simplified. */
function lossGraph(drawn: RandomGraph): Graph {
  const g = drawn.builder;
  const random = createRandom(3);
  let loss: NodeId | undefined;
  for (const output of drawn.outputs) {
    const { shape, dtype } = g.node(output);
    if (dtype !== 'f32') continue;
    const c = g.add('table', [], { data: Float64Array.from({ length: elements(shape) }, () => random() + 0.2), shape, dtype: 'f32' });
    const part = g.add('sum', [g.add('mul', [output, c])], { axes: shape.map((_, i) => i) });
    loss = loss === undefined ? part : g.add('add', [loss, part]);
  }
  const root = loss ?? g.constant(0, []);
  const grads = gradient(g, root, drawn.tensors);
  const outputs = drawn.tensors.flatMap((t, i) =>
    grads[i] === undefined ? [] : [{ name: String(g.node(t).attrs['name']), node: grads[i], mode: 'value' as const }],
  );
  return g.finish([{ name: 'loss', node: root, mode: 'value' }, ...outputs]);
}

describe('gradient of compositions', () => {
  it('agrees with central differences, before and after simplifying', () => {
    let compared = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const drawn = randomGraph(seed, 12);
        if (drawn.graph.nodes.some((n) => ops[n.op].stops)) return;
        const graph = lossGraph(drawn);
        const simple = simplify(graph, { stops: 'drop' });
        expect(verify(graph)).toEqual([]);
        const [plain, simplified] = [interpret(graph, drawn.feeds), interpret(simple, drawn.feeds)];
        for (const [name, value] of plain) {
          if (name === 'loss') continue;
          const expected = differences(graph, drawn.feeds, name);
          expect(relativeError(value, expected)).toBeLessThan(1e-6);
          expect(relativeError(simplified.get(name) as Float64Array, value)).toBeLessThan(1e-9);
          expect(
            relativeError(
              value.map((v, i) => (i === 0 ? v + 1e-3 * Math.hypot(...value, 1) : v)),
              expected,
            ),
            'negative control',
          ).toBeGreaterThan(1e-6);
          compared += 1;
        }
      }),
      { ...runs, numRuns: 160 },
    );
    expect(compared).toBeGreaterThan(60);
  });
});
