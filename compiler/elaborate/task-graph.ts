/**
 * @file The graph of a task over a model: batch inputs, logits, the loss of every example or token, which of them count, and
 * the prediction. One graph for each batch shape.
 */
import type { Elaboration } from './elaboration.js';
import type { BoundDefinition, ModuleInstance } from './instance.js';
import { evaluateMember, memberNames, moduleScope, once } from './members.js';
import { lazyScope, type Scope } from './scope.js';
import { stop } from './stop.js';
import { graphOf, shapeOf, toNode } from './tensors.js';
import type { Value } from './value.js';
import type { NodeId } from '../graph/graph.js';
import { recipes, recipeType, type BatchField } from '../spec/task.js';

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
export function elaborateTask(
  e: Elaboration,
  model: ModuleInstance,
  task: BoundDefinition,
  batch: readonly BatchField[],
  shape: BatchShape,
): TaskGraph {
  const span = task.definition.name.span;
  const g = graphOf(e, span);
  const size = { b: shape.rows, t: shape.tokens };
  const inputs = new Map<string, Value>(
    batch.map(
      (f) =>
        [
          f.name,
          {
            kind: 'tensor',
            node: g.add('input', [], { name: f.name, shape: recipes[f.recipe].map((axis) => size[axis]), dtype: recipeType(f.recipe) }),
          },
        ] as const,
    ),
  );
  const members = task.definition.body.kind === 'block' ? task.definition.body.members : [];
  const owner = {};
  const self: Value = { kind: 'module', instance: model };
  const names = [...inputs.keys(), ...task.args.keys(), ...memberNames(members), 'logits', 'model'];
  const scope: Scope = lazyScope(
    names,
    (name) =>
      once(
        e,
        owner,
        name,
        span,
        () =>
          (name === 'model' ? self : undefined) ??
          inputs.get(name) ??
          task.args.get(name) ??
          evaluateMember(e, members, name, scope) ??
          (name === 'logits' ? evaluateMember(e, model.members, 'logits', moduleScope(e, model)) : undefined),
      ),
    task.scope,
  );
  e.outer.set(
    model,
    lazyScope(names, (name) => (name === 'logits' ? undefined : scope.lookup(name)), model.globals),
  );
  const need = (name: string): NodeId =>
    toNode(e, scope.lookup(name) ?? stop('PEFT0238', span, `task ${task.definition.name.text} has no ${name}`), span);
  const loss = need('loss');
  const weight = need('weight');
  if (shapeOf(g, loss).join() !== shapeOf(g, weight).join())
    stop('PEFT0301', span, `loss has shape [${shapeOf(g, loss).join(', ')}] and weight [${shapeOf(g, weight).join(', ')}]`);
  return { logits: need('logits'), loss, weight, prediction: memberNames(members).includes('prediction') ? need('prediction') : undefined };
}
