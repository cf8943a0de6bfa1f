/**
 * @file The graphs of an experiment: forward and backward over one batch, evaluation, merging, first values and what is saved.
 */
import type { Expr } from '../../grammar/ast.js';
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import { adapterScope } from '../elaborate/adapter.js';
import { allModules, keyPrefix, type AdapterInstance, type ModuleInstance } from '../elaborate/instance.js';
import { decodedWeight } from '../elaborate/format.js';
import { stop } from '../elaborate/stop.js';
import { shapeOf, showShape, toNode } from '../elaborate/tensors.js';
import { mergedSite } from '../elaborate/merge.js';
import { elaborateTask, type BatchShape, type TaskGraph } from '../elaborate/task-graph.js';
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
export function total(g: GraphBuilder, node: NodeId): NodeId {
  const { shape } = g.node(node);
  const sum = shape.length === 0 ? node : g.add('sum', [node], { axes: shape.map((_, i) => i) });
  return g.add('reshape', [sum], { shape: [1] });
}

function task(
  resolved: Resolved,
  shape: BatchShape,
  training: boolean,
  adapted: boolean,
  checkpoints = false,
): { readonly e: Elaboration; readonly g: GraphBuilder; readonly task: TaskGraph } {
  const g = createGraph();
  const e = createElaboration(g, { training, checkpoints, formats: resolved.formats, ...(adapted ? { adapters: resolved.adapters } : {}) });
  return { e, g, task: elaborateTask(e, resolved.model, resolved.task, resolved.batch, shape) };
}

/** Which values of a training step the caller wants to read, beside what it accumulates. */
export interface TrainGraphOptions {
  readonly dropout: boolean;
  /** What goes into the layers is kept, the rest of them computed again for the gradient. */
  readonly checkpoints?: boolean;
  /** Gradients as values to read instead of sums to add to. */
  readonly readGradients?: boolean;
}

/** Forward and backward over one batch: adds the gradient of the summed loss, the loss and the count to their sums. */
export function trainGraph(resolved: Resolved, layout: Layout, shape: BatchShape, options: TrainGraphOptions, watch?: Watch): EntryGraph {
  const { e, g, task: t } = task(resolved, shape, options.dropout, true, options.checkpoints);
  const loss = total(g, g.add('mul', [t.loss, t.weight], {}));
  const counted = total(g, t.weight);
  const forward: Output[] = [
    {
      name: 'loss_sum',
      node: loss,
      mode: options.readGradients ? 'value' : 'accumulate',
      ...(options.readGradients ? {} : { tensor: flat.loss }),
    },
    {
      name: 'count',
      node: counted,
      mode: options.readGradients ? 'value' : 'accumulate',
      ...(options.readGradients ? {} : { tensor: flat.count }),
    },
  ];
  const wanted = layout.trainables.map((p) => ({ name: p.name, shape: p.shape }));
  // Gradients in 16 bits are kept in range by a factor on the loss.
  const scaled = layout.narrow
    ? [
        {
          name: 'scaled_loss',
          node: g.add('mul', [loss, g.add('tensor', [], { name: flat.lossScale, shape: [1], dtype: 'f32' })]),
          mode: 'value',
        } as const,
      ]
    : [];
  const graph = differentiate(
    g.finish([...forward, ...scaled]),
    scaled[0]?.name ?? 'loss_sum',
    wanted,
    (name, node): Output =>
      options.readGradients
        ? { name: gradientOf(name), node, mode: 'value' }
        : { name: gradientOf(name), node, mode: 'accumulate', tensor: gradientOf(name) },
    watch,
  );
  return { graph, hosts: withSeed(e) };
}

