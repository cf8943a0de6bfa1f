/**
 * @file What a method on a model is held to: the gradient of what is trained against differences in f64, and the merged weight against
 * the adapted model.
 */
import { expect } from 'vitest';
import { evalGraph, mergeGraph, trainGraph, type EntryGraph } from '../../compiler/driver/graphs.js';
import { gradientOf, type Layout } from '../../compiler/driver/layout.js';
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { elaborateTask } from '../../compiler/elaborate/task-graph.js';
import { createGraph } from '../../compiler/graph/builder.js';
import type { Graph } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import type { Resolved } from '../../compiler/spec/check.js';
import { createRandom } from '../ops/samples.js';
import { batchFeeds, tensorFeeds } from './experiment.js';

/** Size of the batches. */
export const rows = 2;
export const tokens = 6;
const tolerance = 1e-5;

function feedsOf(r: Resolved, entry: Pick<EntryGraph, 'graph' | 'hosts'>): Map<string, Float64Array> {
  const size = r.model.params.get('vocab_size');
  const vocabulary = size?.kind === 'number' ? size.value : 0;
  return new Map([...tensorFeeds(entry, 17), ...batchFeeds(r.batch, rows, tokens, vocabulary)]);
}

const value = (result: ReadonlyMap<string, Float64Array>, name: string): Float64Array => result.get(name) as Float64Array;

function distance(a: Float64Array, b: Float64Array): number {
  const norm = (x: Float64Array): number => Math.sqrt(x.reduce((s, v) => s + v * v, 0));
  return norm(a.map((v, i) => v - (b[i] as number))) / norm(b);
}

/** The summed loss as it is elaborated, before any pass, with the values behind `stop_gradient` as further inputs. */
function rawLoss(r: Resolved): { readonly graph: Graph; readonly before: Graph['nodes']; readonly stopped: ReadonlyMap<string, number> } {
  const g = createGraph();
  const t = elaborateTask(createElaboration(g, { training: false, adapters: r.adapters }), r.model, r.task, r.batch, { rows, tokens });
  const product = g.add('mul', [t.loss, t.weight]);
  const axes = g.node(product).shape.map((_, i) => i);
  const whole = g.finish([{ name: 'loss_sum', node: axes.length === 0 ? product : g.add('sum', [product], { axes }), mode: 'value' }]);
  const stopped = new Map<string, number>();
  const nodes = whole.nodes.map((node, i) => {
    if (node.op !== 'stop_gradient' && node.op !== 'argmax') return node;
    // Which element is the largest is held as well: it jumps.
    stopped.set(`stopped.${i}`, node.op === 'argmax' ? i : (node.inputs[0] as number));
    return { ...node, op: 'input' as const, inputs: [], attrs: { name: `stopped.${i}`, shape: node.shape, dtype: node.dtype } };
  });
  return { graph: { ...whole, nodes }, before: whole.nodes, stopped };
}

/** The slope of the loss along a direction in every trained tensor: (4·D(h) - D(2h)) / 3 with D(h) the central difference, accurate to
 * h⁴. What the gradient takes for constant is held at its value. */
function differenceAlong(r: Resolved, feeds: ReadonlyMap<string, Float64Array>, directions: ReadonlyMap<string, Float64Array>): number {
  const { graph, before, stopped } = rawLoss(r);
  const held = new Map(feeds);
  // In the order of the nodes: a stopped value may depend on earlier ones.
  for (const [name, node] of stopped)
    held.set(name, value(interpret({ nodes: before.slice(0, node + 1), outputs: [{ name, node, mode: 'value' }] }, held), name));
  const at = (h: number): number => {
    const moved = new Map(held);
    for (const [name, direction] of directions)
      moved.set(
        name,
        value(held, name).map((v, i) => v + h * (direction[i] as number)),
      );
    return value(interpret(graph, moved), 'loss_sum')[0] as number;
  };
  const central = (h: number): number => (at(h) - at(-h)) / (2 * h);
  const h = 2e-5;
  return (4 * central(h) - central(2 * h)) / 3;
}

function directionsOf(layout: Layout): Map<string, Float64Array> {
  const random = createRandom(29);
  return new Map(layout.trainables.map((t) => [t.name, Float64Array.from({ length: t.elements }, () => 0.2 + random())] as const));
}

/** The gradient of what is trained is the slope of the loss, and a wrong one is not. */
export function expectGradient(r: Resolved, layout: Layout): void {
  const entry = trainGraph(r, layout, { rows, tokens }, { dropout: false, readGradients: true });
  expect(verify(entry.graph)).toEqual([]);
  const raw = rawLoss(r);
  const feeds = feedsOf(r, { graph: { nodes: [...entry.graph.nodes, ...raw.graph.nodes], outputs: [] }, hosts: entry.hosts });
  const result = interpret(entry.graph, feeds);
  expect(value(result, 'count')[0]).toBeGreaterThan(0);
  expect(layout.trainables.length).toBeGreaterThan(0);
  const directions = directionsOf(layout);
  const slope = (extra: number): number =>
    layout.trainables.reduce(
      (sum, t) =>
        sum +
        value(result, gradientOf(t.name)).reduce(
          (s, v, i) => s + (v + (i === 0 ? extra : 0)) * (value(directions, t.name)[i] as number),
          0,
        ),
      0,
    );
  const expected = differenceAlong(r, feeds, directions);
  const error = (got: number): number => Math.abs(got - expected) / Math.max(Math.abs(expected), 1e-2);
  expect(error(slope(0))).toBeLessThan(tolerance);
  expect(error(slope(1e-3)), 'negative control').toBeGreaterThan(tolerance);
}

/** The base with the adapters folded in computes what the adapted model does; gives why it cannot be merged. */
export function expectMerged(r: Resolved, layout: Layout): string | undefined {
  const merged = mergeGraph(r, layout);
  if (!('entry' in merged)) return merged.refused;
  expect(verify(merged.entry.graph)).toEqual([]);
  const options = { logits: true, adapted: true };
  const whole = evalGraph(r, layout, { rows, tokens }, options);
  const bare = evalGraph(r, layout, { rows, tokens }, { ...options, adapted: false });
  const feeds = feedsOf(r, whole);
  const weights = interpret(merged.entry.graph, new Map([...tensorFeeds(merged.entry, 17), ...feeds]));
  const expected = value(interpret(whole.graph, feeds), 'logits');
  const plainFeeds = feedsOf(r, bare);
  const with_ = new Map([...plainFeeds, ...merged.tensors.map(({ name }) => [name, value(weights, `merged/${name}`)] as const)]);
  expect(distance(value(interpret(bare.graph, with_), 'logits'), expected)).toBeLessThan(1e-9);
  // A method that trains tensors of the model in place has nothing to fold in.
  const inPlace = [...r.adapters.values()].every((a) => a.storage.length === 0);
  const apart = distance(value(interpret(bare.graph, plainFeeds), 'logits'), expected);
  if (inPlace) expect(apart).toBe(0);
  else expect(apart, 'negative control').toBeGreaterThan(1e-5);
  return undefined;
}
