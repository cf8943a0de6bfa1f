/**
 * @file Methods side by side over seeds: runs that differ in the seed alone are one method. Differences are paired by seed.
 */
import { metricDirections } from '../runtime/evaluate.js';
import { interval, summary, verdict, type Summary, type Verdict } from './statistics.js';
import type { Run } from './runs.js';
import { UserError } from './exit.js';

/** A method: runs of one meaning with different seeds. */
export interface Method {
  readonly name: string;
  readonly runs: readonly Run[];
}

/** What is compared: how it is called, what is better, how it is found in a run. */
export interface Quantity {
  readonly name: string;
  readonly title: string;
  readonly better: 'higher' | 'lower' | undefined;
  readonly of: (run: Run) => number | null;
}

/** Numbers of a run besides its metrics. */
const costs: readonly Quantity[] = [
  { name: 'time', title: 'seconds', better: 'lower', of: ({ result }) => result.seconds },
  { name: 'rate', title: 'tokens/s', better: 'higher', of: ({ result }) => (result.seconds > 0 ? result.tokens / result.seconds : null) },
  { name: 'trainable', title: 'trainable', better: undefined, of: ({ result }) => result.trainable },
  { name: 'adapter', title: 'adapter bytes', better: undefined, of: ({ result }) => result.adapterBytes },
  { name: 'memory', title: 'planned bytes', better: undefined, of: ({ result }) => result.plannedBytes },
  { name: 'allocated', title: 'allocated bytes', better: undefined, of: ({ result }) => result.allocatedBytes },
  { name: 'host', title: 'host bytes', better: undefined, of: ({ result }) => result.hostBytes },
  { name: 'energy', title: 'joules', better: 'lower', of: ({ result }) => result.joules },
];

/** The quantities of some runs: loss and metrics first, then what they cost; what no run knows is left out. */
export function quantitiesOf(runs: readonly Run[]): Quantity[] {
  const metrics = new Set(runs.flatMap((run) => Object.keys(run.result.kept ?? {})));
  const measured = [...metrics]
    .filter((name) => name !== 'loss')
    .concat(metrics.has('loss') ? ['loss'] : [])
    .map((name): Quantity => ({
      name,
      title: name,
      better: name === 'loss' ? 'lower' : (metricDirections[name] ?? 'higher'),
      of: (run) => run.result.kept?.[name] ?? null,
    }));
  return [...measured, ...costs].filter((q) => runs.some((run) => q.of(run) !== null));
}

/** The quantities of these names, in this order. */
export function chosen(all: readonly Quantity[], names: readonly string[]): Quantity[] {
  return names.map((name) => {
    const found = all.find((q) => q.name === name);
    if (found === undefined) throw new UserError(`these runs have no ${name}`, `they have ${all.map((q) => q.name).join(', ')}`);
    return found;
  });
}

/** The methods among runs, in the order of their names. */
export function methodsOf(runs: readonly Run[]): Method[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) groups.set(run.result.group, [...(groups.get(run.result.group) ?? []), run]);
  const named = [...groups.values()].map((own) => ({ name: nameOf(own), runs: latest(own) }));
  // Two meanings under one name are told apart by where they lie.
  return named.map((m) =>
    named.filter((other) => other.name === m.name).length === 1 ? m : { ...m, name: `${m.name} (${(m.runs[0] as Run).folder})` },
  );
}

/** Of runs with one seed the last counts: they are the same run again. */
function latest(runs: readonly Run[]): Run[] {
  const bySeed = new Map<number, Run>();
  for (const run of [...runs].sort((a, b) => (a.result.finished < b.result.finished ? -1 : 1))) bySeed.set(run.result.seed, run);
  return [...bySeed.values()].sort((a, b) => a.result.seed - b.result.seed);
}

/** What runs have in common of their names, without a number of the seed at the end. */
function nameOf(runs: readonly Run[]): string {
  const names = runs.map((run) => run.result.experiment);
  const [first = ''] = names;
  if (names.every((name) => name === first))
    return runs.length > 1 || runs[0] === undefined ? first : withoutSeed(first, runs[0].result.seed);
  let end = 0;
  while (end < first.length && names.every((name) => name[end] === first[end])) end += 1;
  return first.slice(0, end).replace(/(_seed|_s)?_?\d*$/, '') || first;
}

const withoutSeed = (name: string, seed: number): string => (name.endsWith(`_${seed}`) ? name.slice(0, -`_${seed}`.length) : name);

/** One quantity of one method, and its difference to the baseline. */
export interface Cell {
  readonly values: readonly (number | null)[];
  readonly summary: Summary | null;
  readonly difference: {
    /** Seeds that both have. */
    readonly seeds: readonly number[];
    readonly mean: number;
    readonly interval: { readonly low: number; readonly high: number } | null;
    readonly verdict: Verdict;
  } | null;
}

/** A comparison as data. */
export interface Comparison {
  readonly baseline: string;
  readonly confidence: number;
  readonly threshold: number;
  readonly quantities: readonly Quantity[];
  readonly rows: readonly { readonly method: Method; readonly seeds: readonly number[]; readonly cells: readonly Cell[] }[];
}

/** How to compare. */
export interface CompareOptions {
  readonly baseline?: string | undefined;
  /** Share of cases in which the interval holds the true difference. */
  readonly confidence: number;
  /** Smaller mean differences are noise, whatever the interval says. */
  readonly threshold: number;
}

/** Compares methods; the baseline is the one of that name, else the first. */
export function compareMethods(methods: readonly Method[], quantities: readonly Quantity[], options: CompareOptions): Comparison {
  const baseline = options.baseline === undefined ? methods[0] : methods.find((m) => m.name === options.baseline);
  if (baseline === undefined)
    throw new UserError(`there is no method ${options.baseline} among these runs`, `there are ${methods.map((m) => m.name).join(', ')}`);
  const cell = (method: Method, q: Quantity): Cell => {
    const values = method.runs.map(q.of);
    const known = values.filter((v): v is number => v !== null);
    return {
      values,
      summary: known.length === 0 ? null : summary(known),
      difference: method === baseline || q.better === undefined ? null : differenceOf(method, baseline, q, options),
    };
  };
  return {
    baseline: baseline.name,
    confidence: options.confidence,
    threshold: options.threshold,
    quantities,
    rows: methods.map((method) => ({
      method,
      seeds: method.runs.map((run) => run.result.seed),
      cells: quantities.map((q) => cell(method, q)),
    })),
  };
}

function differenceOf(method: Method, baseline: Method, q: Quantity, { confidence, threshold }: CompareOptions): Cell['difference'] {
  const pairs = method.runs.flatMap((run) => {
    const other = baseline.runs.find((b) => b.result.seed === run.result.seed);
    const [own, theirs] = [q.of(run), other === undefined ? null : q.of(other)];
    return own === null || theirs === null ? [] : [{ seed: run.result.seed, difference: own - theirs }];
  });
  if (pairs.length === 0) return null;
  const differences = pairs.map((p) => p.difference);
  return {
    seeds: pairs.map((p) => p.seed),
    mean: summary(differences).mean,
    interval: interval(differences, confidence) ?? null,
    verdict: verdict(differences, q.better ?? 'higher', confidence, threshold),
  };
}
