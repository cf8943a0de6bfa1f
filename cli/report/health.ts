/**
 * @file What the data of the runs is like: how much is cut, padded, doubled or in both tables. It is worked out again from the file of the experiment,
 * and only where that file is there and its tables are the ones that were trained on.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DataFacts } from '../../lint/data-facts.js';
import { canonical, type Json } from '../../compiler/spec/spec.js';
import { openFile } from '../experiment.js';
import { lintData } from '../lint-data.js';
import { fileDigest } from '../lock.js';
import type { Run } from '../runs.js';
import { fileOf } from './command.js';

/** What is known of the tables that some runs have in common. */
export interface DataHealth {
  /** Paths of the tables as they are written. */
  readonly tables: readonly string[];
  /** Names of the experiments. */
  readonly experiments: readonly string[];
  readonly known:
    { readonly ok: true; readonly facts: DataFacts; readonly maxTokens: number } | { readonly ok: false; readonly why: string };
}

/** The health of the data of some runs, each set of tables once. */
export async function gatherHealth(runs: readonly Run[], cwd: string): Promise<DataHealth[]> {
  const sets = new Map<string, Run[]>();
  for (const run of runs) {
    const { data, tune } = run.spec;
    const key = canonical({ digests: run.lock.data, data, batch: tune.batch } as unknown as Json);
    sets.set(key, [...(sets.get(key) ?? []), run]);
  }
  const found: DataHealth[] = [];
  for (const [first, ...others] of sets.values()) {
    if (first === undefined) continue;
    const { train, eval: evaluation } = first.spec.data;
    found.push({
      tables: [train.path, ...(evaluation === null ? [] : [evaluation.path])],
      experiments: [...new Set([first, ...others].map((run) => run.result.experiment))],
      known: await healthOf(first, cwd),
    });
  }
  return found;
}

async function healthOf(run: Run, cwd: string): Promise<DataHealth['known']> {
  const no = (why: string): DataHealth['known'] => ({ ok: false, why });
  const file = fileOf(run);
  if (file === undefined) return no('the lock does not say in which file the experiment was written');
  const path = resolve(cwd, file);
  if (!existsSync(path)) return no(`${file} is not there`);
  for (const [table, digest] of Object.entries(run.lock.data)) {
    const place = resolve(dirname(path), table);
    if (!existsSync(place)) return no(`${table} is not there`);
    if ((await fileDigest(place)) !== digest) return no(`${table} is no longer what was trained on`);
  }
  try {
    const opened = await openFile({ name: file, path, text: readFileSync(path, 'utf8') }, cwd, run.result.experiment, {
      weights: 'optional',
      hub: 'cached',
    });
    const resolved = opened.experiments.flatMap((e) => e.resolved ?? [])[0];
    if (resolved === undefined) return no(`${file} can no longer be checked`);
    const facts = await lintData(resolved, opened);
    return facts === undefined ? no('its tables cannot be tokenised here') : { ok: true, facts, maxTokens: resolved.spec.data.max_length };
  } catch (error) {
    return no(error instanceof Error ? error.message : String(error));
  }
}
