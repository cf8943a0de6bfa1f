/**
 * @file Evaluation: runs the `eval/…` entries over a data set and measures. Results are read back many batches at a time.
 */
import type { Package } from '../compiler/plan/program.js';
import { fillBatch, planBatches, type Batch, type BatchValues } from './data/batches.js';
import type { BatchField, Dataset } from './data/dataset.js';
import { metrics, type Measured } from './data/metrics.js';
import type { Session, TensorData } from './execute.js';

/** What an evaluation found. `loss` is the weighted mean over everything that counts. */
export interface Evaluation {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
  readonly seconds: number;
  /** What is predicted of each example, where the task predicts a class or a number for each. */
  readonly predictions: TensorData | undefined;
}

/** Metrics that the runtime can compute, and whether a larger value is better. */
export const metricDirections: Readonly<Record<string, 'higher' | 'lower'>> = Object.fromEntries(
  [...metrics].map(([name, metric]) => [name, metric.better]),
);

/** Writes the fields of a batch into the inputs of an entry; entry inputs are named `ENTRY/FIELD`. */
export function writeBatch(session: Session, entry: string, batch: Batch): void {
  for (const [name, values] of batch.fields) session.write(`${entry}/${name}`, values);
}

/** Evaluates a data set. `seed` is only there because entries may ask for it: nothing is random in evaluation. */
export async function evaluate(
  session: Session,
  run: Package,
  data: Dataset,
  fields: readonly BatchField[],
  padId: number,
  onProgress?: (done: number, total: number) => void,
): Promise<Evaluation> {
  const started = performance.now();
  const plans = planBatches(data.lengths, { batch: run.rows, buckets: run.lengths, order: 'sorted' });
  const label = fields.find((f) => f.kind === 'class' || f.kind === 'tags' || f.kind === 'number');
  const found = predictionsOf(label, data.size);
  let lossSum = 0;
  let count = 0;
  const pending: Batch[] = [];
  const collect = async (): Promise<void> => {
    const results = await session.drain();
    results.forEach((result, i) => {
      lossSum += result.values['loss_sum']?.[0] ?? 0;
      count += result.values['count']?.[0] ?? 0;
      const predicted = result.values['prediction'];
      const batch = pending[i] as Batch;
      if (label !== undefined && predicted !== undefined) found.add(batch.examples, predicted, batch.fields.get(label.name) as BatchValues);
    });
    pending.length = 0;
  };
  for (const [i, plan] of plans.entries()) {
    const batch = fillBatch(data, fields, plan, run.rows, padId);
    const entry = `eval/${run.rows}x${plan.length}`;
    writeBatch(session, entry, batch);
    pending.push(batch);
    if (!session.runAndQueue(entry, { seed: 0, step: 0, total: 1 }) || pending.length >= 16) {
      await collect();
      onProgress?.(i + 1, plans.length);
    }
  }
  await collect();
  const classes =
    label === undefined || label.kind === 'number' ? 0 : label.naming.kind === 'numbers' ? label.naming.count : label.naming.names.length;
  const measured: Measured = { lossSum, count, predictions: found.predictions, truths: found.truths, kind: label?.kind, classes };
  const values = run.metrics.flatMap((name) => {
    const value = metrics.get(name)?.measure(measured);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    loss: lossSum / count,
    metrics: Object.fromEntries(values),
    examples: data.size,
    seconds: (performance.now() - started) / 1000,
    predictions: found.ofExamples,
  };
}

/** What was predicted and what is true, gathered batch by batch. */
interface Predictions {
  readonly predictions: number[];
  readonly truths: number[];
  /** Filled where each example has one prediction. */
  readonly ofExamples: TensorData | undefined;
  readonly add: (examples: Int32Array, predicted: TensorData, truth: BatchValues) => void;
}

/** A gatherer for predictions of a label; rows that only fill a batch are passed over. */
function predictionsOf(label: BatchField | undefined, size: number): Predictions {
  const predictions: number[] = [];
  const truths: number[] = [];
  const ofExamples =
    label?.kind === 'class' ? new Int32Array(size).fill(-1) : label?.kind === 'number' ? new Float32Array(size).fill(NaN) : undefined;
  return {
    predictions,
    truths,
    ofExamples,
    add: (examples, predicted, truth) => {
      const width = predicted.length / examples.length;
      for (const [row, example] of examples.entries()) {
        if (example < 0) continue;
        for (let at = row * width; at < (row + 1) * width; at++) {
          const wanted = truth[at] as number;
          if (label?.kind !== 'number' && wanted < 0) continue;
          predictions.push(predicted[at] as number);
          truths.push(wanted);
        }
        if (ofExamples !== undefined) ofExamples[example] = predicted[row] as number;
      }
    },
  };
}
