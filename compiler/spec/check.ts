/**
 * @file Check: Ast → Spec. Names, types, units, roles, shapes and columns of an experiment are worked out from the text and
 * the facts; nothing is loaded. Independent faults are all reported; each is told once, at the user's own place.
 */
import type { Definition, Experiment, Field, File } from '../../grammar/ast.js';
import type { Diagnostic, Outcome, Span } from '../../grammar/diagnostics.js';
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import { bindParams, evaluate, evaluateArguments, type EvaluatedArgument } from '../elaborate/evaluate.js';
import { instantiateAdapter, instantiateModel } from '../elaborate/instantiate.js';
import { allModules, type AdapterInstance, type ModuleInstance } from '../elaborate/instance.js';
import type { Library } from '../elaborate/library.js';
import { nearest } from '../elaborate/nearest.js';
import { qualified, type Scope } from '../elaborate/scope.js';
import { attempt, stop } from '../elaborate/stop.js';
import { describe, type Value } from '../elaborate/value.js';
import { bindCheckpoint, type Binding } from './checkpoint.js';
import type { BaseFacts, Facts } from './facts.js';
import { fieldsOf, type Sections } from './sections.js';
import { select } from './select.js';
import { baseSource, tableSource } from './sources.js';
import { batchRecipe, type BatchField } from './task.js';
import type { BaseSource, CallSpec, Json, Origin, Spec, TableSource } from './spec.js';
import { flatten, type Statements } from './statements.js';

/** A call of a definition with the scope it was written in. */
export interface BoundDefinition {
  readonly definition: Definition;
  readonly scope: Scope;
  readonly args: ReadonlyMap<string, Value>;
}

/** An experiment that has passed every check: the Spec, and the instances that the compiler goes on with. */
export interface Resolved {
  readonly spec: Spec;
  readonly model: ModuleInstance;
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  readonly trained: ReadonlySet<ModuleInstance>;
  readonly task: BoundDefinition;
  readonly batch: readonly BatchField[];
  readonly optimizer: BoundDefinition;
  readonly schedule: BoundDefinition;
  readonly base: BaseFacts;
  /** Where each tensor of the model is found. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Statements, for tables that show what each selector matched. */
  readonly matches: readonly { readonly text: string; readonly span: Span; readonly modules: readonly ModuleInstance[]; readonly method: string | null }[];
  readonly trainRows: number;
  readonly evalRows: number;
}

/** What an experiment refers to, so that the facts can be gathered before the check. */
export function sourcesOf(file: File, experiment: Experiment, library: Library): { readonly bases: readonly BaseSource[]; readonly tables: readonly TableSource[] } {
  const quiet: Diagnostic[] = [];
  const statements = flatten(file, experiment, quiet);
  const scope = library.scopeOf(file, quiet);
  const e = createElaboration(undefined, { training: false });
  const base = statements.base && attempt(quiet, () => baseSource(e, statements.base!.source, scope));
  const fields = statements.sections.get('data')?.fields;
  const tables = ['train', 'eval'].flatMap((name) => {
    const field = fields?.get(name);
    const source = field && field.value.kind === 'call' ? attempt(quiet, () => tableSource(e, field.value, scope)) : undefined;
    return source ? [source] : [];
  });
  return { bases: base ? [base] : [], tables };
}

/** Checks one experiment. */
export function checkExperiment(file: File, experiment: Experiment, library: Library, facts: Facts): Outcome<Resolved | undefined> {
  const diagnostics: Diagnostic[] = [];
  const scope = library.scopeOf(file, diagnostics);
  const statements = flatten(file, experiment, diagnostics);
  const context: Context = { e: createElaboration(undefined, { training: false }), file, library, facts, scope, statements, diagnostics, origins: {} };
  const value = resolve(context);
  return { value: diagnostics.some((d) => d.severity === 'error') ? undefined : value, diagnostics };
}

