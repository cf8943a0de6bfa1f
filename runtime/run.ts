/**
 * @file A run: Package and data onto a device, trained, measured and written into one folder.
 *
 * The folder gets the adapter (or the whole model, where no adapter is trained), `metrics.jsonl`, an event file for TensorBoard,
 * `trainer_state.json`, `spec.lock.json` and, while the run is under way, a checkpoint. Nothing else is written.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package } from '../compiler/plan/program.js';
import { loadAdapter } from './adapter-load.js';
import { dropCheckpoint, hasCheckpoint, resumeCheckpoint, saveCheckpoint } from './checkpoint.js';
import { fail, ok, systemFailure, type Result } from './data/result.js';
import type { Datasets } from './datasets.js';
import type { Device } from './device.js';
import { exportAdapter, type CardFacts, type TrainedValues } from './export-adapter.js';
import { exportModel } from './export-model.js';
import { openSession, type Session } from './execute.js';
import type { Codec } from './init.js';
import { openPager } from './pager.js';
import { loadTensors } from './load.js';
import { dropLogs, logFiles, openRunLog } from './run-log.js';
import { train, type TrainEvent, type TrainResult, type TrainSettings } from './train.js';
import type { Checkpoint } from './weights/checkpoint.js';
import { writeFileAtomically } from './weights/writer.js';

/** Names of the files in a run's folder. */
export const runFiles = { ...logFiles, lock: 'spec.lock.json', result: 'result.json' } as const;

/** What is run, on what, and where to. */
export interface RunRequest {
  readonly folder: string;
  readonly mode: 'new' | 'resume' | 'overwrite';
  /** Folder of an adapter of the same shape that training starts from, ours or one made by PEFT. */
  readonly start?: string | undefined;
  readonly run: Package;
  readonly device: Device;
  readonly base: Checkpoint;
  /** Changes weights into the fewer bits that they are kept in. */
  readonly codec: Codec;
  readonly data: Datasets;
  readonly settings: TrainSettings;
  /** What the lock file records beside the Spec. */
  readonly lock: Readonly<Record<string, unknown>>;
  readonly card: Omit<CardFacts, 'steps' | 'seconds' | 'before' | 'after' | 'device'>;
  readonly signal: AbortSignal;
  /** Runs on the filled session before training; the session is filled again afterwards. It throws to end the run. */
  readonly rehearse?: ((session: Session) => Promise<void>) | undefined;
  readonly onEvent: (event: TrainEvent | { readonly kind: 'phase'; readonly what: string }) => void;
}

/** What a run gave. */
export interface RunResult {
  readonly folder: string;
  readonly files: readonly string[];
  readonly result: TrainResult;
  readonly allocatedBytes: number;
  readonly bestStep: number | undefined;
}

/** Prepares the folder of a run: it must be new, or asked to be resumed or replaced. */
export async function prepareFolder(folder: string, mode: RunRequest['mode']): Promise<Result<void>> {
  try {
    const { readdir } = await import('node:fs/promises');
    const present = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? undefined : Promise.reject(error),
    );
    const checkpoint = await hasCheckpoint(folder);
    if (mode === 'resume' && !checkpoint)
      return fail(folder, `${folder} has no checkpoint to resume from`, 'leave --resume out to start anew');
    if (mode === 'new' && present !== undefined && present.length > 0) {
      return fail(
        folder,
        `${folder} holds ${checkpoint ? 'an interrupted run' : 'a run'} already`,
        checkpoint
          ? 'go on with --resume, or start anew with --overwrite'
          : 'start anew with --overwrite, or choose another folder with --out',
      );
    }
    if (mode === 'overwrite') {
      for (const file of [runFiles.lock, runFiles.result]) await rm(join(folder, file), { force: true });
      await dropLogs(folder);
      await dropCheckpoint(folder);
    }
    await mkdir(folder, { recursive: true });
    // A folder that cannot be written is found now, not after the training.
    const probe = await writeFileAtomically(join(folder, '.writable'), '');
    if (!probe.ok) return probe;
    await rm(join(folder, '.writable'), { force: true });
    return ok(undefined);
  } catch (error) {
    return systemFailure(error, folder, 'output folder');
  }
}

