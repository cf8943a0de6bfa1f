/**
 * @file Sweeps: one statement → points, each a plain experiment. `over` says which experiments are varied; each axis gives a knob (a field of a
 * section, or an argument of a call in the experiment) the values of a list; `=` computes one from those before; `when` makes either conditional;
 * `require` leaves points out; `take` keeps some of them, drawn from a seed.
 *
 * A point is text again: the statements of the experiment with the values put in. So everything that holds for an experiment holds for a point.
 */
import type {
  Argument,
  Experiment,
  Expr,
  Field,
  File,
  Name,
  Section,
  Statement,
  Sweep,
  SweepKnob,
  SweepMember,
} from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import type { Library } from '../elaborate/library.js';
import { suggest } from '../elaborate/nearest.js';
import { scopeOf, type Scope } from '../elaborate/scope.js';
import { attempt, stop } from '../elaborate/stop.js';
import { describe, kindName, showNumber, type Value } from '../elaborate/value.js';
import { randomBits } from '../ops/random.js';
import { experimentsOf, flatten, sectionNames, type Statements } from './statements.js';

/** One point. */
export interface Point {
  /** What is varied, in words: `rank=4 seed=0`; the name of the experiment stands first where there are several. */
  readonly label: string;
  /** The experiment that is varied. */
  readonly of: Experiment;
  readonly values: ReadonlyMap<string, Value>;
  /** The experiment of the point, which derives from nothing. */
  readonly experiment: Experiment;
}

/** The sweeps of a file. */
export const sweepsOf = (file: File): Sweep[] => file.items.filter((i): i is Sweep => i.kind === 'sweep');

/** At most so many points: more is a mistake, not an experiment. */
const mostPoints = 10_000;

/** The points of a sweep in order, the first axis slowest; what is wrong is told. */
export function pointsOf(file: File, sweep: Sweep, library: Library, diagnostics: Diagnostic[]): Point[] {
  const e = createElaboration(undefined, { training: false });
  const scope = library.scopeOf(file, []);
  const points: Point[] = [];
  for (const over of sweep.over) {
    const experiment = experimentsOf(file).find((x) => x.name.text === over.text);
    if (experiment === undefined) {
      const names = experimentsOf(file).map((x) => x.name.text);
      diagnostics.push({
        code: 'PEFT0111',
        severity: 'error',
        span: over.span,
        message: `there is no experiment ${over.text} in this file`,
        ...suggest(over.text, over.span, names, 'there is'),
      });
      continue;
    }
    const statements = flatten(file, experiment, []);
    if (statements === undefined) continue;
    const own = attempt(diagnostics, () => {
      const knobs = new Map(sweep.members.flatMap((m) => knobsOf(m).map((k) => [keyOf(k), resolve(k, statements, library)] as const)));
      return valuesOf(e, sweep, scope).map((values): Point => {
        return { label: '', of: experiment, values, experiment: pointExperiment(sweep, statements, values, knobs, points.length) };
      });
    });
    for (const point of own ?? [])
      points.push({
        ...point,
        experiment: { ...point.experiment, name: { ...sweep.name, text: `${sweep.name.text}_${points.length + 1}` } },
      });
  }
  const varied = variedKeys(points);
  const labelled = points.map((p): Point => {
    const words = [...p.values].flatMap(([key, value]) => (varied.has(key) ? [`${key}=${described(value)}`] : []));
    return { ...p, label: [...(sweep.over.length > 1 ? [p.of.name.text] : []), ...words].join(' ') || p.of.name.text };
  });
  if (points.length === 0 && diagnostics.every((d) => d.severity !== 'error'))
    diagnostics.push({
      code: 'PEFT0130',
      severity: 'error',
      span: sweep.name.span,
      message: `sweep ${sweep.name.text} has no points`,
      help: 'an axis has an empty list, or require leaves everything out',
    });
  return labelled;
}

