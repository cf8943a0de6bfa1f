/**
 * @file An adapter that we train and write is loaded by PEFT (Python) and gives the same logits, also where the base lacks tensors
 * that had to be drawn. Skipped where Python has no PEFT.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openFile } from '../../cli/experiment.js';
import { readSource } from '../../cli/source.js';
import { compile, entryOf } from '../../compiler/driver/compile.js';
import { evalGraph } from '../../compiler/driver/graphs.js';
import { plan } from '../../compiler/plan/plan.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { fillBatch, planBatches } from '../../runtime/data/batches.js';
import { readDatasets } from '../../runtime/datasets.js';
import { openDevice } from '../../runtime/device.js';
import { exportAdapter } from '../../runtime/export-adapter.js';
import { writeBatch } from '../../runtime/evaluate.js';
import { openSession } from '../../runtime/execute.js';
import { loadTensors } from '../../runtime/load.js';
import { trainedValues } from '../../runtime/run.js';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { batchInputs } from '../../cli/prepare.js';
import { relativeError } from './reference.js';

const python = spawnSync('python3', ['-c', 'import peft, transformers, torch, safetensors'], { encoding: 'utf8' });
const reason = 'Python with torch, transformers and peft is not here';
const missing = python.status !== 0;
if (missing) process.stderr.write(`peft-loads: skipped, because ${reason}\n`);

const example = resolve('examples/quickstart/quickstart.peft');
const base = resolve('examples/quickstart/base');

describe.skipIf(missing)('PEFT loads what we write (where Python has torch, transformers and peft)', () => {
  test('the quickstart after five steps', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'peft-loads-'));
    const device = await openDevice();
    try {
      const opened = await openFile(readSource(example, example), process.cwd());
      const resolved = opened.experiments[0]?.resolved;
      if (resolved === undefined) throw new Error('the example does not check');
      const data = await readDatasets({ train: { path: resolve('examples/quickstart/train.tsv'), options: { take: 160 } }, eval: undefined, columns: resolved.spec.data.columns, batch: batchInputs(resolved), maxTokens: 48, buckets: 1, tokenizer: base });
      if (!data.ok || data.value.train === undefined) throw new Error('the example has no data');
      const tokens = data.value.lengths[0] as number;
      const diagnostics: Diagnostic[] = [];
      const made = compile(resolved, { target: device.describe().target, rows: 16, lengths: [tokens], digest: (text) => String(text.length) }, diagnostics);
      if (made === undefined) throw new Error(diagnostics[0]?.message);
      const shape = { rows: 16, tokens };
      const measured = plan([entryOf('logits', resolved, shape, evalGraph(resolved, made.layout, shape, { adapted: true, logits: true }))], made.layout.persistent, device.describe().target);
      const session = await openSession(device, made.run.program);
      const logitsSession = await openSession(device, measured);
      const checkpoint = await openCheckpoint(base);
      if (!checkpoint.ok) throw new Error(checkpoint.error.message);
      await loadTensors(session, checkpoint.value, 3);
      await loadTensors(logitsSession, checkpoint.value, 3);
      const batches = planBatches(data.value.train.lengths, { batch: 16, buckets: [tokens], order: 'given' });
      for (let step = 0; step < 5; step += 1) {
        writeBatch(session, `train/16x${tokens}`, fillBatch(data.value.train, data.value.fields, batches[step] as (typeof batches)[number], 16, 0));
        session.run(`train/16x${tokens}`, { seed: step, step, total: 5 });
        session.run('update', { seed: step, step: step + 1, total: 50 });
      }
      const values = await trainedValues(session, made.run);
      for (const [name, value] of values) logitsSession.write(name, value as Float32Array<ArrayBuffer>);
      const batch = fillBatch(data.value.train, data.value.fields, batches[5] as (typeof batches)[number], 16, 0);
      writeBatch(logitsSession, 'logits', batch);
      logitsSession.run('logits', { seed: 0, step: 0, total: 1 });
      const logits = await logitsSession.read('logits', 'logits');
      const written = await exportAdapter(join(folder, 'adapter'), made.run, values, { name: 'x', base, task: 'classify', source: '', trainable: 1, parameters: 1, steps: 5, seconds: 1, device: 'x', before: undefined, after: undefined });
      expect(written.ok).toBe(true);
      const rows = (name: string): number[][] => Array.from({ length: 16 }, (_, r) => [...(batch.fields.get(name) as Int32Array).subarray(r * tokens, (r + 1) * tokens)]);
      writeFileSync(join(folder, 'inputs.json'), JSON.stringify({ ids: rows('ids'), mask: rows('mask'), labels: 2, logits: [...logits] }));
      const run = spawnSync('python3', [resolve('test/parity/peft_loads.py'), base, join(folder, 'adapter'), join(folder, 'inputs.json')], { encoding: 'utf8' });
      if (run.status !== 0) throw new Error(run.stderr);
      const found = JSON.parse(run.stdout.trim().split('\n').pop() as string) as { error: number; unused: string[] };
      expect(found.unused).toEqual([]);
      expect(found.error).toBeLessThan(1e-4);
      // The control: other logits are not called the same.
      expect(relativeError(logits, [...logits].map((x, i) => (i === 0 ? x + 1 : x)))).toBeGreaterThan(1e-4);
      expect(JSON.parse(readFileSync(join(folder, 'adapter', 'adapter_config.json'), 'utf8'))).toMatchObject({ peft_type: 'LORA', r: 8, lora_alpha: 16, task_type: 'SEQ_CLS' });
      session.close();
      logitsSession.close();
    } finally {
      device.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
