/**
 * @file The base of an experiment: model, source, task, and the checkpoint's tensors that the model's are bound to.
 */
import type { Definition } from '../../grammar/ast.js';
import { evaluateArguments } from '../elaborate/evaluate.js';
import { instantiateModel } from '../elaborate/instantiate.js';
import type { BoundDefinition, ModuleInstance } from '../elaborate/instance.js';
import { attempt, stop } from '../elaborate/stop.js';
import { bindCheckpoint, type Binding } from './checkpoint.js';
import type { Context } from './context.js';
import type { BaseFacts } from './facts.js';
import { argumentOrigins, toJson } from './json.js';
import { bindNamed, findNamed, listOf, namesOf } from './named.js';
import { baseSource, unreadable } from './sources.js';
import type { BaseSource, Json } from './spec.js';
import type { BaseStatement } from './statements.js';
import { batchRecipe, type BatchField } from './task.js';

/** A base that was found and fits its model. */
export interface Base {
  readonly definition: Definition;
  readonly source: BaseSource;
  readonly facts: BaseFacts;
  readonly model: ModuleInstance;
  readonly overrides: { readonly [name: string]: Json };
  readonly bindings: ReadonlyMap<string, Binding>;
}

/** A task with what one batch of it holds. */
export interface Task {
  readonly bound: BoundDefinition;
  readonly batch: readonly BatchField[];
}

/** The task of a base. */
export function resolveTask(c: Context, statement: BaseStatement): Task {
  if (statement.task === undefined)
    return stop('PEFT0118', { ...statement.span, end: statement.model.span.end }, 'a base needs a task', {
      help: `write for TASK(…); ${listOf(c, 'task')}`,
    });
  const bound = bindNamed(c, 'task', statement.task);
  c.origins['base.task'] = { kind: 'written', span: statement.task.span };
  argumentOrigins(c.origins, 'base.task.args', bound);
  return { bound, batch: batchRecipe(c.e, bound) };
}

/** The base for a task; undefined where the task is not known, after everything else was checked. */
export function resolveBase(c: Context, statement: BaseStatement, task: Task | undefined): Base | undefined {
  const { e, scope, diagnostics } = c;
  c.origins['base'] = { kind: 'written', span: statement.span };
  c.origins['base.model'] = { kind: 'written', span: statement.model.span };
  c.origins['base.source'] = { kind: 'written', span: statement.source.span };
  const source = attempt(diagnostics, () => baseSource(e, statement.source, scope));
  const overrides = attempt(diagnostics, () => evaluateArguments(e, statement.overrides, scope));
  const model = findNamed(c, 'model', statement.model.text, statement.model.span);
  if (source === undefined || overrides === undefined) return undefined;
  const facts = c.facts.base(source);
  if (!facts.ok) {
    const { span, message, ...more } = unreadable(statement.source, facts);
    return stop('PEFT0505', span, message, more);
  }
  checkType(c, statement, model.definition, facts.value);
  if (task === undefined) return undefined;
  const settings = { name: task.bound.definition.name.text, args: task.bound.args, span: statement.task?.span ?? statement.span };
  const instance = instantiateModel(
    model.definition,
    model.scope,
    facts.value.config,
    overrides,
    settings,
    facts.value.configName,
    statement.source.span,
  );
  for (const o of overrides) c.origins[`base.overrides.${o.name}`] = { kind: 'written', span: o.span };
  const bindings = bindCheckpoint(instance, facts.value, statement.source.span, diagnostics);
  return {
    definition: model.definition,
    source,
    facts: facts.value,
    model: instance,
    overrides: Object.fromEntries(overrides.map((o) => [o.name as string, toJson(o.value)])),
    bindings,
  };
}

/** The model must be made for what the configuration says the base is. */
function checkType(c: Context, statement: BaseStatement, model: Definition, facts: BaseFacts): void {
  const type = facts.config['model_type'];
  const accepted = model.foreign.map((f) => f.value);
  if (typeof type !== 'string' || accepted.length === 0 || accepted.includes(type)) return;
  const right = namesOf(c, 'model').find((name) =>
    findNamed(c, 'model', name, statement.model.span).definition.foreign.some((f) => f.value === type),
  );
  stop(
    'PEFT0504',
    statement.model.span,
    `this base is a ${type}, not a ${statement.model.text}: ${facts.configName} says so`,
    right
      ? { help: `write ${right}`, fix: { title: `write ${right}`, edits: [{ span: statement.model.span, text: right }] } }
      : { help: listOf(c, 'model') },
  );
}