interface Context {
  readonly e: Elaboration;
  readonly file: File;
  readonly library: Library;
  readonly facts: Facts;
  readonly scope: Scope;
  readonly statements: Statements;
  readonly diagnostics: Diagnostic[];
  readonly origins: Record<string, Origin>;
}

function resolve(c: Context): Resolved | undefined {
  const { statements, diagnostics } = c;
  const at = statements.experiment.name.span;
  const base = statements.base === undefined ? attempt(diagnostics, () => stop('PEFT0116', at, `experiment ${statements.experiment.name.text} has no base`, { help: 'write base MODEL from "FOLDER" for TASK' })) : attempt(diagnostics, () => resolveBase(c, statements.base as NonNullable<Statements['base']>));
  const batch = base === undefined ? [] : (attempt(diagnostics, () => batchRecipe(c.e, base.task)) ?? []);
  const columns = base === undefined ? undefined : [...new Set(batch.flatMap((f) => (f.column === undefined ? [] : [f.column])))];
  const sections = fieldsOf(c, columns, base?.facts);
  const targets = base === undefined ? undefined : resolveTargets(c, base.model);
  if (base === undefined || sections === undefined || targets === undefined) return undefined;
  if (diagnostics.some((d) => d.severity === 'error')) return undefined;
  const adapters = [...targets.adapters.values()];
  const spec: Spec = {
    format: 'peft-spec',
    version: 1,
    name: statements.experiment.name.text,
    base: { model: base.definition.name.text, source: base.source, overrides: base.overrides, task: callSpec(base.task) },
    adapters: adapters.map((a) => ({ module: a.site.path, method: a.definition.name.text, args: jsonArgs(a.params) })),
    trained: [...targets.trained].filter((m) => m.storage.length > 0).map((m) => m.path),
    data: sections.data,
    tune: { ...sections.tune, optimizer: callSpec(sections.optimizer), schedule: callSpec(sections.schedule) },
    budget: sections.budget,
    origins: c.origins,
  };
  return {
    spec,
    model: base.model,
    adapters: targets.adapters,
    trained: targets.trained,
    task: base.task,
    batch,
    optimizer: sections.optimizer,
    schedule: sections.schedule,
    base: base.facts,
    bindings: base.bindings,
    matches: targets.matches,
    trainRows: sections.trainRows,
    evalRows: sections.evalRows,
  };
}

interface Base {
  readonly definition: Definition;
  readonly source: BaseSource;
  readonly facts: BaseFacts;
  readonly model: ModuleInstance;
  readonly task: BoundDefinition;
  readonly overrides: { readonly [name: string]: Json };
  readonly bindings: ReadonlyMap<string, Binding>;
}

function resolveBase(c: Context, statement: NonNullable<Statements['base']>): Base | undefined {
  const { e, scope, diagnostics } = c;
  c.origins['base'] = { kind: 'written', span: statement.span };
  const models = c.library.definitions.filter((d) => d.definition.what === 'model').map((d) => d.definition.name.text);
  const found = scope.lookup(qualified('model', statement.model.text));
  const model = found?.kind === 'definition' && found.definition.what === 'model' ? found : undefined;
  if (model === undefined) {
    const near = nearest(statement.model.text, models);
    return stop('PEFT0117', statement.model.span, `there is no model ${statement.model.text}`, near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: statement.model.span, text: near }] } } : { help: `models are ${models.join(', ')}` });
  }
  const task = attempt(diagnostics, () => resolveTask(c, statement));
  const source = baseSource(e, statement.source, scope);
  const facts = c.facts.base(source);
  if (!facts.ok) return stop('PEFT0505', statement.source.span, facts.message, facts.help ? { help: facts.help } : {});
  const type = facts.value.config['model_type'];
  const accepted = model.definition.foreign.map((f) => f.value);
  if (typeof type === 'string' && accepted.length > 0 && !accepted.includes(type)) {
    const right = c.library.definitions.find((d) => d.definition.what === 'model' && d.definition.foreign.some((f) => f.value === type))?.definition.name.text;
    return stop('PEFT0504', statement.model.span, `this base is a ${type}, not a ${statement.model.text}: ${facts.value.configName} says so`, right ? { help: `write ${right}`, fix: { title: `write ${right}`, edits: [{ span: statement.model.span, text: right }] } } : { help: `models of the standard library are ${models.join(', ')}` });
  }
  if (task === undefined) return undefined;
  const overrides = evaluateArguments(e, statement.overrides, scope);
  const instance = instantiateModel(model.definition, model.scope, facts.value.config, overrides, { name: task.definition.name.text, args: task.args, span: statement.task?.span ?? statement.span }, facts.value.configName, statement.source.span);
  const bindings = bindCheckpoint(instance, facts.value, statement.source.span, diagnostics);
  return { definition: model.definition, source, facts: facts.value, model: instance, task, overrides: Object.fromEntries(overrides.map((o) => [o.name as string, toJson(o.value)])), bindings };
}

