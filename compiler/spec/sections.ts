/**
 * @file Sections of an experiment. Which fields `data`, `tune` and `budget` have, with types, bounds and defaults, is written
 * in `stdlib/experiment.peft` and checked as the parameters of a function are; here they become the Spec's fields.
 */
import type { Definition, Expr, Field } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import { bindParams, evaluate, type EvaluatedArgument } from '../elaborate/evaluate.js';
import { nearest } from '../elaborate/nearest.js';
import { preferring, qualified, type Scope } from '../elaborate/scope.js';
import { attempt, stop } from '../elaborate/stop.js';
import { describe, type Value } from '../elaborate/value.js';
import type { BoundDefinition, Context } from './check.js';
import type { BaseFacts } from './facts.js';
import { tableSource } from './sources.js';
import type { Interval, Spec, TableSource } from './spec.js';

export interface Sections {
  readonly data: Spec['data'];
  readonly tune: Omit<Spec['tune'], 'optimizer' | 'schedule'>;
  readonly budget: Spec['budget'];
  readonly optimizer: BoundDefinition;
  readonly schedule: BoundDefinition;
  readonly trainRows: number;
  readonly evalRows: number;
}

/** The sections of an experiment; undefined after an error. `columns` are the column fields of the task, undefined where it is not known. */
export function fieldsOf(c: Context, columns: readonly string[] | undefined, base: BaseFacts | undefined): Sections | undefined {
  const data = bindSection(c, 'data', columns);
  const tune = bindSection(c, 'tune', []);
  const budget = bindSection(c, 'budget', []);
  if (data === undefined || tune === undefined || budget === undefined || columns === undefined) return undefined;
  const train = data.tables.get('train');
  const evaluation = data.tables.get('eval') ?? null;
  const rows = train === undefined ? undefined : checkTable(c, train.source, train.span, data.columns);
  const evalRows = evaluation === null ? 0 : checkTable(c, evaluation.source, evaluation.span, data.columns);
  if (base !== undefined && !base.tokenizer.ok && base.tensors !== undefined) {
    const tokenizer = base.tokenizer;
    attempt(c.diagnostics, () => stop('PEFT0509', c.statements.base?.source.span ?? c.statements.experiment.span, tokenizer.message, tokenizer.help ? { help: tokenizer.help } : {}));
  }
  const optimizer = tune.values.get('optimizer');
  const schedule = tune.values.get('schedule');
  if (train === undefined || rows === undefined || evalRows === undefined || optimizer?.kind !== 'call' || schedule?.kind !== 'call') return undefined;
  const count = (name: string): number => number(tune.values.get(name)) ?? 0;
  return {
    data: { train: train.source, eval: evaluation?.source ?? null, columns: Object.fromEntries([...data.columns].map(([k, v]) => [k, v.name])), max_length: number(data.values.get('max_length')) ?? 128, buckets: number(data.values.get('buckets')) ?? 3 },
    tune: {
      epochs: count('epochs'),
      max_steps: number(tune.values.get('max_steps')),
      batch: count('batch'),
      accumulate: count('accumulate'),
      clip: number(tune.values.get('clip')),
      seed: count('seed'),
      shuffle: tune.values.get('shuffle')?.kind === 'bool' && (tune.values.get('shuffle') as { value: boolean }).value,
      eval_every: interval(tune.values.get('eval_every')),
      save_every: interval(tune.values.get('save_every')),
      best: string(tune.values.get('best')),
      log_every: count('log_every'),
    },
    budget: { gpu_memory: number(budget.values.get('gpu_memory')), trainable: share(budget.values.get('trainable')) },
    optimizer: bound(c, optimizer),
    schedule: bound(c, schedule),
    trainRows: rows,
    evalRows,
  };
}

const number = (v: Value | undefined): number | null => (v?.kind === 'number' ? v.value : null);
const string = (v: Value | undefined): string | null => (v?.kind === 'string' ? v.value : null);
const interval = (v: Value | undefined): Interval | null => (v?.kind === 'number' ? { count: v.value, unit: v.unit === 'epochs' ? 'epochs' : 'steps' } : null);
const share = (v: Value | undefined): Spec['budget']['trainable'] => (v?.kind === 'number' ? (v.unit === 'ratio' ? { share: v.value } : { count: v.value }) : null);

function bound(c: Context, call: Extract<Value, { kind: 'call' }>): BoundDefinition {
  const what = (call.definition as Definition).what;
  const scope = c.scope.lookup(qualified(what, call.callee));
  return { definition: call.definition as Definition, scope: scope?.kind === 'definition' ? scope.scope : c.scope, args: call.args };
}

interface BoundSection {
  readonly values: ReadonlyMap<string, Value>;
  readonly tables: ReadonlyMap<string, { readonly source: TableSource; readonly span: Span }>;
  readonly columns: ReadonlyMap<string, { readonly name: string; readonly span: Span }>;
}

