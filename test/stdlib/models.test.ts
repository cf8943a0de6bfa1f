/**
 * @file Every model of the standard library on a tiny configuration with every method, for every task it says it can do: shapes, the
 * gradient of what is trained against differences in f64, merging, and what is written and read back. A model is found by its
 * definition; `configs/NAME.json` holds its configuration.
 *
 * Every method meets every model on the model's first task, and every task of a model meets the first method.
 */
import { describe, expect, it } from 'vitest';
import { adapterFiles } from '../../compiler/driver/adapter-files.js';
import { evalGraph, initialGraph, mergeGraph, saveGraph, trainGraph, updateGraph, type EntryGraph } from '../../compiler/driver/graphs.js';
import { gradientOf, layoutOf, type Layout } from '../../compiler/driver/layout.js';
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { elaborateTask } from '../../compiler/elaborate/task-graph.js';
import { createGraph } from '../../compiler/graph/builder.js';
import type { Graph } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Definition } from '../../grammar/ast.js';
import { createRandom } from '../ops/samples.js';
import { configs, modelOf, modelTasks, type JsonObject } from '../spec/world.js';
import { found } from './definitions.js';
import { batchFeeds, call, experiment, tensorFeeds } from './experiment.js';

const rows = 2;
const tokens = 6;
const tolerance = 1e-5;
const models = found('model').map((d) => d.definition.name.text);
const adapters = found('adapter').map((d) => d.definition);

/** Sizes that fit tiny weights, by the parameter they are given to. */
const small: Readonly<Record<string, string>> = { rank: '2', block: '2', group: '2', vector_length: '2', num_vectors: '3', frequencies: '5', virtual_tokens: '2', scaling: '2' };

interface Method {
  readonly method: string;
  /** As it is by default; else with every switch turned on. */
  readonly plain: boolean;
}

function methodsOf(d: Definition): Method[] {
  const sizes = Object.fromEntries(d.params.flatMap((p) => (small[p.name.text] === undefined ? [] : [[p.name.text, small[p.name.text] as string] as const])));
  const switches = Object.fromEntries(d.params.flatMap((p) => (p.type?.kind === 'type-name' && p.type.name.text === 'Bool' ? [[p.name.text, 'true'] as const] : [])));
  const plain = { method: call(d, sizes), plain: true };
  return Object.keys(switches).length === 0 ? [plain] : [plain, { method: call(d, { ...sizes, ...switches }), plain: false }];
}

/** Whether a model has a module that a method acts on, is told by the check; nothing else may be wrong. */
const fits = (model: string, task: string, method: string): boolean => {
  try {
    adapted(model, task, method);
    return true;
  } catch (error) {
    if (/nothing here (is an? \w+ module|has a tensor)/.test(String(error))) return false;
    throw error;
  }
};

/** A head of one output has no room for a rank. */
const selectorOf = (model: string, task: string): string => (modelOf(model, configs.get(model) as JsonObject, task).parts.has('head') || task !== 'causal' ? 'all except head' : 'all');

const adapted = (model: string, task: string, method: string): Resolved => experiment(model, task, `adapt ${selectorOf(model, task)} with ${method}`, task === 'mlm' ? { rate: '60%' } : {});

const cases = models.flatMap((model) => {
  const [first, ...others] = modelTasks(model) as [string, ...string[]];
  const methods = adapters.flatMap(methodsOf).filter(({ method }) => fits(model, first, method));
  // A method with its switches on meets the first model alone.
  return [...methods.filter((m) => m.plain || model === models[0] || model === models[models.length - 1]).map((m) => ({ model, task: first, ...m })), ...others.map((task) => ({ model, task, ...(methods[0] as Method) }))];
});

