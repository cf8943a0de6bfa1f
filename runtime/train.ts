/**
 * @file Training: the loop over epochs, batches and optimiser steps. A step is one or more `train/…` entries, which add up
 * the gradient of the summed loss, and one `update` entry, which divides, clips and steps. Losses are read back every
 * `log_every` steps without blocking the device in between. What happens is told through events; nothing is printed here.
 */
import type { Package } from '../compiler/plan/program.js';
import { fillBatch, planBatches, type BatchPlan } from './data/batches.js';
import type { BatchField, Dataset } from './data/dataset.js';
import { mixBits } from './data/shuffle.js';
import { evaluate, metricDirections, writeBatch, type Evaluation } from './evaluate.js';
import type { Pager } from './pager.js';
import type { QueuedResult, Session } from './execute.js';
import { evaluateScalar } from './scalars.js';

/** Settings of a run, from its Spec. Intervals are in optimiser steps. */
export interface TrainSettings {
  readonly epochs: number;
  readonly maxSteps: number | null;
  readonly accumulate: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly evalEvery: number | null;
  readonly saveEvery: number | null;
  readonly best: string | null;
  readonly logEvery: number;
}

/** What 16-bit training did in a step. */
export interface LossScaling {
  /** The factor on the loss in this step. */
  readonly scale: number;
  /** A gradient was beyond the largest 16-bit number: nothing was changed. */
  readonly skipped: boolean;
  /** An activation was, and is cut off there. */
  readonly cut: boolean;
}

/** What happened in a run. */
export type TrainEvent =
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly total: number;
      readonly epoch: number;
      readonly loss: number;
      readonly gradNorm: number;
      readonly rate: number;
      readonly tokens: number;
      readonly seconds: number;
      /** In 16-bit training. */
      readonly scaling?: LossScaling;
    }
  | { readonly kind: 'eval'; readonly step: number; readonly total: number; readonly evaluation: Evaluation; readonly best: boolean }
  | { readonly kind: 'progress'; readonly step: number; readonly total: number; readonly tokens: number; readonly seconds: number };

