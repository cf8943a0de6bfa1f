/**
 * @file Every model of the standard library on a tiny configuration, for every task it says it can do, with every method on every
 * linear layer: shapes, the gradient of each trained tensor against differences in f64, and merging. A model is found by its
 * definition; `configs/NAME.json` holds its configuration.
 */
import { describe, expect, it } from 'vitest';
import { evalGraph, mergeGraph, trainGraph, type EntryGraph } from '../../compiler/driver/graphs.js';
import { gradientOf, layoutOf } from '../../compiler/driver/layout.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import type { Resolved } from '../../compiler/spec/check.js';
import { createRandom } from '../ops/samples.js';
import { configs, modelTasks } from '../spec/world.js';
import { found } from './definitions.js';
import { batchFeeds, call, experiment, tensorFeeds } from './experiment.js';

const rows = 2;
const tokens = 6;
const tolerance = 1e-6;
const models = found('model').map((d) => d.definition.name.text);
const adapters = found('adapter').map((d) => d.definition);

/** A method as it is by default, and with every switch turned on. */
const methods = adapters.flatMap((d) => {
  const small = d.params.some((p) => p.name.text === 'rank') ? { rank: '2' } : {};
  const switches = Object.fromEntries(d.params.flatMap((p) => (p.type?.kind === 'type-name' && p.type.name.text === 'Bool' ? [[p.name.text, 'true'] as const] : [])));
  return [
    { method: call(d, small), plain: true },
    { method: call(d, { ...small, ...switches }), plain: false },
  ];
});

const cases = models.flatMap((model) => modelTasks(model).flatMap((task) => methods.map((m) => ({ model, task, ...m }))));

function feedsOf(r: Resolved, model: string, entry: EntryGraph): Map<string, Float64Array> {
  const vocabulary = configs.get(model)?.['vocab_size'] as number;
  return new Map([...tensorFeeds(entry, 17), ...batchFeeds(r.batch, rows, tokens, vocabulary)]);
}

const value = (result: ReadonlyMap<string, Float64Array>, name: string): Float64Array => result.get(name) as Float64Array;

function distance(a: Float64Array, b: Float64Array): number {
  const norm = (x: Float64Array): number => Math.sqrt(x.reduce((s, v) => s + v * v, 0));
  return norm(a.map((v, i) => v - (b[i] as number))) / norm(b);
}

describe('models', () => {
  it('each has a tiny configuration, and no configuration is left over', () => expect([...configs.keys()].sort()).toEqual([...models].sort()));
  it('each can do something', () => expect(models.filter((m) => modelTasks(m).length === 0)).toEqual([]));
  it('there are methods to put on them', () => expect(methods.length).toBeGreaterThan(1));
});

describe.each(cases)('$model for $task with $method', ({ model, task, method, plain }) => {
  const hidden = task === 'mlm' ? { rate: '60%' } : {};
  const r = experiment(model, task, `adapt linears with ${method} train all except linears`, hidden);
  const layout = layoutOf(r);

  it('has logits of the right shape', () => {
    const { graph } = evalGraph(r, layout, { rows, tokens }, { adapted: true, logits: true });
    expect(verify(graph)).toEqual([]);
    const logits = graph.outputs.find((o) => o.name === 'logits');
    const shape = graph.nodes[logits?.node ?? -1]?.shape;
    const labels = r.task.args.get('labels');
    expect(shape).toEqual(labels?.kind === 'number' ? [rows, labels.value] : [rows, tokens, configs.get(model)?.['vocab_size']]);
  });

  it('has the gradient of each trained tensor', () => {
    const entry = trainGraph(r, layout, { rows, tokens }, { dropout: false, readGradients: true });
    expect(verify(entry.graph)).toEqual([]);
    const feeds = feedsOf(r, model, entry);
    const result = interpret(entry.graph, feeds);
    expect(value(result, 'count')[0]).toBeGreaterThan(0);
    const loss = { nodes: entry.graph.nodes, outputs: entry.graph.outputs.filter((o) => o.name === 'loss_sum') };
    expect(layout.trainables.filter((t) => !result.has(gradientOf(t.name))).map((t) => t.name)).toEqual([]);
    for (const t of layout.trainables) {
      const gradient = value(result, gradientOf(t.name));
      const random = createRandom(29);
      const direction = gradient.map(() => 0.2 + random());
      const expected = differenceAlong(loss, feeds, t.name, direction);
      const error = (g: Float64Array): number => Math.abs(g.reduce((s, v, i) => s + v * (direction[i] as number), 0) - expected) / Math.max(Math.abs(expected), 1e-2);
      expect(error(gradient), t.name).toBeLessThan(tolerance);
      expect(error(gradient.map((v, i) => (i === 0 ? v + 1e-3 : v))), `negative control: ${t.name}`).toBeGreaterThan(tolerance);
    }
  });

  if (!plain) return;
  it('computes the same with its weights merged', () => {
    const merged = mergeGraph(r);
    if (!('entry' in merged)) throw new Error(merged.refused);
    const options = { logits: true, adapted: true };
    const adapted = evalGraph(r, layout, { rows, tokens }, options);
    const bare = evalGraph(r, layout, { rows, tokens }, { ...options, adapted: false });
    const feeds = feedsOf(r, model, adapted);
    const weights = interpret(merged.entry.graph, new Map([...tensorFeeds(merged.entry, 17), ...feeds]));
    const expected = value(interpret(adapted.graph, feeds), 'logits');
    const plainFeeds = feedsOf(r, model, bare);
    const with_ = new Map([...plainFeeds, ...merged.tensors.map((name) => [name, value(weights, `merged/${name}`)] as const)]);
    expect(distance(value(interpret(bare.graph, with_), 'logits'), expected)).toBeLessThan(1e-10);
    expect(distance(value(interpret(bare.graph, plainFeeds), 'logits'), expected), 'negative control').toBeGreaterThan(1e-4);
  });
});

/** The slope of the loss along a direction: (4·D(h) - D(2h)) / 3 with D(h) the central difference, accurate to h⁴. */
function differenceAlong(graph: EntryGraph['graph'], feeds: ReadonlyMap<string, Float64Array>, name: string, direction: Float64Array): number {
  const base = feeds.get(name) as Float64Array;
  const at = (h: number): number => value(interpret(graph, new Map(feeds).set(name, base.map((v, i) => v + h * (direction[i] as number)))), 'loss_sum')[0] as number;
  const central = (h: number): number => (at(h) - at(-h)) / (2 * h);
  const h = 1e-4;
  return (4 * central(h) - central(2 * h)) / 3;
}
