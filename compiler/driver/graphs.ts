/**
 * @file The graphs of an experiment: forward and backward over one batch, evaluation, the update, and merging.
 */
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import { allModules } from '../elaborate/instance.js';
import { elaborateUpdate, learningRate, optimizerState } from '../elaborate/optimizer.js';
import { elaborateTask, mergedSite, type BatchShape, type TaskGraph } from '../elaborate/task-graph.js';
import { createGraph, type GraphBuilder } from '../graph/builder.js';
import type { Graph, NodeId, Output } from '../graph/graph.js';
import type { ScalarExpr } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import { flat, gradientOf, type Layout } from './layout.js';
import { differentiate, finishGraph, prepareForward, type Watch } from './passes.js';

/** A graph with the host scalars that its inputs of shape [] stand for. */
export interface EntryGraph {
  readonly graph: Graph;
  readonly hosts: ReadonlyMap<string, ScalarExpr>;
}

const seed: ScalarExpr = { var: 'seed' };
const withSeed = (e: Elaboration): ReadonlyMap<string, ScalarExpr> => new Map([...e.hosts, ['seed', seed]]);

/** Sum over all axes, as a tensor of one element. */
function total(g: GraphBuilder, node: NodeId): NodeId {
  const { shape } = g.node(node);
  const sum = shape.length === 0 ? node : g.add('sum', [node], { axes: shape.map((_, i) => i) });
  return g.add('reshape', [sum], { shape: [1] });
}

function task(resolved: Resolved, shape: BatchShape, training: boolean, adapted: boolean): { readonly e: Elaboration; readonly g: GraphBuilder; readonly task: TaskGraph } {
  const g = createGraph();
  const e = createElaboration(g, { training, ...(adapted ? { adapters: resolved.adapters } : {}) });
  return { e, g, task: elaborateTask(e, resolved.model, resolved.task, resolved.batch, shape) };
}

/** Which values of a training step the caller wants to read, beside what it accumulates. */
export interface TrainGraphOptions {
  readonly dropout: boolean;
  /** Gradients as values to read instead of sums to add to. */
  readonly readGradients?: boolean;
}

/** Forward and backward over one batch: adds the gradient of the summed loss, the loss and the count to their sums. */
export function trainGraph(resolved: Resolved, layout: Layout, shape: BatchShape, options: TrainGraphOptions, watch?: Watch): EntryGraph {
  const { e, g, task: t } = task(resolved, shape, options.dropout, true);
  const loss = total(g, g.add('mul', [t.loss, t.weight], {}));
  const counted = total(g, t.weight);
  const forward: Output[] = [
    { name: 'loss_sum', node: loss, mode: options.readGradients ? 'value' : 'accumulate', ...(options.readGradients ? {} : { tensor: flat.loss }) },
    { name: 'count', node: counted, mode: options.readGradients ? 'value' : 'accumulate', ...(options.readGradients ? {} : { tensor: flat.count }) },
  ];
  const wanted = layout.trainables.map((p) => ({ name: p.name, shape: p.shape }));
  const graph = differentiate(g.finish(forward), 'loss_sum', wanted, (name, node): Output => (options.readGradients ? { name: gradientOf(name), node, mode: 'value' } : { name: gradientOf(name), node, mode: 'accumulate', tensor: gradientOf(name) }), watch);
  return { graph, hosts: withSeed(e) };
}

/** Forward over one batch without dropout: sums of loss and count, predictions, and logits where asked. */
export function evalGraph(resolved: Resolved, layout: Layout, shape: BatchShape, options: { readonly adapted: boolean; readonly logits: boolean }, watch?: Watch): EntryGraph {
  const { e, g, task: t } = task(resolved, shape, false, options.adapted);
  const outputs: Output[] = [
    { name: 'loss_sum', node: total(g, g.add('mul', [t.loss, t.weight], {})), mode: 'value' },
    { name: 'count', node: total(g, t.weight), mode: 'value' },
    ...(t.prediction === undefined ? [] : [{ name: 'prediction', node: t.prediction, mode: 'value' } as const]),
    ...(options.logits ? [{ name: 'logits', node: t.logits, mode: 'value' } as const] : []),
  ];
  const trainable = new Set(layout.trainables.map((p) => p.name));
  return { graph: finishGraph(prepareForward(g.finish(outputs), trainable, watch), watch), hosts: withSeed(e) };
}