function resolveTask(c: Context, statement: NonNullable<Statements['base']>): BoundDefinition {
  const names = c.library.definitions.filter((d) => d.definition.what === 'task').map((d) => d.definition.name.text);
  if (statement.task === undefined) return stop('PEFT0118', statement.span, 'a base needs a task', { help: `write for ${names[0] ?? 'TASK'}(…); tasks are ${names.join(', ')}` });
  const callee = statement.task.kind === 'call' ? statement.task.callee : statement.task;
  if (callee.kind !== 'name') return stop('PEFT0118', statement.task.span, 'a task is a name with its parameters');
  return bindNamed(c, callee.name, callee.span, statement.task.kind === 'call' ? evaluateArguments(c.e, statement.task.args, c.scope) : [], statement.task.span, 'task', names);
}

/** Looks a definition of one kind up by name and binds its parameters. */
function bindNamed(c: Pick<Context, 'e' | 'scope' | 'library'>, name: string, nameSpan: Span, args: readonly EvaluatedArgument[], span: Span, what: Definition['what'], names: readonly string[]): BoundDefinition {
  const found = c.scope.lookup(qualified(what, name));
  if (found?.kind !== 'definition') {
    const elsewhere = c.library.definitions.find((d) => d.definition.what === what && d.definition.name.text === name);
    if (elsewhere) return stop('PEFT0119', nameSpan, `${name} is not imported`, { help: `add import std.${elsewhere.folder}.${name} at the top of the file` });
    const near = nearest(name, names);
    return stop('PEFT0119', nameSpan, `there is no ${what} ${name}`, near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: nameSpan, text: near }] } } : { help: `there are ${names.join(', ')}` });
  }
  const local = bindParams(c.e, name, found.definition.params, args, found.scope, span);
  return { definition: found.definition, scope: found.scope, args: new Map(found.definition.params.map((p) => [p.name.text, local.lookup(p.name.text) as Value] as const)) };
}

interface Targets {
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  readonly trained: ReadonlySet<ModuleInstance>;
  readonly matches: Resolved['matches'];
}

