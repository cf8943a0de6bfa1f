/**
 * @file The quickstart after five steps, as PEFT must load it: real text and a base that lacks tensors, which were drawn.
 */
import { join, resolve } from 'node:path';
import { openFile } from '../../cli/experiment.js';
import { batchInputs } from '../../cli/prepare.js';
import { readSource } from '../../cli/source.js';
import { compile, entryOf } from '../../compiler/driver/compile.js';
import { evalGraph } from '../../compiler/driver/graphs.js';
import { plan } from '../../compiler/plan/plan.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { loadAdapter } from '../../runtime/adapter-load.js';
import { fillBatch, planBatches } from '../../runtime/data/batches.js';
import { readDatasets } from '../../runtime/datasets.js';
import type { Device } from '../../runtime/device.js';
import { writeBatch } from '../../runtime/evaluate.js';
import { openSession } from '../../runtime/execute.js';
import { exportAdapter } from '../../runtime/export-adapter.js';
import { loadTensors } from '../../runtime/load.js';
import { trainedValues } from '../../runtime/run.js';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { must, type Written } from './peft-loads-cases.js';

const example = resolve('examples/quickstart/quickstart.peft');
const base = resolve('examples/quickstart/base');
const rows = 16;

/** Trains and writes the quickstart below a folder. */
export async function writeQuickstart(device: Device, folder: string, name: string): Promise<Written> {
  const opened = await openFile(readSource(example, example), process.cwd());
  const resolved = opened.experiments[0]?.resolved;
  if (resolved === undefined) throw new Error('the example does not check');
  const data = await must(
    readDatasets({
      train: { path: resolve('examples/quickstart/train.tsv'), options: { take: 160 } },
      eval: undefined,
      columns: resolved.spec.data.columns,
      batch: batchInputs(resolved),
      maxTokens: 48,
      buckets: 1,
      tokenizer: base,
    }),
  );
  if (data.train === undefined) throw new Error('the example has no data');
  const { train } = data;
  const tokens = data.lengths[0] as number;
  const diagnostics: Diagnostic[] = [];
  const { target } = device.describe();
  const made = compile(resolved, { target, rows, lengths: [tokens], digest: (text) => String(text.length) }, diagnostics);
  if (made === undefined) throw new Error(diagnostics[0]?.message);
  const shape = { rows, tokens };
  const measured = plan(
    [entryOf('logits', resolved, shape, evalGraph(resolved, made.layout, shape, { adapted: true, logits: true }))],
    made.layout.persistent,
    target,
  );
  const session = await openSession(device, made.run.program);
  const reader = await openSession(device, measured);
  try {
    const checkpoint = await must(openCheckpoint(base));
    await must(loadTensors(session, checkpoint, 3));
    await must(loadTensors(reader, checkpoint, 4));
    const batches = planBatches(train.lengths, { batch: rows, buckets: [tokens], order: 'given' });
    const batchAt = (step: number): ReturnType<typeof fillBatch> =>
      fillBatch(train, data.fields, batches[step] as (typeof batches)[number], rows, 0);
    for (let step = 0; step < 5; step += 1) {
      writeBatch(session, `train/${rows}x${tokens}`, batchAt(step));
      session.run(`train/${rows}x${tokens}`, { seed: step, step, total: 5 });
      session.run('update', { seed: step, step: step + 1, total: 50 });
    }
    const values = await trainedValues(session, made.run);
    const path = join(folder, 'quickstart');
    await must(
      exportAdapter(path, made.run, values, {
        name: 'x',
        base,
        task: 'classify',
        source: '',
        trainable: 1,
        parameters: 1,
        steps: 5,
        seconds: 1,
        device: 'x',
        before: undefined,
        after: undefined,
      }),
    );
    const batch = batchAt(5);
    const logits = async (): Promise<number[]> => {
      writeBatch(reader, 'logits', batch);
      reader.run('logits', { seed: 0, step: 0, total: 1 });
      return [...(await reader.read('logits', 'logits'))];
    };
    for (const [tensor, value] of values) reader.write(tensor, value as Float32Array<ArrayBuffer>);
    const expected = await logits();
    // Another seed drew other values where the base lacks some: what is read back must have them.
    await must(loadTensors(reader, checkpoint, 4));
    await must(loadAdapter(path, reader, made.run));
    const back = await logits();
    const listed = (field: string): number[][] =>
      Array.from({ length: rows }, (_, r) => [...(batch.fields.get(field) as Int32Array).subarray(r * tokens, (r + 1) * tokens)]);
    return {
      name,
      base,
      task: 'classify',
      labels: 2,
      folders: [{ path, logits: expected, key: made.layout.trainables[0]?.key as string }],
      logits: expected,
      back,
      ids: listed('ids'),
      mask: listed('mask'),
    };
  } finally {
    session.close();
    reader.close();
  }
}