/** The knobs that do not have one value in all points. */
export function variedKeys(points: readonly Pick<Point, 'values'>[]): ReadonlySet<string> {
  const seen = new Map<string, Set<string>>();
  const keys = new Set(points.flatMap((p) => [...p.values.keys()]));
  for (const { values } of points)
    for (const key of keys) {
      const value = values.get(key);
      seen.set(key, (seen.get(key) ?? new Set()).add(value === undefined ? '' : describe(value)));
    }
  return new Set([...seen].flatMap(([key, values]) => (values.size > 1 ? [key] : [])));
}

const knobsOf = (m: SweepMember): readonly SweepKnob[] => (m.kind === 'axis' ? m.knobs : m.kind === 'derived' ? [m.knob] : []);
const keyOf = (k: SweepKnob): string => k.steps.map((s) => s.text).join('.');
/** The name by which later values refer to a knob. */
const shortOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1);

const described = (v: Value): string => (v.kind === 'string' ? v.value : describe(v));

// --- values ------------------------------------------------------------------------------------------------------------

type Values = ReadonlyMap<string, Value>;

function valuesOf(e: Elaboration, sweep: Sweep, scope: Scope): Values[] {
  const take = sweep.members.find((m) => m.kind === 'take');
  const counted = take === undefined ? undefined : wholeNumber(e, take.count, scope, 'take');
  const seed = take?.seed === undefined ? 0 : wholeNumber(e, take.seed, scope, 'seed');
  const drawn = sweep.members.some((m) => m.kind === 'axis' && rangeOf(m.values) !== undefined);
  if (drawn && counted === undefined)
    return stop('PEFT0131', sweep.name.span, `sweep ${sweep.name.text} draws values, but does not say how many points to take`, {
      help: 'write take 12 seed 0',
    });
  if (drawn)
    return unique(Array.from({ length: counted as number }, (_, i) => drawnPoint(e, sweep, scope, seed, i)).flatMap((v) => v ?? []));
  let points: Values[] = [new Map()];
  for (const m of sweep.members) {
    points = points.flatMap((values) => step(e, m, values, scope));
    if (points.length > mostPoints)
      return stop('PEFT0132', sweep.name.span, `sweep ${sweep.name.text} has more than ${mostPoints.toLocaleString('en')} points`, {
        help: 'write take with a number to keep some of them',
      });
  }
  const all = unique(points);
  if (counted === undefined || counted >= all.length) return all;
  // The first of a shuffled list, in the order they had.
  const order = all.map((_, i) => ({ i, key: randomBits(seed >>> 0, i) }));
  const kept = new Set(
    order
      .sort((a, b) => a.key - b.key || a.i - b.i)
      .slice(0, counted)
      .map((o) => o.i),
  );
  return all.filter((_, i) => kept.has(i));
}

/** What a member makes of a point: more, one, or none. */
function step(e: Elaboration, m: SweepMember, values: Values, scope: Scope): Values[] {
  const inner = inside(values, scope);
  switch (m.kind) {
    case 'axis':
      if (m.when !== undefined && !truth(e, m.when, inner)) return [values];
      return itemsOf(e, m.values, inner).map((item) => withItem(m, item, values));
    case 'derived':
      if (m.when !== undefined && !truth(e, m.when, inner)) return [values];
      return [new Map([...values, [keyOf(m.knob), evaluate(e, m.value, inner)]])];
    case 'require-point':
      return truth(e, m.condition, inner) ? [values] : [];
    case 'take':
    case 'error':
      return [values];
    default:
      return m satisfies never;
  }
}