/** The optimiser step: mean gradient, global norm, clipping, update; sums go back to zero. */
export function updateGraph(resolved: Resolved, layout: Layout, watch?: Watch): EntryGraph {
  const g = createGraph();
  const e = createElaboration(g, { training: true });
  const { optimizer, schedule, spec } = resolved;
  const one = (value: number): NodeId => g.constant(value, [1]);
  const wide = (node: NodeId, elements: number): NodeId => g.broadcastTo(node, [elements]);
  const stored = (name: string, elements: number): NodeId => g.add('tensor', [], { name, shape: [elements], dtype: 'f32' });
  const lossSum = stored(flat.loss, 1);
  const count = g.add('max', [stored(flat.count, 1), one(1e-12)]);
  const means = layout.groups.map((elements, group) => g.add('div', [stored(flat.gradient(group), elements), wide(count, elements)]));
  const norm = g.add('sqrt', [means.map((mean) => total(g, g.add('mul', [mean, mean]))).reduce((a, b) => g.add('add', [a, b]))]);
  // PyTorch's clip_grad_norm_: max_norm / (norm + 1e-6), at most 1.
  const clip = spec.tune.clip;
  const scale = clip === null ? undefined : g.add('min', [g.add('div', [one(clip), g.add('add', [norm, one(1e-6)])]), one(1)]);
  const names = optimizerState(optimizer).map((s) => s.name);
  const rate = learningRate(optimizer, schedule);
  const assigned = layout.groups.flatMap((elements, group): Output[] => {
    const mean = means[group] as NodeId;
    const clipped = scale === undefined ? mean : g.add('mul', [mean, wide(scale, elements)]);
    const state = new Map(names.map((name) => [name, stored(flat.state(group, name), elements)] as const));
    const next = elaborateUpdate(e, optimizer, rate, stored(flat.trained(group), elements), clipped, state);
    return [
      { name: `trained.${group}`, node: next.p, mode: 'assign', tensor: flat.trained(group) },
      ...names.map((name): Output => ({ name: `state.${group}.${name}`, node: next.state.get(name) as NodeId, mode: 'assign', tensor: flat.state(group, name) })),
      { name: `gradient.${group}`, node: g.constant(0, [elements]), mode: 'assign', tensor: flat.gradient(group) },
    ];
  });
  const outputs: Output[] = [
    { name: 'loss', node: g.add('div', [lossSum, count]), mode: 'value' },
    { name: 'grad_norm', node: norm, mode: 'value' },
    ...assigned,
    { name: 'loss_zero', node: one(0), mode: 'assign', tensor: flat.loss },
    { name: 'count_zero', node: one(0), mode: 'assign', tensor: flat.count },
  ];
  return { graph: finishGraph(g.finish(outputs), watch), hosts: new Map(e.hosts) };
}

/** Every adapted weight with its adapter folded in, as values named by the stored tensor; biases likewise. */
export function mergeGraph(resolved: Resolved): { readonly entry: EntryGraph; readonly tensors: readonly string[] } | { readonly refused: string } {
  const g = createGraph();
  const e = createElaboration(g, { training: false, adapters: resolved.adapters });
  const outputs: Output[] = [];
  const tensors: string[] = [];
  for (const adapter of resolved.adapters.values()) {
    const site = mergedSite(e, adapter);
    if (site === undefined) return { refused: `${adapter.definition.name.text} changes what a module computes, not its weight, and cannot be merged` };
    outputs.push({ name: `merged/${site.tensor}`, node: site.weight, mode: 'value' });
    tensors.push(site.tensor);
    if (site.bias === undefined) continue;
    if (site.bias.tensor === undefined) return { refused: `${adapter.site.path} has no bias that the adapter's could be merged into` };
    const shape = g.node(site.bias.change).shape;
    const bias = g.add('add', [g.add('tensor', [], { name: site.bias.tensor, shape, dtype: 'f32' }), site.bias.change], {});
    outputs.push({ name: `merged/${site.bias.tensor}`, node: bias, mode: 'value' });
    tensors.push(site.bias.tensor);
  }
  return { entry: { graph: finishGraph(g.finish(outputs)), hosts: new Map(e.hosts) }, tensors };
}

/** Number of parameters of a model, adapters left out. */
export const modelParameters = (resolved: Resolved): number => allModules(resolved.model).reduce((sum, m) => sum + m.storage.reduce((n, s) => n + s.shape.reduce((a, b) => a * b, 1), 0), 0);
