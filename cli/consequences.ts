/**
 * @file What an experiment comes to: parameters, steps, tokens, bytes, operations. Worked out by its plan; recorded in the lock of a run.
 */
import { allParameters, plannedBytes, trainedParameters } from '../compiler/driver/budget.js';
import { compile } from '../compiler/driver/compile.js';
import type { Target } from '../compiler/plan/program.js';
import type { Resolved } from '../compiler/spec/check.js';
import { countTokens, planBatches } from '../runtime/data/batches.js';
import type { Datasets } from '../runtime/datasets.js';
import { totalSteps } from '../runtime/train.js';
import type { Layout } from '../compiler/driver/layout.js';
import type { Package } from '../compiler/plan/program.js';
import type { OpenedFile } from './experiment.js';
import { loadDatasets, sha256, trainSettings } from './prepare.js';

/** Numbers that follow from an experiment; what is not known is null. */
export interface Consequences {
  readonly trainable: number;
  readonly parameters: number;
  readonly steps: number;
  /** Tokens that are trained on in an epoch, padding left out. */
  readonly tokensPerEpoch: number | null;
  readonly peakBytes: number | null;
  /** Of a forward and backward pass of the longest batch. */
  readonly flopsPerStep: number | null;
  readonly kernels: number | null;
  readonly shaders: number | null;
}

/** What they are called, in the order they are shown. */
export const consequenceNames: Readonly<Record<keyof Consequences, string>> = {
  trainable: 'trainable parameters',
  parameters: 'parameters',
  steps: 'optimiser steps',
  tokensPerEpoch: 'tokens an epoch',
  peakBytes: 'planned bytes',
  flopsPerStep: 'operations of a training batch',
  kernels: 'kernels of a training batch',
  shaders: 'distinct shaders',
};

/** The consequences of a compiled experiment. */
export function consequencesOf(
  resolved: Resolved,
  made: { readonly run: Package; readonly layout: Layout },
  sets: Datasets | undefined,
): Consequences {
  const { program } = made.run;
  const train = program.entries.filter((e) => e.name.startsWith('train/')).at(-1);
  const { tune } = resolved.spec;
  const rows = sets?.train?.size ?? resolved.trainRows;
  return {
    trainable: trainedParameters(made.layout),
    parameters: allParameters(made.layout),
    steps: totalSteps(rows, tune.batch, trainSettings(resolved.spec, rows)),
    tokensPerEpoch:
      sets?.train === undefined
        ? null
        : countTokens(
            sets.train.lengths,
            planBatches(sets.train.lengths, { batch: tune.batch, buckets: sets.lengths, order: 'shuffled', seed: tune.seed }),
            tune.batch,
          ).real,
    peakBytes: plannedBytes(program),
    flopsPerStep: train?.steps.reduce((sum, s) => sum + s.flops, 0) ?? null,
    kernels: train?.steps.length ?? null,
    shaders: program.shaders.length,
  };
}

/** Compiles an experiment for a target to see what it comes to; undefined where it cannot be planned. */
export async function workOut(resolved: Resolved, opened: OpenedFile, target: Target): Promise<Consequences | undefined> {
  const sets = resolved.base.tokenizer.ok ? await loadDatasets(resolved, opened) : undefined;
  const lengths = sets?.lengths ?? [resolved.spec.data.max_length];
  const made = compile(resolved, { target, rows: resolved.spec.tune.batch, lengths, digest: sha256 }, []);
  return made === undefined ? undefined : consequencesOf(resolved, made, sets);
}
