/**
 * @file Sections of an experiment. Which fields `data`, `tune` and `budget` have, with types, bounds and defaults, is written
 * in `stdlib/experiment.peft` and checked as the parameters of a function are; here they become the Spec's fields.
 */
import type { Definition, Expr, Field, Param } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import { Bug } from '../bug.js';
import type { EvaluatedArgument } from '../elaborate/arguments.js';
import { bindParams, evaluate, wordOf } from '../elaborate/evaluate.js';
import type { BoundDefinition } from '../elaborate/instance.js';
import { suggest } from '../elaborate/nearest.js';
import { attempt, stop } from '../elaborate/stop.js';
import { checkParam } from '../elaborate/types.js';
import type { Value } from '../elaborate/value.js';
import type { Task } from './base.js';
import type { Context } from './context.js';
import type { BaseFacts } from './facts.js';
import { bindNamed } from './named.js';
import { tableSource, unreadable } from './sources.js';
import { checkpointings, pagings, precisions, type Interval, type Spec, type TableSource } from './spec.js';
import { metricsOf } from './task.js';

/** The fields of all sections, checked. */
export interface Sections {
  readonly data: Spec['data'];
  readonly tune: Omit<Spec['tune'], 'optimizer' | 'schedule'>;
  readonly budget: Spec['budget'];
  readonly optimizer: BoundDefinition;
  readonly schedule: BoundDefinition;
  readonly trainRows: number;
  readonly evalRows: number;
}

/** The sections of an experiment; undefined after an error. The task names the columns; they are not checked where it is not known. */
export function fieldsOf(c: Context, task: Task | undefined, base: BaseFacts | undefined): Sections | undefined {
  const columns = task === undefined ? undefined : [...new Set(task.batch.flatMap((f) => (f.column === undefined ? [] : [f.column])))];
  const data = bindSection(c, 'data', columns);
  const tune = bindSection(c, 'tune', []);
  const budget = bindSection(c, 'budget', []);
  checkTokenizer(c, base);
  const train = data.tables.get('train');
  const evaluation = data.tables.get('eval');
  const rows = train === undefined ? undefined : checkTable(c, train.source, train.value, data.columns);
  const evalRows = evaluation === undefined ? 0 : checkTable(c, evaluation.source, evaluation.value, data.columns);
  if (task !== undefined) checkBest(c, task, tune.given.get('best'), data.written.has('eval'));
  if (columns === undefined || data.values === undefined || tune.values === undefined || budget.values === undefined) return undefined;
  const optimizer = called(tune.values.get('optimizer'));
  const schedule = called(tune.values.get('schedule'));
  if (train === undefined || rows === undefined || evalRows === undefined || optimizer === undefined || schedule === undefined)
    return undefined;
  const { values } = tune;
  const count = (name: string): number => number(values.get(name)) ?? 0;
  return {
    data: {
      train: train.source,
      eval: evaluation?.source ?? null,
      columns: Object.fromEntries([...data.columns].map(([k, v]) => [k, v.name])),
      max_length: number(data.values.get('max_length')) ?? 0,
      buckets: number(data.values.get('buckets')) ?? 0,
    },
    tune: {
      epochs: count('epochs'),
      max_steps: number(values.get('max_steps')),
      batch: count('batch'),
      accumulate: count('accumulate'),
      clip: number(values.get('clip')),
      checkpointing: word(c, 'tune.checkpointing', values.get('checkpointing'), checkpointings),
      paging: word(c, 'tune.paging', values.get('paging'), pagings),
      precision: word(c, 'tune.precision', values.get('precision'), precisions),
      seed: count('seed'),
      shuffle: truth(values.get('shuffle')),
      eval_every: interval(values.get('eval_every')),
      save_every: interval(values.get('save_every')),
      best: string(values.get('best')),
      log_every: count('log_every'),
    },
    budget: { gpu_memory: number(budget.values.get('gpu_memory')), trainable: share(budget.values.get('trainable')) },
    optimizer,
    schedule,
    trainRows: rows,
    evalRows,
  };
}

/** Rows need a tokenizer wherever there is a base with weights; a plan from a configuration alone needs none. */
function checkTokenizer(c: Context, base: BaseFacts | undefined): void {
  if (base === undefined || base.tokenizer.ok || base.tensors === undefined) return;
  const { message, help } = base.tokenizer;
  c.diagnostics.push({
    code: 'PEFT0509',
    severity: 'error',
    span: c.statements.base?.source.span ?? c.statements.experiment.span,
    message,
    ...(help ? { help } : {}),
  });
}