function feedsOf(r: Resolved, model: string, entry: Pick<EntryGraph, 'graph' | 'hosts'>): Map<string, Float64Array> {
  const vocabulary = configs.get(model)?.['vocab_size'] as number;
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
  for (const [name, node] of stopped) held.set(name, value(interpret({ nodes: before.slice(0, node + 1), outputs: [{ name, node, mode: 'value' }] }, held), name));
  const at = (h: number): number => {
    const moved = new Map(held);
    for (const [name, direction] of directions) moved.set(name, value(held, name).map((v, i) => v + h * (direction[i] as number)));
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

describe('models', () => {
  it('each has a tiny configuration, and no configuration is left over', () => expect([...configs.keys()].sort()).toEqual([...models].sort()));
  it('each can do something', () => expect(models.filter((m) => modelTasks(m).length === 0)).toEqual([]));
  it('every method acts on some model', () => expect(adapters.filter((d) => !cases.some((c) => c.method.startsWith(`${d.name.text}(`))).map((d) => d.name.text)).toEqual([]));
  it('every model has every kind of method', () => expect(models.filter((m) => cases.filter((c) => c.model === m).length < adapters.length / 2)).toEqual([]));
});

describe.each(cases)('$model for $task with $method', ({ model, task, method }) => {
  const r = adapted(model, task, method);
  const layout = layoutOf(r);

  it('has logits of the right shape', () => {
    const { graph } = evalGraph(r, layout, { rows, tokens }, { adapted: true, logits: true });
    expect(verify(graph)).toEqual([]);
    const shape = graph.nodes[graph.outputs.find((o) => o.name === 'logits')?.node ?? -1]?.shape ?? [];
    const labels = r.task.args.get('labels');
    const one = r.batch.some((f) => f.recipe === 'class' || f.recipe === 'number');
    const width = labels?.kind === 'number' ? labels.value : one ? 1 : configs.get(model)?.['vocab_size'];
    expect([shape[0], shape.at(-1)]).toEqual([rows, width]);
    expect(shape.length).toBe(one ? 2 : 3);
    if (!one) expect(shape[1]).toBe(method.startsWith('prompt') ? tokens + 2 : tokens);
  });

  it('has the gradient of what is trained', () => {
    const entry = trainGraph(r, layout, { rows, tokens }, { dropout: false, readGradients: true });
    expect(verify(entry.graph)).toEqual([]);
    expect(verify(updateGraph(r, layout).graph)).toEqual([]);
    const raw = rawLoss(r);
    const feeds = feedsOf(r, model, { graph: { nodes: [...entry.graph.nodes, ...raw.graph.nodes], outputs: [] }, hosts: entry.hosts });
    const result = interpret(entry.graph, feeds);
    expect(value(result, 'count')[0]).toBeGreaterThan(0);
    expect(layout.trainables.length).toBeGreaterThan(0);
    const directions = directionsOf(layout);
    const slope = (extra: number): number => layout.trainables.reduce((sum, t) => sum + value(result, gradientOf(t.name)).reduce((s, v, i) => s + (v + (i === 0 ? extra : 0)) * (value(directions, t.name)[i] as number), 0), 0);
    const expected = differenceAlong(r, feeds, directions);
    const error = (got: number): number => Math.abs(got - expected) / Math.max(Math.abs(expected), 1e-2);
    if (method.includes('peft_gradient: true')) return;
    expect(error(slope(0))).toBeLessThan(tolerance);
    expect(error(slope(1e-3)), 'negative control').toBeGreaterThan(tolerance);
  });

  it('computes the same with its weights merged, or says why it cannot', () => {
    const merged = mergeGraph(r, layout);
    if (!('entry' in merged)) return expect(merged.refused).toMatch(/has no weight to merge into|has no bias that|is used elsewhere too|is no stored tensor/);
    expect(verify(merged.entry.graph)).toEqual([]);
    const options = { logits: true, adapted: true };
    const whole = evalGraph(r, layout, { rows, tokens }, options);
    const bare = evalGraph(r, layout, { rows, tokens }, { ...options, adapted: false });
    const feeds = feedsOf(r, model, whole);
    const weights = interpret(merged.entry.graph, new Map([...tensorFeeds(merged.entry, 17), ...feeds]));
    const expected = value(interpret(whole.graph, feeds), 'logits');
    const plainFeeds = feedsOf(r, model, bare);
    const with_ = new Map([...plainFeeds, ...merged.tensors.map(({ name }) => [name, value(weights, `merged/${name}`)] as const)]);
    expect(distance(value(interpret(bare.graph, with_), 'logits'), expected)).toBeLessThan(1e-9);
    // A method that trains tensors of the model in place has nothing to fold in.
    const inPlace = [...r.adapters.values()].every((a) => a.storage.length === 0);
    const apart = distance(value(interpret(bare.graph, plainFeeds), 'logits'), expected);
    if (inPlace) expect(apart).toBe(0);
    else expect(apart, 'negative control').toBeGreaterThan(1e-5);
  });

  it('writes every tensor that it trains, each once', () => {
    const saved = saveGraph(r);
    if (saved !== undefined) expect(verify(saved.entry.graph)).toEqual([]);
    const initial = initialGraph(r);
    if (initial !== undefined) expect(verify(initial.graph)).toEqual([]);
    const files = adapterFiles(r, layout, saved?.saved ?? []);
    const inPlace = [...r.adapters.values()].every((a) => a.storage.length === 0) && files.length === 0;
    if (inPlace) return;
    expect(files.length).toBe(1);
    const written = files.flatMap((f) => f.tensors);
    expect(layout.trainables.filter((t) => !written.some((w) => w.name === t.name)).map((t) => t.name)).toEqual([]);
    expect(new Set(written.map((w) => w.key)).size).toBe(written.length);
  });
});
