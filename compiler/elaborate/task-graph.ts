/**
 * @file The graph of a task over a model: batch inputs, logits, the loss of every example or token, which of them count, and
 * the prediction. Also the weights that merging writes. One graph for each batch shape.
 */
import { biasChange, effectiveWeight } from './adapter.js';
import type { Elaboration } from './elaboration.js';
import type { AdapterInstance, BoundDefinition, ModuleInstance } from './instance.js';
import { evaluateMember, memberNames, memberOf, moduleScope, once, weightName } from './members.js';
import { lazyScope, type Scope } from './scope.js';
import { stop } from './stop.js';
import { graphOf, shapeOf, toNode } from './tensors.js';
import type { Value } from './value.js';
import type { NodeId } from '../graph/graph.js';
import { recipes, type BatchField } from '../spec/task.js';

/** Sizes of one compiled batch: rows and padded tokens. */
export interface BatchShape {
  readonly rows: number;
  readonly tokens: number;
}

/** What a task computes over one batch. */
export interface TaskGraph {
  readonly logits: NodeId;
  /** Loss of each example or token. */
  readonly loss: NodeId;
  /** 1 where that loss counts, else 0; same shape. */
  readonly weight: NodeId;
  /** Predicted class of each row, where the task predicts one. */
  readonly prediction: NodeId | undefined;
}

/** Elaborates a task over a model for one batch shape. */
export function elaborateTask(e: Elaboration, model: ModuleInstance, task: BoundDefinition, batch: readonly BatchField[], shape: BatchShape): TaskGraph {
  const span = task.definition.name.span;
  const g = graphOf(e, span);
  const size = { b: shape.rows, t: shape.tokens };
  const inputs = new Map<string, Value>(batch.map((f) => [f.name, { kind: 'tensor', node: g.add('input', [], { name: f.name, shape: recipes[f.recipe].map((axis) => size[axis]), dtype: 'i32' }) }] as const));
  const members = task.definition.body.kind === 'block' ? task.definition.body.members : [];
  const owner = {};
  const self: Value = { kind: 'module', instance: model };
  const names = [...inputs.keys(), ...task.args.keys(), ...memberNames(members), 'logits', 'model'];
  const scope: Scope = lazyScope(
    names,
    (name) =>
      once(e, owner, name, span, () => (name === 'model' ? self : undefined) ?? inputs.get(name) ?? task.args.get(name) ?? evaluateMember(e, members, name, scope) ?? (name === 'logits' ? evaluateMember(e, model.members, 'logits', moduleScope(e, model)) : undefined)),
    task.scope,
  );
  e.outer.set(model, lazyScope(names, (name) => (name === 'logits' ? undefined : scope.lookup(name)), model.globals));
  const need = (name: string): NodeId => toNode(e, scope.lookup(name) ?? stop('PEFT0238', span, `task ${task.definition.name.text} has no ${name}`), span);
  const loss = need('loss');
  const weight = need('weight');
  if (shapeOf(g, loss).join() !== shapeOf(g, weight).join()) stop('PEFT0301', span, `loss has shape [${shapeOf(g, loss).join(', ')}] and weight [${shapeOf(g, weight).join(', ')}]`);
  return { logits: need('logits'), loss, weight, prediction: memberNames(members).includes('prediction') ? need('prediction') : undefined };
}

/** What merging makes of one site. */
export interface MergedSite {
  readonly adapter: AdapterInstance;
  /** Name of the stored tensor that is replaced, and its new value in the stored orientation. */
  readonly tensor: string;
  readonly weight: NodeId;
  /** What is added to the bias, and the tensor that holds the bias (undefined where the site has none). */
  readonly bias: { readonly tensor: string | undefined; readonly change: NodeId } | undefined;
}

/** The weight of an adapted site with the adapter folded in; `none` where the adapter is no change of a weight. */
export function mergedSite(e: Elaboration, adapter: AdapterInstance): MergedSite | undefined {
  const span = adapter.definition.name.span;
  if (memberNames(adapter.members).includes('output')) return undefined;
  const g = graphOf(e, span);
  const base = memberOf(e, adapter.site, weightName, span);
  if (base.kind !== 'tensor') return undefined;
  const effective = effectiveWeight(e, adapter, base.node);
  // The stored tensor is W itself, or the one W is a transpose of.
  const direct = g.node(base.node);
  const stored = direct.op === 'tensor' ? direct : g.node(direct.inputs[0] as NodeId);
  const weight = direct.op === 'tensor' ? effective : g.add('permute', [effective], { perm: [1, 0] });
  const change = biasChange(e, adapter);
  const bias = adapter.site.storage.find((s) => s.name === 'b');

  return { adapter, tensor: stored.attrs['name'] as string, weight, bias: change === undefined ? undefined : { tensor: bias?.keys[0], change } };
}