/** Binds the fields of a section as the arguments of its definition. */
function bindSection(c: Context, name: string, columns: readonly string[] | undefined): BoundSection | undefined {
  const definition = c.library.definitions.find((d) => d.folder === 'experiment' && d.definition.name.text === name);
  if (definition === undefined) return stop('PEFT0001', c.statements.experiment.span, `the standard library has no section ${name}`);
  const given = c.statements.sections.get(name);
  const span = given?.section.name.span ?? c.statements.experiment.name.span;
  const known = definition.definition.params.map((p) => p.name.text);
  const tables = new Map<string, { source: TableSource; span: Span }>();
  const columnFields = new Map<string, { name: string; span: Span }>();
  const args: EvaluatedArgument[] = [];
  let failed = false;
  for (const [field, { name: fieldName, value }] of given?.fields ?? []) {
    c.origins[`${name}.${field}`] = { kind: 'written', span: value.span };
    const done = attempt(c.diagnostics, () => {
      if (columns?.includes(field)) {
        if (value.kind !== 'string') return stop('PEFT0220', value.span, `${field} must be String, the name of a column`, value.kind === 'name' ? { help: `write "${value.name}"`, fix: { title: `write "${value.name}"`, edits: [{ span: value.span, text: JSON.stringify(value.name) }] } } : {});
        columnFields.set(field, { name: value.value, span: value.span });
        return true;
      }
      const param = definition.definition.params.find((p) => p.name.text === field);
      if (param === undefined) {
        if (columns === undefined && name === 'data') return true;
        const near = nearest(field, [...known, ...(columns ?? [])]);
        return stop('PEFT0121', fieldName.span, `${name} has no field ${field}`, near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: fieldName.span, text: near }] } } : { help: `it has ${[...known, ...(columns ?? [])].join(', ')}` });
      }
      args.push({ name: field, value: fieldValue(c, param, value, field, tables, c.scope), span: value.span });
      return true;
    });
    if (done === undefined) failed = true;
  }
  if (columns !== undefined && name === 'data') {
    for (const column of columns) {
      if (columnFields.has(column) || given?.fields.has(column)) continue;
      failed = true;
      c.diagnostics.push({ code: 'PEFT0226', severity: 'error', span, message: `data needs ${column}, the name of a column`, help: `write ${column}: "…"` });
    }
  }
  if (failed) return undefined;
  return attempt(c.diagnostics, () => {
    const local = bindParams(c.e, name, definition.definition.params, args, definition.scope, span);
    for (const p of definition.definition.params) c.origins[`${name}.${p.name.text}`] ??= { kind: 'default', of: name };
    return { values: new Map(known.map((k) => [k, local.lookup(k) as Value] as const)), tables, columns: columnFields };
  });
}

/** The value of a field; a table stays a source, and a bare name of a definition is a call without arguments. */
function fieldValue(c: Context, param: Definition['params'][number], value: Expr, field: string, tables: Map<string, { source: TableSource; span: Span }>, scope: Scope): Value {
  const wants = JSON.stringify(param.type ?? {});
  if (wants.includes('"Table"') && value.kind !== 'none') {
    const source = tableSource(c.e, value, scope);
    tables.set(field, { source, span: value.span });
    return { kind: 'call', callee: source.format, type: 'Table', args: new Map(), spans: new Map(), span: value.span };
  }
  const what = wants.includes('"Optimizer"') ? 'optimizer' : wants.includes('"Schedule"') ? 'schedule' : undefined;
  if (what !== undefined && (value.kind === 'name' || (value.kind === 'call' && value.callee.kind === 'name'))) {
    const callee = value.kind === 'name' ? value : (value.callee as Extract<Expr, { kind: 'name' }>);
    const found = scope.lookup(qualified(what, callee.name));
    if (found?.kind !== 'definition') {
      const names = c.library.definitions.filter((d) => d.definition.what === what).map((d) => d.definition.name.text);
      const near = nearest(callee.name, names);
      return stop('PEFT0119', callee.span, `there is no ${what} ${callee.name}`, near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: callee.span, text: near }] } } : { help: `there are ${names.join(', ')}` });
    }
    return evaluate(c.e, value.kind === 'name' ? { kind: 'call', callee: value, args: [], span: value.span } : value, preferring(what, scope));
  }
  return evaluate(c.e, value, scope);
}

/** Columns and rows of a table against what the experiment asks for. */
function checkTable(c: Context, source: TableSource, span: Span, columns: BoundSection['columns']): number | undefined {
  const fact = c.facts.table(source);
  if (!fact.ok) {
    c.diagnostics.push({ code: 'PEFT0601', severity: 'error', span, message: fact.message, ...(fact.help ? { help: fact.help } : {}) });
    return undefined;
  }
  for (const column of columns.values()) {
    if (fact.value.columns.includes(column.name)) continue;
    const near = nearest(column.name, fact.value.columns);
    c.diagnostics.push({
      code: 'PEFT0602',
      severity: 'error',
      span: column.span,
      message: `${source.path} has no column ${JSON.stringify(column.name)}`,
      help: near ? `did you mean ${JSON.stringify(near)}?` : `it has ${fact.value.columns.map((n) => JSON.stringify(n)).join(', ')}`,
      ...(near ? { fix: { title: `write ${JSON.stringify(near)}`, edits: [{ span: column.span, text: JSON.stringify(near) }] } } : {}),
    });
    return undefined;
  }
  if (fact.value.rows === 0) {
    c.diagnostics.push({ code: 'PEFT0603', severity: 'error', span, message: `${source.path} has no rows` });
    return undefined;
  }
  return fact.value.rows;
}

export { describe, type Field };
