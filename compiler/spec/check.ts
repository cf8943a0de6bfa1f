/**
 * @file Check: Ast → Spec. Names, types, units, roles, shapes and columns of an experiment are worked out from the text and
 * the facts; nothing is loaded. Independent faults are all reported; each is told once, at the user's own place.
 */
import type { Experiment, File } from '../../grammar/ast.js';
import type { Diagnostic, Outcome, Span } from '../../grammar/diagnostics.js';
import { createElaboration } from '../elaborate/elaboration.js';
import type { FormatInstance } from '../elaborate/format.js';
import type { AdapterInstance, BoundDefinition, ModuleInstance, StorageInstance } from '../elaborate/instance.js';
import type { Library } from '../elaborate/library.js';
import { attempt, stop } from '../elaborate/stop.js';
import { resolveBase, resolveTask, type Base, type Task } from './base.js';
import type { Binding } from './checkpoint.js';
import type { Context } from './context.js';
import type { BaseFacts, Facts } from './facts.js';
import { argumentOrigins, callSpec, jsonArgs } from './json.js';
import { rehearse } from './rehearsal.js';
import { resolveFormats } from './formats.js';
import { fieldsOf, type Sections } from './sections.js';
import { baseSource, tableSource } from './sources.js';
import type { BaseSource, Spec, TableSource } from './spec.js';
import { flatten } from './statements.js';
import { resolveTargets, type Match, type Targets } from './targets.js';
import type { BatchField } from './task.js';

/** An experiment that has passed every check: the Spec, and the instances that the compiler goes on with. */
export interface Resolved {
  readonly spec: Spec;
  readonly model: ModuleInstance;
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  readonly trained: ReadonlySet<ModuleInstance>;
  /** Frozen weights that are kept in fewer bits. */
  readonly formats: ReadonlyMap<StorageInstance, FormatInstance>;
  readonly task: BoundDefinition;
  readonly batch: readonly BatchField[];
  readonly optimizer: BoundDefinition;
  readonly schedule: BoundDefinition;
  readonly base: BaseFacts;
  /** Where each tensor of the model is found. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Statements, for tables that show what each selector matched. */
  readonly matches: readonly Match[];
  readonly trainRows: number;
  readonly evalRows: number;
}

/** What an experiment refers to, so that the facts can be gathered before the check. */
export function sourcesOf(
  file: File,
  experiment: Experiment,
  library: Library,
): { readonly bases: readonly BaseSource[]; readonly tables: readonly TableSource[] } {
  const quiet: Diagnostic[] = [];
  const statements = flatten(file, experiment, quiet);
  if (statements === undefined) return { bases: [], tables: [] };
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
  // Without what it derives from, nothing more can be said.
  if (statements === undefined) return { value: undefined, diagnostics };
  const context: Context = {
    e: createElaboration(undefined, { training: false }),
    file,
    library,
    facts,
    scope,
    statements,
    diagnostics,
    origins: {},
  };
  const value = resolve(context);
  return { value: failed(diagnostics) ? undefined : value, diagnostics };
}

const failed = (diagnostics: readonly Diagnostic[]): boolean => diagnostics.some((d) => d.severity === 'error');

function resolve(c: Context): Resolved | undefined {
  const { statements, diagnostics } = c;
  const { base: statement } = statements;
  const task = statement === undefined ? undefined : attempt(diagnostics, () => resolveTask(c, statement));
  const base = attempt(diagnostics, () => {
    if (statement !== undefined) return resolveBase(c, statement, task);
    return stop('PEFT0116', statements.experiment.name.span, `experiment ${statements.experiment.name.text} has no base`, {
      help: 'write base MODEL from "FOLDER" for TASK',
    });
  });
  const sections = fieldsOf(c, task, base?.facts);
  const targets = resolveTargets(c, base?.model);
  const { formats, matches } = resolveFormats(c, base, targets);
  if (
    statement === undefined ||
    base === undefined ||
    task === undefined ||
    sections === undefined ||
    targets === undefined ||
    failed(diagnostics)
  )
    return undefined;
  const at = (field: string): Span | undefined => {
    const origin = c.origins[field];
    return origin?.kind === 'written' ? origin.span : undefined;
  };
  const maxLength = rehearse(
    {
      model: base.model,
      adapters: targets.adapters,
      formats,
      task: task.bound,
      batch: task.batch,
      optimizer: sections.optimizer,
      schedule: sections.schedule,
      maxLength: sections.data.max_length,
      at: {
        base: statement.source.span,
        length: at('data.max_length'),
        optimizer: at('tune.optimizer') ?? statement.span,
        schedule: at('tune.schedule') ?? statement.span,
        adapters: targets.places,
      },
    },
    diagnostics,
  );
  return {
    spec: specOf(c, base, task, { ...sections, data: { ...sections.data, max_length: maxLength } }, targets, formats),
    model: base.model,
    adapters: targets.adapters,
    trained: targets.trained,
    formats,
    task: task.bound,
    batch: task.batch,
    optimizer: sections.optimizer,
    schedule: sections.schedule,
    base: base.facts,
    bindings: base.bindings,
    matches: [...matches, ...targets.matches],
    trainRows: sections.trainRows,
    evalRows: sections.evalRows,
  };
}

function specOf(
  c: Context,
  base: Base,
  task: Task,
  sections: Sections,
  targets: Targets,
  formats: ReadonlyMap<StorageInstance, FormatInstance>,
): Spec {
  argumentOrigins(c.origins, 'tune.optimizer.args', sections.optimizer);
  argumentOrigins(c.origins, 'tune.schedule.args', sections.schedule);
  return {
    format: 'peft-spec',
    version: 1,
    name: c.statements.experiment.name.text,
    base: { model: base.definition.name.text, source: base.source, overrides: base.overrides, task: callSpec(task.bound) },
    quantized: [...formats.values()].map((f) => ({ module: f.site?.path ?? '', format: f.definition.name.text, args: jsonArgs(f.params) })),
    adapters: [...targets.adapters.values()].map((a) => ({
      module: a.site.path,
      method: a.definition.name.text,
      args: jsonArgs(a.params),
    })),
    trained: [...targets.trained].filter((m) => m.storage.length > 0).map((m) => m.path),
    data: sections.data,
    tune: { ...sections.tune, optimizer: callSpec(sections.optimizer), schedule: callSpec(sections.schedule) },
    budget: sections.budget,
    origins: c.origins,
  };
}
