/**
 * @file Runs that are done: what `peft run` writes about one (`result.json`), and reading it back with its curves for `compare` and `report`.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { canonical, meaning, type Json, type Spec } from '../compiler/spec/spec.js';
import type { Consequences } from './consequences.js';
import { UserError } from './exit.js';
import type { LockFile } from './lock.js';
import { sha256 } from './prepare.js';

/** What an evaluation found. */
export interface Measured {
  readonly loss: number;
  readonly [metric: string]: number;
}

/** What is written about a run. */
export interface RunResult {
  readonly format: 'peft-result';
  readonly version: 1;
  readonly experiment: string;
  /** Hash of the meaning, and of the meaning without the seed: runs that differ in the seed alone have it in common. */
  readonly hash: string;
  readonly group: string;
  readonly seed: number;
  readonly steps: number;
  /** Seconds of the training loop, with the evaluations in it. */
  readonly seconds: number;
  readonly tokens: number;
  readonly trainable: number;
  readonly parameters: number;
  /** Bytes of the adapter's weights as they are written; null, like what else is not known, while the run is under way. */
  readonly adapterBytes: number | null;
  readonly plannedBytes: number | null;
  readonly allocatedBytes: number | null;
  /** Largest resident memory of the process, in bytes. */
  readonly hostBytes: number | null;
  /** Energy that the processor's counter measured over the training, in joules; null where there is none. */
  readonly joules: number | null;
  readonly device: string;
  readonly best: string | null;
  readonly bestStep: number | null;
  readonly before: Measured | null;
  readonly after: Measured | null;
  /** What the adapter that was kept measures: at the best step where there is one, else at the end. */
  readonly kept: Measured | null;
  readonly finished: string;
}

/** A line of `metrics.jsonl`. */
export interface LogLine {
  readonly kind: 'step' | 'eval';
  readonly step: number;
  readonly loss: number;
  readonly tokens?: number;
  readonly seconds: number;
  readonly [name: string]: number | string | boolean | undefined;
}

/** A run with all that is known of it. */
export interface Run {
  /** Folder as it is shown. */
  readonly folder: string;
  readonly result: RunResult;
  readonly spec: Spec;
  readonly lock: LockFile;
  readonly log: readonly LogLine[];
}

/** Hash of what an experiment means but for its seed. */
export function groupHash(spec: Spec): string {
  const whole = meaning(spec) as { readonly [key: string]: Json };
  return sha256(canonical({ ...whole, tune: { ...(whole['tune'] as { readonly [key: string]: Json }), seed: null } }));
}

/** What the experiment comes to as the lock records it. */
export const consequencesOfRun = (run: Run): Consequences | undefined => run.lock.consequences;

/** Whether a folder holds a run that is done. */
export const isRun = (folder: string): boolean => existsSync(join(folder, 'result.json')) && existsSync(join(folder, 'spec.lock.json'));

/** Reads the runs that names lead to: folders of runs, or folders with such folders in them. Sorted by experiment and seed. */
export function readRuns(names: readonly string[], cwd: string): Run[] {
  const folders = new Set<string>();
  for (const name of names) {
    const path = resolve(cwd, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true)
      throw new UserError(`${name} is no folder`, 'name the folder of a run, or one that holds such folders');
    const own = runsBelow(path, 4);
    if (own.length === 0) throw new UserError(`${name} holds no run that is done`, 'peft run writes result.json when it ends');
    for (const folder of own) folders.add(folder);
  }
  return [...folders]
    .map((folder) => readRun(folder, relative(cwd, folder) || '.'))
    .sort((a, b) =>
      a.result.experiment === b.result.experiment ? a.result.seed - b.result.seed : a.result.experiment < b.result.experiment ? -1 : 1,
    );
}

function runsBelow(folder: string, depth: number): string[] {
  if (isRun(folder)) return [folder];
  if (depth === 0) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap((entry) => runsBelow(join(folder, entry.name), depth - 1));
}

/** Reads one run. */
export function readRun(folder: string, shown: string): Run {
  const json = (name: string): unknown => {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8'));
    } catch (error) {
      throw new UserError(`${join(shown, name)} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const result = json('result.json') as RunResult;
  const lock = json('spec.lock.json') as LockFile;
  if (result.format !== 'peft-result' || lock.spec === undefined)
    throw new UserError(`${shown} was not written by this version of peft run`);
  return { folder: shown, result, spec: lock.spec, lock, log: readLog(folder) };
}

/** The log of a run, finished or not; a last line that is not whole yet is left out. */
export function readLog(folder: string): LogLine[] {
  const path = join(folder, 'metrics.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}
