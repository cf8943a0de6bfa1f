/**
 * @file From a checked experiment to what runs it: data sets, the device, the compiled Package.
 */
import { dirname, resolve } from 'node:path';
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Diagnostic } from '../grammar/diagnostics.js';
import { checkBudget } from '../compiler/driver/budget.js';
import { compile, type Compiled } from '../compiler/driver/compile.js';
import type { WatchKernels } from '../compiler/plan/plan.js';
import type { BatchInput, Target } from '../compiler/plan/program.js';
import type { Resolved } from '../compiler/spec/check.js';
import type { Interval, Spec } from '../compiler/spec/spec.js';
import type { Datasets } from '../runtime/datasets.js';
import type { TrainSettings } from '../runtime/train.js';
import { exitCodes, UserError, type ExitCode } from './exit.js';
import type { OpenedFile } from './experiment.js';
import { baseFolder, tableOptions } from './facts.js';
import type { Context } from './io.js';
import { renderFindings } from './render.js';
import { openDump } from './dump.js';

/** Inputs of a batch as the runtime knows them. */
export const batchInputs = (resolved: Resolved): BatchInput[] =>
  resolved.batch.map((f) => ({ name: f.name, recipe: f.recipe, column: f.column ?? null, classes: f.classes ?? null }));

/** The folder of the experiment's base on this machine. */
export async function folderOfBase(resolved: Resolved, opened: OpenedFile): Promise<string> {
  const folder = await baseFolder(resolved.spec.base.source, dirname(opened.path));
  if (!folder.ok) throw new UserError(folder.message, folder.help);
  return folder.value;
}

/** Where a table of the Spec is, and how it is read. */
export const tablePlace = (opened: Pick<OpenedFile, 'path'>, source: Spec['data']['train']) => ({
  path: resolve(dirname(opened.path), source.path),
  options: tableOptions(source),
});

/** Reads the tables of an experiment. */
export async function loadDatasets(
  resolved: Resolved,
  opened: OpenedFile,
  which: { readonly train: boolean; readonly eval: boolean } = { train: true, eval: true },
): Promise<Datasets> {
  const { readDatasets } = await import('../runtime/datasets.js');
  const { data } = resolved.spec;
  const place = (source: Spec['data']['train'] | null, wanted: boolean) =>
    source === null || !wanted ? undefined : tablePlace(opened, source);
  const read = await readDatasets({
    train: place(data.train, which.train),
    eval: place(data.eval, which.eval),
    columns: data.columns,
    batch: batchInputs(resolved),
    maxTokens: data.max_length,
    buckets: data.buckets,
    tokenizer: await folderOfBase(resolved, opened),
  });
  if (!read.ok) throw new UserError(read.error.message, read.error.help);
  const { vocabularySize } = read.value.tokenizer;
  const rows = resolved.model.params.get('vocab_size');
  if (rows?.kind === 'number' && vocabularySize > rows.value)
    throw new UserError(
      `the tokenizer has ${vocabularySize} tokens, but the base has embeddings for ${rows.value}`,
      'use the tokenizer that belongs to this base',
    );
  return read.value;
}

/** Compiles an experiment; findings are shown, and errors among them end the verb. */
export function compileExperiment(
  resolved: Resolved,
  opened: OpenedFile,
  target: Target,
  lengths: readonly number[],
  context: Context,
  dump: string | undefined,
  watchKernels?: WatchKernels,
): Compiled | ExitCode {
  const diagnostics: Diagnostic[] = [];
  const started = performance.now();
  const dumping = dump === undefined ? undefined : openDump(dump, opened, resolved);
  const made = compile(
    resolved,
    {
      target,
      rows: resolved.spec.tune.batch,
      lengths,
      digest: sha256,
      ...(dumping ? { watch: dumping.watch } : {}),
      watchKernels: (...seen) => {
        dumping?.kernels(...seen);
        watchKernels?.(...seen);
      },
    },
    diagnostics,
  );
  if (made !== undefined) {
    diagnostics.push(...checkBudget(resolved, made.layout, made.run.program));
    dumping?.finish(made.run);
  }
  if (diagnostics.length > 0) context.err(renderFindings(diagnostics, opened.texts, 'text', context.colour.err));
  if (made === undefined || diagnostics.some((d) => d.severity === 'error')) return exitCodes.findings;
  if ((context.env['PEFT_DEBUG'] ?? '0') !== '0')
    context.err(
      `compiled in ${(performance.now() - started).toFixed(0)} ms: ${made.run.program.shaders.length} shaders, ${made.run.program.entries.length} entries\n`,
    );
  return made;
}

/** SHA-256 of a text, in hexadecimal. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Settings of a run with intervals in optimiser steps. */
export function trainSettings(spec: Spec, examples: number): TrainSettings {
  const { tune } = spec;
  const perEpoch = Math.ceil(Math.ceil(examples / tune.batch) / tune.accumulate);
  const steps = (every: Interval | null): number | null =>
    every === null ? null : every.unit === 'epochs' ? every.count * perEpoch : every.count;
  return {
    epochs: tune.epochs,
    maxSteps: tune.max_steps,
    accumulate: tune.accumulate,
    seed: tune.seed,
    shuffle: tune.shuffle,
    evalEvery: steps(tune.eval_every),
    saveEvery: steps(tune.save_every),
    best: tune.best,
    logEvery: tune.log_every,
  };
}