/** One point whose axes are drawn; undefined where `require` leaves it out. */
function drawnPoint(e: Elaboration, sweep: Sweep, scope: Scope, seed: number, number: number): Values | undefined {
  let values: Values = new Map();
  for (const [at, m] of sweep.members.entries()) {
    if (m.kind !== 'axis') {
      const next = step(e, m, values, scope)[0];
      if (next === undefined) return undefined;
      values = next;
      continue;
    }
    const inner = inside(values, scope);
    if (m.when !== undefined && !truth(e, m.when, inner)) continue;
    const u = randomBits((seed ^ Math.imul(at + 1, 0x9e3779b1)) >>> 0, number) / 2 ** 32;
    const range = rangeOf(m.values);
    if (range === undefined) {
      const items = itemsOf(e, m.values, inner);
      const item = items[Math.floor(u * items.length)];
      if (item !== undefined) values = withItem(m, item, values);
      continue;
    }
    const [low, high] = range.bounds.map((b) => realNumber(e, b, inner)) as [number, number];
    if (!(low < high) || (range.log && low <= 0))
      return stop('PEFT0133', m.values.span, `values are drawn between two numbers, the smaller first${range.log ? ', both above 0' : ''}`);
    const value = range.log ? Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low))) : low + u * (high - low);
    values = new Map([
      ...values,
      [keyOf(m.knobs[0] as SweepKnob), { kind: 'number', value: Number(value.toPrecision(4)), integer: false }],
    ]);
  }
  return values;
}

/** `uniform(a, b)`, `log_uniform(a, b)` in place of a list. */
function rangeOf(values: Expr): { readonly log: boolean; readonly bounds: readonly [Expr, Expr] } | undefined {
  if (values.kind !== 'call' || values.callee.kind !== 'name') return undefined;
  const { name } = values.callee;
  const [low, high] = values.args;
  if ((name !== 'uniform' && name !== 'log_uniform') || low === undefined || high === undefined) return undefined;
  return { log: name === 'log_uniform', bounds: [low.value, high.value] };
}

const inside = (values: Values, scope: Scope): Scope => scopeOf(new Map([...values].map(([key, v]) => [shortOf(key), v] as const)), scope);

function truth(e: Elaboration, expr: Expr, scope: Scope): boolean {
  const value = evaluate(e, expr, scope);
  if (value.kind !== 'bool') stop('PEFT0220', expr.span, `a condition must be true or false, not ${kindName(value)} ${describe(value)}`);
  return value.kind === 'bool' && value.value;
}

function itemsOf(e: Elaboration, expr: Expr, scope: Scope): readonly Value[] {
  const value = evaluate(e, expr, scope);
  if (value.kind !== 'list')
    return stop('PEFT0134', expr.span, `an axis is a list of values, not ${kindName(value)} ${describe(value)}`, {
      help: 'write [4, 8, 16], or uniform(a, b) or log_uniform(a, b) with take',
    });
  return value.items;
}

/** A value of an axis; where several knobs go together, a list with one for each. */
function withItem(m: Extract<SweepMember, { kind: 'axis' }>, item: Value, values: Values): Values {
  if (m.knobs.length === 1) return new Map([...values, [keyOf(m.knobs[0] as SweepKnob), item]]);
  if (item.kind !== 'list' || item.items.length !== m.knobs.length)
    return stop('PEFT0134', m.values.span, `${m.knobs.length} values go together here, and ${describe(item)} is not a list of so many`, {
      help: 'write [[1e-4, 8], [2e-4, 16]]',
    });
  return new Map([...values, ...m.knobs.map((k, i) => [keyOf(k), item.items[i] as Value] as const)]);
}

function wholeNumber(e: Elaboration, expr: Expr, scope: Scope, what: string): number {
  const value = evaluate(e, expr, scope);
  if (value.kind === 'number' && value.unit === undefined && Number.isInteger(value.value) && value.value >= 0) return value.value;
  return stop('PEFT0220', expr.span, `${what} must be a whole number of at least 0, not ${kindName(value)} ${describe(value)}`);
}

function realNumber(e: Elaboration, expr: Expr, scope: Scope): number {
  const value = evaluate(e, expr, scope);
  return value.kind === 'number' && value.unit === undefined
    ? value.value
    : stop('PEFT0220', expr.span, `a bound must be a number, not ${kindName(value)} ${describe(value)}`);
}