/** Forward over one batch without dropout: sums of loss and count, predictions, and logits where asked. */
export function evalGraph(
  resolved: Resolved,
  layout: Layout,
  shape: BatchShape,
  options: { readonly adapted: boolean; readonly logits: boolean },
  watch?: Watch,
): EntryGraph {
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

/** Every stored tensor that the adapters change, with them folded in, as values `merged/TENSOR`; what is trained in full as it is. */
export function mergeGraph(
  resolved: Resolved,
  layout: Layout,
):
  | { readonly entry: EntryGraph; readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[] }
  | { readonly refused: string } {
  const g = createGraph();
  const e = createElaboration(g, { training: false, adapters: resolved.adapters, formats: resolved.formats });
  const outputs = new Map<string, Output>();
  const put = (tensor: string, node: NodeId): void => void outputs.set(tensor, { name: `merged/${tensor}`, node, mode: 'value' });
  const borrowed = borrowedWeights(resolved);
  for (const adapter of resolved.adapters.values()) {
    const merged = mergedSite(e, adapter);
    if (!merged.ok) return { refused: merged.why };
    if (adapter.storage.length > 0 && borrowed.has(adapter.site))
      return {
        refused: `the weight of ${adapter.site.path} is used elsewhere too, without the adapter: merged into it, ${adapter.definition.name.text} would change both`,
      };
    for (const { tensor, value } of merged.tensors) put(tensor, value);
  }
  // What no adapter changes of a quantised base is written as it was seen.
  for (const f of resolved.formats.values()) {
    const name = f.weight.keys[0] as string;
    if (!outputs.has(name)) put(name, toNode(e, decodedWeight(e, f, f.definition.name.span), f.definition.name.span));
  }
  // What is trained in full, and what the base lacks, stands as it is.
  const trained = new Set(layout.trainables.map((t) => t.name));
  for (const s of allModules(resolved.model).flatMap((m) => m.storage)) {
    const name = s.keys[0] as string;
    const fresh = resolved.base.tensors !== undefined && resolved.bindings.get(name)?.kind === 'fresh';
    if ((trained.has(name) || fresh) && !outputs.has(name)) put(name, g.add('tensor', [], { name, shape: s.shape, dtype: s.dtype }));
  }
  return {
    entry: { graph: finishGraph(prepareForward(g.finish([...outputs.values()]), new Set())), hosts: new Map(e.hosts) },
    tensors: [...outputs].map(([name, output]) => ({ name, shape: shapeOf(g, output.node) })),
  };
}

/** Adapted modules whose weight the model also uses from outside: tied embeddings. */
function borrowedWeights(resolved: Resolved): ReadonlySet<ModuleInstance> {
  const e = createElaboration(createGraph(), { training: false, adapters: resolved.adapters, formats: resolved.formats });
  elaborateTask(e, resolved.model, resolved.task, resolved.batch, { rows: 1, tokens: 4 });
  return e.borrowed;
}

/** First values that are computed from other tensors, assigned; undefined where there are none. */
export function initialGraph(resolved: Resolved): EntryGraph | undefined {
  const g = createGraph();
  const e = createElaboration(g, { training: false, adapters: resolved.adapters, formats: resolved.formats });
  const outputs = new Map<string, Output>();
  for (const adapter of resolved.adapters.values()) {
    for (const s of adapter.storage) {
      if (s.init.kind !== 'expression') continue;
      const name = s.keys[0] as string;
      const node = inScope(e, adapter, s.init.expr);
      if (shapeOf(g, node).join() !== s.shape.join())
        stop(
          'PEFT0308',
          s.init.expr.span,
          `${s.name} of ${adapter.definition.name.text} has shape ${showShape(s.shape)}, but its first value has ${showShape(shapeOf(g, node))}`,
        );
      outputs.set(name, { name: `initial/${name}`, node, mode: 'assign', tensor: name });
    }
  }
  if (outputs.size === 0) return undefined;
  return { graph: finishGraph(prepareForward(g.finish([...outputs.values()]), new Set())), hosts: withSeed(e) };
}

/** Tensors of the adapter's file that are computed when it is written, as values `save/KEY`; undefined where there are none. */
export function saveGraph(resolved: Resolved): { readonly entry: EntryGraph; readonly saved: readonly Saved[] } | undefined {
  const g = createGraph();
  const e = createElaboration(g, { training: false, adapters: resolved.adapters, formats: resolved.formats });
  const outputs: Output[] = [];
  const saved: Saved[] = [];
  for (const adapter of resolved.adapters.values()) {
    for (const s of adapter.saved) {
      const node = inScope(e, adapter, s.value);
      const value = s.dtype === 'i32' && g.node(node).dtype === 'f32' ? g.add('cast', [node], { dtype: 'i32' }) : node;
      const key = `${keyPrefix}${adapter.site.path}.${s.key}`;
      outputs.push({ name: `save/${key}`, node: value, mode: 'value' });
      saved.push({ adapter, output: `save/${key}`, key, shape: shapeOf(g, value), dtype: g.node(value).dtype });
    }
  }
  return outputs.length === 0
    ? undefined
    : { entry: { graph: finishGraph(prepareForward(g.finish(outputs), new Set())), hosts: new Map(e.hosts) }, saved };
}

/** A tensor of the adapter's file that the entry `save` computes. */
export interface Saved {
  readonly adapter: AdapterInstance;
  readonly output: string;
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
}

const inScope = (e: Elaboration, adapter: AdapterInstance, expr: Expr): NodeId =>
  toNode(e, e.interpreter.evaluate(e, expr, adapterScope(e, adapter)), expr.span);

/** Number of parameters of a model, adapters left out. */
export const modelParameters = (resolved: Resolved): number =>
  allModules(resolved.model).reduce((sum, m) => sum + m.storage.reduce((n, s) => n + s.shape.reduce((a, b) => a * b, 1), 0), 0);
