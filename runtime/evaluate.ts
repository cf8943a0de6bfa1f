/**
 * @file Evaluation: runs the `eval/…` entries over a data set and measures. Results are read back many batches at a time.
 */
import type { Package } from '../compiler/plan/program.js';
import { fillBatch, planBatches, type Batch } from './data/batches.js';
import type { BatchField, Dataset } from './data/dataset.js';
import { accuracyOf, confusionOf, f1Of, macroF1Of, perplexityOf } from './data/metrics.js';
import type { Session } from './execute.js';

/** What an evaluation found. `loss` is the weighted mean over everything that counts. */
export interface Evaluation {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
  readonly seconds: number;
  /** Predicted class of each example, where the task predicts one. */
  readonly predictions: Int32Array | undefined;
}

/** Metrics that the runtime can compute, and whether a larger value is better. */
export const metricDirections: Readonly<Record<string, 'higher' | 'lower'>> = { loss: 'lower', accuracy: 'higher', f1: 'higher', perplexity: 'lower' };

/** Writes the fields of a batch into the inputs of an entry; entry inputs are named `ENTRY/FIELD`. */
export function writeBatch(session: Session, entry: string, batch: Batch): void {
  for (const [name, values] of batch.fields) session.write(`${entry}/${name}`, values as Int32Array<ArrayBuffer>);
}

/** Evaluates a data set. `seed` is only there because entries may ask for it: nothing is random in evaluation. */
export async function evaluate(session: Session, run: Package, data: Dataset, fields: readonly BatchField[], padId: number, onProgress?: (done: number, total: number) => void): Promise<Evaluation> {
  const started = performance.now();
  const plans = planBatches(data.lengths, { batch: run.rows, buckets: run.lengths, order: 'sorted' });
  const classes = fields.find((f) => f.kind === 'class');
  const predictions = classes === undefined ? undefined : new Int32Array(data.size).fill(-1);
  let lossSum = 0;
  let count = 0;
  const pending: Int32Array[] = [];
  const collect = async (): Promise<void> => {
    const results = await session.drain();
    results.forEach((result, i) => {
      lossSum += result.values['loss_sum']?.[0] ?? 0;
      count += result.values['count']?.[0] ?? 0;
      const predicted = result.values['prediction'];
      const examples = pending[i] as Int32Array;
      if (predictions !== undefined && predicted !== undefined) examples.forEach((example, row) => example >= 0 && (predictions[example] = predicted[row] as number));
    });
    pending.length = 0;
  };
  for (const [i, plan] of plans.entries()) {
    const batch = fillBatch(data, fields, plan, run.rows, padId);
    const entry = `eval/${run.rows}x${plan.length}`;
    writeBatch(session, entry, batch);
    pending.push(batch.examples);
    if (!session.runAndQueue(entry, { seed: 0, step: 0, total: 1 }) || pending.length >= 16) {
      await collect();
      onProgress?.(i + 1, plans.length);
    }
  }
  await collect();
  const loss = lossSum / count;
  const metrics: Record<string, number> = {};
  const labels = classes === undefined ? undefined : data.classes.get(classes.column);
  const confusion = predictions !== undefined && labels !== undefined && classes?.kind === 'class' ? confusionOf(predictions, labels, classes.naming.kind === 'numbers' ? classes.naming.count : classes.naming.names.length) : undefined;
  for (const name of run.metrics) {
    if (name === 'accuracy' && confusion) metrics[name] = accuracyOf(confusion);
    else if (name === 'f1' && confusion) metrics[name] = confusion.classes === 2 ? f1Of(confusion) : macroF1Of(confusion);
    else if (name === 'perplexity') metrics[name] = perplexityOf(lossSum, count);
  }
  return { loss, metrics, examples: data.size, seconds: (performance.now() - started) / 1000, predictions };
}