/** Points that are alike are one. */
function unique(points: readonly Values[]): Values[] {
  const seen = new Set<string>();
  return points.filter((p) => {
    const key = [...p].map(([k, v]) => `${k}=${describe(v)}`).join();
    return seen.has(key) ? false : seen.add(key);
  });
}

// --- knobs -------------------------------------------------------------------------------------------------------------

/** What a knob turns. */
type Target =
  | { readonly kind: 'field'; readonly section: string; readonly field: string }
  /** An argument of the calls of a definition. */
  | { readonly kind: 'argument'; readonly callees: ReadonlySet<string>; readonly name: string }
  | { readonly kind: 'override'; readonly key: string };

function resolve(knob: SweepKnob, statements: Statements, library: Library): Target {
  const [first, second] = knob.steps.map((s) => s.text) as [string, string | undefined];
  const name = second ?? first;
  const fields = library.definitions
    .filter((d) => d.folder === 'experiment')
    .flatMap((d) => d.definition.params.map((p) => ({ section: d.definition.name.text, field: p.name.text })));
  const calls = callsOf(statements);
  const takes = (callee: string): boolean =>
    library.definitions.some((d) => d.definition.name.text === callee && d.definition.params.some((p) => p.name.text === name)) ||
    calls.some((c) => nameOf(c) === callee && c.kind === 'call' && c.args.some((a) => a.name?.text === name));
  const callees = [...new Set(calls.flatMap((c) => nameOf(c) ?? []))];
  if (second !== undefined && first === 'base') return { kind: 'override', key: second };
  const field = fields.find((f) => f.field === name && (second === undefined || f.section === first));
  const fitting = callees.filter((callee) => takes(callee) && (second === undefined || callee === first));
  if (field !== undefined && (second !== undefined || fitting.length === 0)) return { kind: 'field', ...field };
  if (field !== undefined)
    return stop('PEFT0135', knob.span, `${name} is a field of ${field.section} and an argument of ${fitting.join(', ')}`, {
      help: `write ${field.section}.${name} or ${fitting[0]}.${name}`,
    });
  if (fitting.length > 0) return { kind: 'argument', callees: new Set(fitting), name };
  const known = [...new Set([...fields.map((f) => f.field), ...argumentNames(callees, library)])];
  return stop(
    'PEFT0136',
    knob.span,
    `nothing in ${statements.experiment.name.text} is called ${keyOf(knob)}`,
    suggest(name, knob.span, known, 'there is'),
  );
}

const argumentNames = (callees: readonly string[], library: Library): string[] =>
  library.definitions.flatMap((d) => (callees.includes(d.definition.name.text) ? d.definition.params.map((p) => p.name.text) : []));

/** The calls of an experiment that have arguments of their own: methods, formats, optimiser, schedule, task. */
function callsOf({ targets, formats, sections, base }: Statements): Expr[] {
  const tune = sections.get('tune')?.fields;
  return [
    ...targets.flatMap((t) => (t.kind === 'adapt' ? [t.method] : [])),
    ...formats.map((f) => f.format),
    ...['optimizer', 'schedule'].flatMap((name) => tune?.get(name)?.value ?? []),
    ...(base?.task === undefined ? [] : [base.task]),
  ];
}

const nameOf = (call: Expr): string | undefined =>
  call.kind === 'name' ? call.name : call.kind === 'call' && call.callee.kind === 'name' ? call.callee.name : undefined;

// --- the experiment of a point -----------------------------------------------------------------------------------------