/** What each `adapt` and `train` statement means, the later ones winning. */
function resolveTargets(c: Context, model: ModuleInstance): Targets | undefined {
  const adapters = new Map<ModuleInstance, AdapterInstance>();
  const trained = new Set<ModuleInstance>();
  const matches: Resolved['matches'][number][] = [];
  const names = c.library.definitions.filter((d) => d.definition.what === 'adapter').map((d) => d.definition.name.text);
  for (const s of c.statements.targets) {
    const chosen = attempt(c.diagnostics, () => select(model, s.selector));
    if (s.kind === 'train') {
      for (const m of chosen ?? []) trained.add(m);
      if (chosen) matches.push({ text: 'train', span: s.span, modules: [...chosen].filter((m) => m.storage.length > 0), method: null });
      continue;
    }
    attempt(c.diagnostics, () => {
      const call = s.method.kind === 'call' ? s.method : undefined;
      const callee = call?.callee ?? s.method;
      if (callee.kind !== 'name') return stop('PEFT0120', s.method.span, 'a method is a name with its parameters', { help: `methods are ${names.join(', ')}` });
      const method = bindNamed(c, callee.name, callee.span, call ? evaluateArguments(c.e, call.args, c.scope) : [], s.method.span, 'adapter', names);
      if (chosen === undefined) return;
      const kind = method.definition.on?.name.text;
      const sites = [...chosen].filter((m) => m.kinds.some((k) => k.name === kind));
      if (sites.length === 0) return stop('PEFT0405', s.selector.span, `nothing here is a ${kind}, which ${callee.name} acts on`, { help: `it matches ${[...new Set([...chosen].map((m) => m.definition.name.text))].join(', ')}` });
      for (const site of sites) {
        adapters.set(site, instantiateAdapter(method.definition, method.scope, method.args, site, call?.args[0]?.span ?? s.method.span));
      }
      matches.push({ text: 'adapt', span: s.span, modules: sites, method: callee.name });
    });
  }
  for (const site of [...adapters.keys()]) {
    if (trained.has(site)) {
      const statement = c.statements.targets.find((s) => s.kind === 'train');
      c.diagnostics.push({ code: 'PEFT0406', severity: 'error', span: statement?.span ?? c.statements.experiment.span, message: `${site.path} is trained in full and adapted as well`, help: 'choose one of the two, or write except in the selector' });
      break;
    }
  }
  if (adapters.size === 0 && trained.size === 0 && c.diagnostics.every((d) => d.severity !== 'error')) {
    c.diagnostics.push({ code: 'PEFT0407', severity: 'error', span: c.statements.experiment.name.span, message: 'nothing is trained', help: 'write adapt SELECTOR with METHOD, or train SELECTOR' });
  }
  freshFrozen(c, model, adapters, trained);
  const order = allModules(model);
  return { adapters: new Map(order.filter((m) => adapters.has(m)).map((m) => [m, adapters.get(m) as AdapterInstance] as const)), trained: new Set(order.filter((m) => trained.has(m))), matches };
}

/** A part that is newly made and then frozen learns nothing: the head of a classifier above all. */
function freshFrozen(c: Context, model: ModuleInstance, adapters: ReadonlyMap<ModuleInstance, AdapterInstance>, trained: ReadonlySet<ModuleInstance>): void {
  const forgotten = allModules(model).filter((m) => m.fresh && m.storage.length > 0 && !adapters.has(m) && !trained.has(m) && m.roles.some((r) => r[0]?.name === 'head'));
  const first = forgotten[0];
  const statement = c.statements.targets[0];
  if (first === undefined || statement === undefined) return;
  c.diagnostics.push({ code: 'PEFT0408', severity: 'warning', span: statement.span, message: `${first.path} may be newly made and is not trained`, help: 'write train head' });
}

const callSpec = (b: BoundDefinition): CallSpec => ({ name: b.definition.name.text, args: jsonArgs(b.args) });

const jsonArgs = (args: ReadonlyMap<string, Value>): { [name: string]: Json } => Object.fromEntries([...args].map(([name, value]) => [name, toJson(value)]));

/** A compile-time value as JSON; units are dropped, numbers are in base units. */
export function toJson(value: Value): Json {
  switch (value.kind) {
    case 'number':
    case 'string':
    case 'bool':
      return value.value;
    case 'none':
      return null;
    case 'list':
      return value.items.map(toJson);
    case 'record':
      return Object.fromEntries([...value.fields].map(([k, v]) => [k, toJson(v)]));
    case 'call':
      return { name: value.callee, args: jsonArgs(value.args) };
    default:
      return describe(value);
  }
}

export type { Context, Field, Sections };
export { bindNamed, evaluate };
