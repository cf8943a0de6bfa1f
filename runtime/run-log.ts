/**
 * @file What a run writes while it goes: `metrics.jsonl` (a line a step and an evaluation), an event file for TensorBoard, and for tools that read
 * what the Trainer of Hugging Face leaves behind, `trainer_state.json`.
 */
import { appendFile, readFile, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { eventsName, scalarRecord, versionRecord } from './tensorboard.js';
import { metricDirections } from './evaluate.js';
import type { TrainEvent, TrainSettings } from './train.js';
import { writeFileAtomically } from './weights/writer.js';

/** Names of the files in a run's folder. */
export const logFiles = { metrics: 'metrics.jsonl', state: 'trainer_state.json' } as const;

/** The log of one run. */
export interface RunLog {
  /** Writes an event; writes come one after the other. */
  readonly add: (event: TrainEvent) => Promise<void>;
  /** Writes what stands at the end, and waits for everything before. */
  readonly close: () => Promise<void>;
}

/** One line of `metrics.jsonl`; progress is not recorded. */
export function recordOf(event: TrainEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.kind) {
    case 'step':
      return {
        kind: 'step',
        step: event.step,
        epoch: event.epoch,
        loss: event.loss,
        grad_norm: event.gradNorm,
        lr: event.rate,
        tokens: event.tokens,
        seconds: Number(event.seconds.toFixed(3)),
        ...(event.scaling === undefined
          ? {}
          : { loss_scale: event.scaling.scale, skipped: event.scaling.skipped, activations_cut: event.scaling.cut }),
      };
    case 'eval':
      return {
        kind: 'eval',
        step: event.step,
        loss: event.evaluation.loss,
        ...event.evaluation.metrics,
        examples: event.evaluation.examples,
        seconds: Number(event.evaluation.seconds.toFixed(3)),
        best: event.best,
      };
    case 'progress':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** Removes the logs of an earlier run. */
export async function dropLogs(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name === logFiles.metrics || name === logFiles.state || name.startsWith('events.out.tfevents.'))
      await rm(join(folder, name), { force: true });
}

/** Opens the log of a run in a folder; what an interrupted run wrote there is gone on with. `rows` are the examples of a batch. */
export async function openRunLog(folder: string, settings: TrainSettings, rows: number, now: () => number = Date.now): Promise<RunLog> {
  const metrics = join(folder, logFiles.metrics);
  const seconds = (): number => now() / 1000;
  const events = join(folder, eventsName(seconds(), hostname()));
  const history: Record<string, unknown>[] = [];
  let total = settings.maxSteps ?? 0;
  let best: { readonly value: number; readonly step: number } | undefined;
  let last = { step: 0, epoch: 0 };
  const note = (event: TrainEvent): void => {
    if (event.kind === 'progress') return;
    total = event.total;
    if (event.kind === 'step') {
      last = { step: event.step, epoch: event.epoch };
      history.push({ epoch: event.epoch, grad_norm: event.gradNorm, learning_rate: event.rate, loss: event.loss, step: event.step });
      return;
    }
    const own = event.evaluation;
    const values = Object.fromEntries(Object.entries(own.metrics).map(([name, value]) => [`eval_${name}`, value]));
    history.push({ epoch: last.epoch, eval_loss: own.loss, eval_runtime: own.seconds, ...values, step: event.step });
    if (event.best) best = { value: settings.best === null ? own.loss : (own.metrics[settings.best] ?? NaN), step: event.step };
  };
  for (const line of await earlier(metrics)) {
    if (line['kind'] === 'step')
      history.push({
        epoch: line['epoch'],
        grad_norm: line['grad_norm'],
        learning_rate: line['lr'],
        loss: line['loss'],
        step: line['step'],
      });
  }
  await appendFile(events, versionRecord(seconds()));
  let writing: Promise<void> = Promise.resolve();
  return {
    add: (event) => {
      const line = recordOf(event);
      if (line === undefined || event.kind === 'progress') return writing;
      note(event);
      const record = scalarRecord(seconds(), event.step, scalarsOf(event));
      writing = writing.then(async () => {
        await appendFile(metrics, `${JSON.stringify(line)}\n`);
        await appendFile(events, record);
      });
      return writing;
    },
    close: async () => {
      await writing;
      const name = settings.best ?? 'loss';
      const state = {
        best_global_step: best?.step ?? null,
        best_metric: best?.value ?? null,
        best_model_checkpoint: null,
        metric_for_best_model: `eval_${name}`,
        greater_is_better: metricDirections[name] === 'higher',
        epoch: last.epoch,
        global_step: last.step,
        max_steps: total,
        num_train_epochs: settings.epochs,
        train_batch_size: rows,
        logging_steps: settings.logEvery,
        eval_steps: settings.evalEvery,
        save_steps: settings.saveEvery,
        is_local_process_zero: true,
        is_world_process_zero: true,
        log_history: history,
      };
      const written = await writeFileAtomically(join(folder, logFiles.state), `${JSON.stringify(state, null, 2)}\n`);
      if (!written.ok) throw new Error(written.error.message);
    },
  };
}

/** What TensorBoard shows of an event, under the names that the Trainer of Hugging Face uses. */
function scalarsOf(event: Exclude<TrainEvent, { kind: 'progress' }>): Record<string, number> {
  if (event.kind === 'step')
    return {
      'train/loss': event.loss,
      'train/grad_norm': event.gradNorm,
      'train/learning_rate': event.rate,
      'train/epoch': event.epoch,
      'train/tokens': event.tokens,
      ...(event.scaling === undefined ? {} : { 'train/loss_scale': event.scaling.scale }),
    };
  const { loss, metrics } = event.evaluation;
  return { 'eval/loss': loss, ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval/${name}`, value])) };
}

async function earlier(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