function pointExperiment(
  sweep: Sweep,
  statements: Statements,
  values: Values,
  knobs: ReadonlyMap<string, Target>,
  number: number,
): Experiment {
  const span = sweep.span;
  const set = [...values].map(([key, value]) => ({ target: knobs.get(key) as Target, value: literalOf(value, span) }));
  const call = (expr: Expr): Expr => set.reduce((whole, { target, value }) => withArgument(whole, target, value), expr);
  const fields = new Map<string, Map<string, Field>>();
  for (const name of sectionNames) {
    const own = new Map(statements.sections.get(name)?.fields ?? []);
    for (const { target, value } of set)
      if (target.kind === 'field' && target.section === name) own.set(target.field, { name: { text: target.field, span }, value, span });
    for (const [field, { name: label, value }] of own)
      own.set(field, { name: label, span, value: field === 'optimizer' || field === 'schedule' ? call(value) : value });
    if (own.size > 0) fields.set(name, own);
  }
  const { base } = statements;
  const overrides = set.flatMap(({ target, value }): Argument[] =>
    target.kind === 'override' ? [{ name: { text: target.key, span }, value, span }] : [],
  );
  const written: Statement[] = [
    ...(base === undefined
      ? []
      : [
          {
            ...bare(base),
            overrides: [...base.overrides.filter((o) => !overrides.some((n) => n.name?.text === o.name?.text)), ...overrides],
            ...(base.task === undefined ? {} : { task: call(base.task) }),
          },
        ]),
    ...statements.targets.map((t): Statement => (t.kind === 'adapt' ? { ...bare(t), method: call(t.method) } : bare(t))),
    ...statements.formats.map((f): Statement => ({ ...bare(f), format: call(f.format) })),
    ...[...fields].map(([name, own]): Statement => ({ kind: 'section', span, section: sectionOf(name, own, span) })),
  ];
  return {
    kind: 'experiment',
    doc: '',
    span,
    name: { text: `${sweep.name.text}_${number + 1}`, span: sweep.name.span },
    statements: written,
  };
}

const sectionOf = (name: string, fields: ReadonlyMap<string, Field>, span: Span): Section => ({
  kind: 'fields',
  name: { text: name, span },
  fields: [...fields.values()],
  tail: [],
  span,
});

/** A statement without its comments, which belong to the experiment it was written in. */
function bare<S extends Statement>(statement: S): S {
  const { trivia: _comments, ...rest } = statement;
  return rest as S;
}

/** A call with one argument given another value. */
function withArgument(expr: Expr, target: Target, value: Expr): Expr {
  const callee = nameOf(expr);
  if (target.kind !== 'argument' || callee === undefined || !target.callees.has(callee)) return expr;
  const argument: Argument = { name: { text: target.name, span: value.span }, value, span: value.span };
  if (expr.kind !== 'call') return { kind: 'call', callee: expr, args: [argument], span: expr.span };
  return { ...expr, args: [...expr.args.filter((a) => a.name?.text !== target.name), argument] };
}

/** A value as it is written. */
function literalOf(value: Value, span: Span): Expr {
  switch (value.kind) {
    case 'number': {
      const shown = showNumber(value);
      const found = /^(-?)([\d.]+(?:e[+-]?\d+)?)\s*(\S*)$/i.exec(value.unit === undefined ? exact(value.value, value.integer) : shown);
      const [, sign, digits, unit] = (found ?? []) as unknown as [string, string, string, string];
      const size: Expr = {
        kind: 'number',
        value: Number(digits),
        text: digits,
        integer: !/[.e]/i.test(digits),
        ...(unit === '' || unit === undefined ? {} : { unit }),
        span,
      };
      return sign === '-' ? { kind: 'unary', op: '-', operand: size, span } : size;
    }
    case 'string':
      return { kind: 'string', value: value.value, span };
    case 'bool':
      return { kind: 'bool', value: value.value, span };
    case 'none':
      return { kind: 'none', span };
    case 'list':
      return { kind: 'list', items: value.items.map((item) => literalOf(item, span)), span };
    default:
      return stop('PEFT0134', span, `a point cannot hold ${kindName(value)} ${describe(value)}`);
  }
}

/** A number as text: whole ones without a point, others in the shortest form. */
const exact = (value: number, integer: boolean): string => {
  const text = String(value).replace('e+', 'e');
  return integer || /[.e]/.test(text) ? text : `${text}.0`;
};

/** Names in a sweep, for the editor: what it varies. */
export const variedNames = (sweep: Sweep): Name[] => sweep.members.flatMap((m) => knobsOf(m).flatMap((k) => k.steps.slice(-1)));