/** The best evaluation is chosen by a metric that is measured. */
function checkBest(c: Context, task: Task, best: EvaluatedArgument | undefined, evaluated: boolean): void {
  if (best?.value.kind !== 'string') return;
  const metrics = metricsOf(task.bound.definition);
  const name = best.value.value;
  if (!metrics.includes(name)) {
    const { help, fix } = suggest(name, best.span, metrics, 'it measures');
    const quoted =
      fix?.edits[0] === undefined ? undefined : { title: fix.title, edits: [{ span: best.span, text: JSON.stringify(fix.edits[0].text) }] };
    c.diagnostics.push({
      code: 'PEFT0604',
      severity: 'error',
      span: best.span,
      message: `task ${task.bound.definition.name.text} does not measure ${name}`,
      ...(help ? { help } : {}),
      ...(quoted ? { fix: quoted } : {}),
    });
  } else if (!evaluated) {
    c.diagnostics.push({
      code: 'PEFT0605',
      severity: 'error',
      span: best.span,
      message: `${name} is never measured, because there are no rows to evaluate on`,
      help: 'write eval: in data',
    });
  }
}

const called = (v: Value | undefined): BoundDefinition | undefined =>
  v?.kind === 'call' && v.definition !== undefined && v.scope !== undefined
    ? { definition: v.definition, scope: v.scope, args: v.args, spans: v.spans }
    : undefined;
const truth = (v: Value | undefined): boolean => v?.kind === 'bool' && v.value;
const number = (v: Value | undefined): number | null => (v?.kind === 'number' ? v.value : null);
const string = (v: Value | undefined): string | null => (v?.kind === 'string' ? v.value : null);
const interval = (v: Value | undefined): Interval | null =>
  v?.kind === 'number' ? { count: v.value, unit: v.unit === 'epochs' ? 'epochs' : 'steps' } : null;
const share = (v: Value | undefined): Spec['budget']['trainable'] =>
  v?.kind === 'number' ? (v.unit === 'ratio' ? { share: v.value } : { count: v.value }) : null;

/** One of a few words; `none` is one of them. */
function word<W extends string>(c: Context, field: string, value: Value | undefined, words: readonly [W, ...W[]]): W {
  if (value?.kind !== 'string') return words[0];
  const found = words.find((w) => w === value.value);
  const origin = c.origins[field];
  if (found === undefined && origin?.kind === 'written')
    attempt(c.diagnostics, () =>
      stop('PEFT0122', origin.span, `${field} cannot be ${value.value}`, suggest(value.value, origin.span, words, 'it is one of')),
    );
  return found ?? words[0];
}

interface BoundSection {
  /** Undefined where a field is wrong or missing. */
  readonly values: ReadonlyMap<string, Value> | undefined;
  /** Names of the fields that are written; a misspelt one as what it may have meant. */
  readonly written: ReadonlySet<string>;
  /** What is written. */
  readonly given: ReadonlyMap<string, EvaluatedArgument>;
  readonly tables: ReadonlyMap<string, { readonly source: TableSource; readonly value: Expr }>;
  readonly columns: ReadonlyMap<string, { readonly name: string; readonly span: Span }>;
}

/** Binds the fields of a section as the arguments of its definition; each field is checked by itself. */
function bindSection(c: Context, name: string, columns: readonly string[] | undefined): BoundSection {
  const found = c.library.definitions.find((d) => d.folder === 'experiment' && d.definition.name.text === name);
  if (found === undefined) throw new Bug(`the standard library has no section ${name}`);
  const { definition, scope } = found;
  const section = c.statements.sections.get(name);
  const span = section?.section.name.span ?? c.statements.experiment.name.span;
  const tables = new Map<string, { source: TableSource; value: Expr }>();
  const columnFields = new Map<string, { name: string; span: Span }>();
  const given = new Map<string, EvaluatedArgument>();
  const before = c.diagnostics.length;
  const known = [...definition.params.map((p) => p.name.text), ...(name === 'data' ? (columns ?? []) : [])];
  // Where the task is not known, an unknown field may be one of its columns.
  const open = columns === undefined && name === 'data';
  const written = new Set<string>();
  for (const found of section?.fields.values() ?? []) {
    const field = open ? found : meant(c, name, found, known, section?.fields);
    if (field === undefined) continue;
    written.add(field.name.text);
    const column = columns?.includes(field.name.text) === true;
    c.origins[`${name}.${column ? 'columns.' : ''}${field.name.text}`] = { kind: 'written', span: field.value.span };
    attempt(c.diagnostics, () => {
      if (column) columnFields.set(field.name.text, { name: columnOf(field), span: field.value.span });
      else bindField(c, definition, field, given, tables);
    });
  }
  for (const column of columns ?? []) {
    if (name !== 'data') break;
    if (!written.has(column))
      c.diagnostics.push({
        code: 'PEFT0226',
        severity: 'error',
        span,
        message: `data needs ${column}, the name of a column`,
        help: `write ${column}: "…"`,
      });
  }
  for (const p of definition.params) {
    if (p.default === undefined && !written.has(p.name.text))
      c.diagnostics.push({
        code: 'PEFT0226',
        severity: 'error',
        span,
        message: `${name} needs ${p.name.text}`,
        notes: [{ message: `${p.name.text} is declared here`, span: p.span }],
        help: `write ${p.name.text}: …`,
      });
  }
  if (c.diagnostics.length > before) return { values: undefined, written, given, tables, columns: columnFields };
  const values = attempt(c.diagnostics, () => {
    const local = bindParams(c.e, name, definition.params, [...given.values()], scope, span);
    for (const p of definition.params) c.origins[`${name}.${p.name.text}`] ??= { kind: 'default', of: name };
    return new Map(definition.params.map((p) => [p.name.text, local.lookup(p.name.text) as Value] as const));
  });
  return { values, written, given, tables, columns: columnFields };
}