/** What the loop calls on its way. */
export interface TrainHooks {
  readonly onEvent: (event: TrainEvent) => void | Promise<void>;
  /** Called after `saveEvery` steps and when the run is interrupted. */
  readonly onSave: (step: number) => Promise<void>;
  /** Called when an evaluation is the best so far. */
  readonly onBest: (step: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What the loop trains and measures on. */
export interface TrainData {
  readonly train: Dataset;
  readonly eval: Dataset | undefined;
  readonly fields: readonly BatchField[];
  readonly padId: number;
}

/** What the loop did. */
export interface TrainResult {
  readonly steps: number;
  readonly total: number;
  readonly interrupted: boolean;
  readonly before: Evaluation | undefined;
  readonly after: Evaluation | undefined;
  /** The best evaluation, where one is chosen. */
  readonly best: Evaluation | undefined;
  readonly seconds: number;
  readonly tokens: number;
  readonly losses: readonly number[];
}

/** Optimiser steps of a run. */
export function totalSteps(examples: number, rows: number, settings: Pick<TrainSettings, 'epochs' | 'accumulate' | 'maxSteps'>): number {
  const all = Math.ceil(Math.ceil(examples / rows) / settings.accumulate) * settings.epochs;
  return settings.maxSteps === null ? all : Math.min(all, settings.maxSteps);
}

/** Trains from step `from` (0, or where a checkpoint stopped); `pager` holds the optimiser's state where the host keeps it. */
export async function train(
  session: Session,
  run: Package,
  data: TrainData,
  settings: TrainSettings,
  hooks: TrainHooks,
  from = 0,
  pager?: Pager,
): Promise<TrainResult> {
  const total = totalSteps(data.train.size, run.rows, settings);
  const perEpoch = Math.ceil(Math.ceil(data.train.size / run.rows) / settings.accumulate);
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const losses: number[] = [];
  let tokens = 0;
  let step = from;
  let bestValue: number | undefined;
  let bestEvaluation: Evaluation | undefined;
  const waiting: { step: number; epoch: number; tokens: number }[] = [];
  const flush = async (): Promise<void> => {
    const results = await session.drain();
    for (const [i, result] of results.entries()) {
      const at = waiting[i] as { step: number; epoch: number; tokens: number };
      const loss = result.values['loss']?.[0] ?? NaN;
      losses.push(loss);
      if (!Number.isFinite(loss)) throw new DivergedError(at.step, loss);
      await hooks.onEvent({
        kind: 'step',
        step: at.step,
        total,
        epoch: at.epoch,
        loss,
        gradNorm: result.values['grad_norm']?.[0] ?? NaN,
        rate: evaluateScalar(run.rate, { step: at.step - 1, total }),
        tokens: at.tokens,
        seconds: seconds(),
        ...scalingOf(result.values),
      });
    }
    waiting.length = 0;
  };
  const measure = async (): Promise<Evaluation | undefined> => {
    if (data.eval === undefined) return undefined;
    const evaluation = await evaluate(session, run, data.eval, data.fields, data.padId);
    const name = settings.best ?? 'loss';
    const value = name === 'loss' ? evaluation.loss : evaluation.metrics[name];
    const sign = metricDirections[name] === 'higher' ? 1 : -1;
    const better =
      step > 0 && value !== undefined && Number.isFinite(value) && (bestValue === undefined || sign * value > sign * bestValue);
    if (better) {
      bestValue = value;
      bestEvaluation = evaluation;
      if (settings.best !== null) await hooks.onBest(step);
    }
    await hooks.onEvent({ kind: 'eval', step, total, evaluation, best: better });
    return evaluation;
  };

  const before = from === 0 ? await measure() : undefined;
  let after: Evaluation | undefined;
  let measuredAt = from === 0 ? 0 : -1;
  let interrupted = false;
  while (step < total && !interrupted) {
    const epoch = Math.floor(step / perEpoch);
    const plans = planBatches(data.train.lengths, {
      batch: run.rows,
      buckets: run.lengths,
      order: settings.shuffle ? 'shuffled' : 'given',
      seed: settings.seed,
      epoch,
    });
    for (let inEpoch = step - epoch * perEpoch; inEpoch < perEpoch && step < total; inEpoch += 1) {
      if (hooks.signal.aborted) {
        interrupted = true;
        break;
      }
      const chosen = plans.slice(inEpoch * settings.accumulate, (inEpoch + 1) * settings.accumulate);
      tokens += runStep(session, run, data, chosen, settings, step, total);
      step += 1;
      waiting.push({ step, epoch: epoch + 1, tokens });
      const room = session.runAndQueue('update', { step: step - 1, total, seed: 0 });
      await pager?.update({ step: step - 1, total, seed: 0 });
      if (!room || waiting.length >= settings.logEvery || step === total) await flush();
      else if (waiting.length % 2 === 0) {
        // Keep the queue short, so that progress is true and an interruption is answered soon.
        await session.idle();
        await hooks.onEvent({ kind: 'progress', step, total, tokens, seconds: seconds() });
      }
      if (settings.evalEvery !== null && step % settings.evalEvery === 0) {
        await flush();
        after = await measure();
        measuredAt = step;
      }
      if (settings.saveEvery !== null && step % settings.saveEvery === 0 && step < total) {
        await flush();
        await hooks.onSave(step);
      }
    }
  }
  await flush();
  const trainingSeconds = seconds();
  if (interrupted) await hooks.onSave(step);
  else if (measuredAt !== step) after = await measure();
  return {
    steps: step,
    total,
    interrupted,
    before,
    after,
    best: settings.best === null ? undefined : bestEvaluation,
    seconds: trainingSeconds,
    tokens,
    losses,
  };
}

/** What the outputs of the update say about the factor on the loss. */
function scalingOf({ loss_scale: scale, flags }: QueuedResult['values']): { readonly scaling?: LossScaling } {
  return scale === undefined || flags === undefined
    ? {}
    : { scaling: { scale: scale[0] as number, skipped: flags[0] !== 0, cut: flags[1] !== 0 } };
}

/** Submits the batches of one optimiser step; gives the number of real tokens. */
function runStep(
  session: Session,
  run: Package,
  data: TrainData,
  plans: readonly BatchPlan[],
  settings: TrainSettings,
  step: number,
  total: number,
): number {
  let tokens = 0;
  for (const [micro, plan] of plans.entries()) {
    const entry = `train/${run.rows}x${plan.length}`;
    writeBatch(session, entry, fillBatch(data.train, data.fields, plan, run.rows, data.padId));
    session.run(entry, { step, total, seed: mixBits(settings.seed, step, micro) });
    for (const i of plan.examples) tokens += Math.min(data.train.lengths[i] as number, plan.length);
  }
  return tokens;
}

/** The loss is no longer a number. */
export class DivergedError extends Error {
  constructor(
    readonly step: number,
    loss: number,
  ) {
    super(`the loss is ${loss} at step ${step}: training has diverged`);
  }
}
