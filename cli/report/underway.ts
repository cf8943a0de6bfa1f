/**
 * @file Runs that are watched: those that are done as `peft compare` reads them, and those under way as far as their log goes.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { UserError } from '../exit.js';
import type { LockFile } from '../lock.js';
import { groupHash, isRun, readLog, readRun, type LogLine, type Measured, type Run } from '../runs.js';
import type { Progress } from './report.js';

/** A run that is watched, and how far it is; no run is there before the lock is written. */
export interface Watched {
  readonly run: Run | undefined;
  readonly progress: Progress;
}

/** Folders of runs below the named ones, done or not. A named folder that is empty, or not there yet, is one where a run is about to begin. */
export function watchedFolders(names: readonly string[], cwd: string): string[] {
  const folders = names.flatMap((name) => {
    const path = resolve(cwd, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory()) throw new UserError(`${name} is no folder`, 'name the folder of a run');
    const below = found === undefined ? [] : begunBelow(path, 4);
    return below.length === 0 ? [path] : below;
  });
  return [...new Set(folders)].sort();
}

function begunBelow(folder: string, depth: number): string[] {
  if (existsSync(join(folder, 'spec.lock.json')) || existsSync(join(folder, 'metrics.jsonl'))) return [folder];
  if (depth === 0) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap((entry) => begunBelow(join(folder, entry.name), depth - 1));
}

/** Reads a run as far as it is. */
export function readWatched(folder: string, cwd: string): Watched {
  const shown = relative(cwd, folder) || '.';
  if (isRun(folder)) {
    const run = readRun(folder, shown);
    const { experiment, steps, seconds, kept } = run.result;
    return { run, progress: { folder: shown, name: experiment, step: steps, total: steps, seconds, loss: kept?.loss ?? null, done: true } };
  }
  const lock = lockIn(folder);
  const waiting: Progress = { folder: shown, name: basename(folder), step: 0, total: null, seconds: 0, loss: null, done: false };
  if (lock?.spec === undefined) return { run: undefined, progress: waiting };
  const log = readLog(folder);
  const last = log.findLast((line) => line.kind === 'step');
  const run: Run = { folder: shown, spec: lock.spec, lock, log, result: resultSoFar({ ...lock, spec: lock.spec }, log, last) };
  return {
    run,
    progress: {
      ...waiting,
      name: lock.spec.name,
      step: last?.step ?? 0,
      total: lock.consequences?.steps ?? null,
      seconds: last?.seconds ?? 0,
      loss: last?.loss ?? null,
    },
  };
}

/** The lock, once it is there whole. */
function lockIn(folder: string): LockFile | undefined {
  try {
    const lock = JSON.parse(readFileSync(join(folder, 'spec.lock.json'), 'utf8')) as LockFile;
    return lock.format === 'peft-lock' ? lock : undefined;
  } catch {
    return undefined;
  }
}

/** What is known of the result: the last evaluation, or the best one where the experiment keeps that, and what the plan says. */
function resultSoFar(lock: LockFile & { readonly spec: Run['spec'] }, log: readonly LogLine[], last: LogLine | undefined): Run['result'] {
  const measured = log.filter((line) => line.kind === 'eval');
  const kept = (lock.spec.tune.best === null ? undefined : measured.findLast((line) => line['best'] === true)) ?? measured.at(-1);
  return {
    format: 'peft-result',
    version: 1,
    experiment: lock.spec.name,
    hash: lock.hash,
    group: groupHash(lock.spec),
    seed: lock.spec.tune.seed,
    steps: last?.step ?? 0,
    seconds: last?.seconds ?? 0,
    tokens: last?.tokens ?? 0,
    trainable: lock.consequences?.trainable ?? 0,
    parameters: lock.consequences?.parameters ?? 0,
    adapterBytes: null,
    plannedBytes: lock.consequences?.peakBytes ?? null,
    allocatedBytes: null,
    hostBytes: null,
    joules: null,
    device: lock.device,
    best: lock.spec.tune.best,
    bestStep: kept !== undefined && kept['best'] === true ? kept.step : null,
    before: measuredOf(measured.find((line) => line.step === 0)),
    after: null,
    kept: measuredOf(kept),
    finished: '',
  };
}

function measuredOf(line: LogLine | undefined): Measured | null {
  if (line === undefined) return null;
  const { kind: _kind, step: _step, seconds: _seconds, tokens: _tokens, best: _best, examples: _examples, ...rest } = line;
  return { ...Object.fromEntries(Object.entries(rest).filter(([, v]) => typeof v === 'number')), loss: line.loss } as Measured;
}