/** The name of a column. */
function columnOf({ name, value }: Field): string {
  if (value.kind === 'string') return value.value;
  const right = value.kind === 'name' ? JSON.stringify(value.name) : undefined;
  return stop(
    'PEFT0220',
    value.span,
    `${name.text} must be String, the name of a column`,
    right === undefined ? {} : { help: `write ${right}`, fix: { title: `write ${right}`, edits: [{ span: value.span, text: right }] } },
  );
}

/** A field as what it may have meant: a misspelt one is told, and its value is checked all the same. */
function meant(
  c: Context,
  section: string,
  field: Field,
  known: readonly string[],
  fields: ReadonlyMap<string, Field> | undefined,
): Field | undefined {
  const { text, span } = field.name;
  if (known.includes(text)) return field;
  const said = suggest(text, span, known, 'it has');
  c.diagnostics.push({ code: 'PEFT0121', severity: 'error', span, message: `${section} has no field ${text}`, ...said });
  const near = said.fix?.edits[0]?.text;
  return near === undefined || fields?.has(near) === true ? undefined : { ...field, name: { text: near, span } };
}

function bindField(
  c: Context,
  definition: Definition,
  field: Field,
  given: Map<string, EvaluatedArgument>,
  tables: Map<string, { source: TableSource; value: Expr }>,
): void {
  const name = field.name.text;
  const param = definition.params.find((p) => p.name.text === name);
  if (param === undefined) return;
  const value = fieldValue(c, param, field.value, name, tables);
  checkParam(param, value, field.value.span, (bound) => evaluate(c.e, bound, c.scope));
  given.set(name, { name, value, span: field.value.span, nameSpan: field.name.span });
}

/** Kinds of definition that a field may call. */
const callable = { Optimizer: 'optimizer', Schedule: 'schedule' } as const;

/** The value of a field; a table stays a source, and a bare name of a definition is a call without arguments. */
function fieldValue(
  c: Context,
  param: Param,
  value: Expr,
  field: string,
  tables: Map<string, { source: TableSource; value: Expr }>,
): Value {
  const types = param.type?.kind === 'type-union' ? param.type.options : param.type ? [param.type] : [];
  const names = types.flatMap((t) => (t.kind === 'type-name' ? [t.name.text] : []));
  if (names.includes('Table') && value.kind !== 'none') {
    const source = tableSource(c.e, value, c.scope);
    tables.set(field, { source, value });
    return { kind: 'call', callee: source.format, type: 'Table', args: new Map(), spans: new Map(), span: value.span };
  }
  const type = (Object.keys(callable) as (keyof typeof callable)[]).find((t) => names.includes(t));
  if (type !== undefined && (value.kind === 'name' || value.kind === 'call')) {
    const bound = bindNamed(c, callable[type], value);
    return { kind: 'call', callee: bound.definition.name.text, type, ...bound, span: value.span };
  }
  return wordOf(param, value) ?? evaluate(c.e, value, c.scope);
}

/** Columns and rows of a table against what the experiment asks for. */
function checkTable(c: Context, source: TableSource, value: Expr, columns: BoundSection['columns']): number | undefined {
  const fact = c.facts.table(source);
  if (!fact.ok) {
    c.diagnostics.push({ code: 'PEFT0601', severity: 'error', ...unreadable(value, fact) });
    return undefined;
  }
  let missing = false;
  for (const column of columns.values()) {
    if (fact.value.columns.includes(column.name)) continue;
    // The same wrong name in the other table is the same mistake.
    if (c.diagnostics.some((d) => d.code === 'PEFT0602' && d.span.start === column.span.start && d.span.file === column.span.file))
      return undefined;
    missing = true;
    const { help, fix } = suggest(column.name, column.span, fact.value.columns, 'it has');
    const text = fix?.edits[0] === undefined ? undefined : JSON.stringify(fix.edits[0].text);
    c.diagnostics.push({
      code: 'PEFT0602',
      severity: 'error',
      span: column.span,
      message: `${source.path} has no column ${JSON.stringify(column.name)}`,
      ...(help ? { help } : {}),
      ...(text === undefined ? {} : { fix: { title: `write ${text}`, edits: [{ span: column.span, text }] } }),
    });
  }
  if (missing) return undefined;
  if (fact.value.rows === 0) {
    c.diagnostics.push({ code: 'PEFT0603', severity: 'error', span: value.span, message: `${source.path} has no rows` });
    return undefined;
  }
  return fact.value.rows;
}