/** Trains and writes. */
export async function runPackage(request: RunRequest): Promise<Result<RunResult>> {
  const { folder, run, device, data, settings } = request;
  if (data.train === undefined) return fail(folder, 'there is nothing to train on');
  const prepared = await prepareFolder(folder, request.mode);
  if (!prepared.ok) return prepared;
  request.onEvent({ kind: 'phase', what: 'preparing kernels' });
  const session = await openSession(device, run.program, { stagingBytes: 2 ** 18 });
  try {
    request.onEvent({ kind: 'phase', what: 'loading weights' });
    const loaded = await loadTensors(session, request.base, settings.seed, { codec: request.codec });
    if (!loaded.ok) return loaded;
    if (request.rehearse !== undefined) {
      await request.rehearse(session);
      const again = await loadTensors(session, request.base, settings.seed, { codec: request.codec });
      if (!again.ok) return again;
    }
    let from = 0;
    const pager = await openPager(session, run.pages);
    if (request.start !== undefined && request.mode !== 'resume') {
      const started = await loadAdapter(request.start, session, run);
      if (!started.ok) return started;
    }
    if (request.mode === 'resume') {
      const resumed = await resumeCheckpoint(folder, session, run, pager);
      if (!resumed.ok) return resumed;
      from = resumed.value;
    }
    const lock = await writeFileAtomically(
      join(folder, runFiles.lock),
      `${JSON.stringify({ format: 'peft-lock', version: 2, ...request.lock, hash: run.hash, spec: run.spec }, null, 2)}\n`,
    );
    if (!lock.ok) return lock;
    let best: { step: number; values: TrainedValues } | undefined;
    const log = await openRunLog(folder, settings, run.rows);
    let failure: Result<never> | undefined;
    const result = await train(
      session,
      run,
      { train: data.train, eval: data.eval, fields: data.fields, padId: data.tokenizer.padId },
      settings,
      {
        signal: request.signal,
        onEvent: (event) => {
          request.onEvent(event);
          return log.add(event);
        },
        onSave: async (step) => {
          const saved = await saveCheckpoint(folder, session, run, step, pager);
          if (!saved.ok) failure = saved;
        },
        onBest: async (step) => {
          best = { step, values: await trainedValues(session, run) };
        },
      },
      from,
      pager,
    );
    await log.close();
    if (failure !== undefined) return failure;
    if (result.interrupted) return ok({ folder, files: [], result, allocatedBytes: session.allocatedBytes, bestStep: undefined });
    request.onEvent({ kind: 'phase', what: 'writing' });
    const values = best?.values ?? (await trainedValues(session, run));
    const card = {
      ...request.card,
      steps: result.steps,
      seconds: result.seconds,
      before: result.before,
      after: result.after,
      device: device.describe().name,
    };
    const written =
      run.adapters.length === 0
        ? await exportModel(folder, run, request.base, session, values)
        : await exportAdapter(folder, run, values, card);
    if (!written.ok) return written;
    await dropCheckpoint(folder);
    return ok({
      folder,
      files: [...written.value, runFiles.metrics, runFiles.state, runFiles.lock],
      result,
      allocatedBytes: session.allocatedBytes,
      bestStep: best?.step,
    });
  } finally {
    session.close();
  }
}

/** The trained tensors as they are now, and with an adapter everything else that its file holds. */
export async function trainedValues(session: Session, run: Package): Promise<TrainedValues> {
  const values = new Map<string, Float32Array | Int32Array>();
  const names = new Set([...run.trained, ...run.adapters.flatMap((a) => a.tensors)].map((t) => t.name));
  for (const name of names) values.set(name, await session.read(name));
  const saved = run.adapters.flatMap((a) => a.saved);
  if (saved.length > 0) session.run('save', { seed: 0, step: 0, total: 1 });
  for (const s of saved) values.set(s.output, await session.read(s.output, 'save'));
  return values;
}
