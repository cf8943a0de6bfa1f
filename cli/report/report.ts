/**
 * @file What a report is made of: runs, the methods among them, how they compare, and how their experiments differ. No clock and no folder is looked
 * at here: the same runs give the same report.
 */
import { compareMethods, type CompareOptions, type Comparison, type Method, type Quantity } from '../comparison.js';
import { methodsOf } from '../comparison.js';
import type { Run } from '../runs.js';
import type { DataHealth } from './health.js';
import { differencesOf, type MethodDifferences } from './differences.js';
import { isMetric } from './numbers.js';

/** How far a run has come that is not done. */
export interface Progress {
  readonly folder: string;
  readonly name: string;
  readonly step: number;
  /** Null where it is not known yet. */
  readonly total: number | null;
  readonly seconds: number;
  readonly loss: number | null;
  readonly done: boolean;
}

/** A report as data. */
export interface Report {
  readonly title: string;
  readonly runs: readonly Run[];
  readonly methods: readonly Method[];
  readonly baseline: Method;
  readonly comparison: Comparison;
  /** Of every method but the baseline. */
  readonly differences: readonly MethodDifferences[];
  /** What the metric is by which methods are judged; undefined where nothing was measured. */
  readonly quality: Quantity | undefined;
  readonly health: readonly DataHealth[];
  /** Of runs that are watched. */
  readonly progress: readonly Progress[];
}

/** What is known besides the runs. */
export interface ReportExtras {
  readonly title?: string | undefined;
  readonly health?: readonly DataHealth[];
  readonly progress?: readonly Progress[];
}

/** The report on runs, of which there is one at least. */
export function reportOn(runs: readonly Run[], quantities: readonly Quantity[], options: CompareOptions, extras: ReportExtras): Report {
  const methods = methodsOf(runs);
  const comparison = compareMethods(methods, quantities, options);
  const baseline = methods.find((m) => m.name === comparison.baseline) as Method;
  return {
    title: extras.title ?? titleOf(methods),
    runs,
    methods,
    baseline,
    comparison,
    differences: methods.filter((m) => m !== baseline).map((m) => differencesOf(baseline, m)),
    quality: qualityOf(baseline, quantities),
    health: extras.health ?? [],
    progress: extras.progress ?? [],
  };
}

function titleOf(methods: readonly Method[]): string {
  const names = methods.map((m) => m.name);
  if (names.length <= 3) return names.join(', ').replace(/, (?=[^,]*$)/, ' and ');
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more methods`;
}

/** What the experiment says is best, else the first metric. */
function qualityOf(baseline: Method, quantities: readonly Quantity[]): Quantity | undefined {
  const best = baseline.runs[0]?.spec.tune.best;
  return quantities.find((q) => q.name === best && isMetric(q)) ?? quantities.find(isMetric);
}

/** Where a method stands in the report: its colour and marker. */
export const indexOf = (report: Report, method: Method): number => report.methods.indexOf(method);

/** Words for a number of things. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
