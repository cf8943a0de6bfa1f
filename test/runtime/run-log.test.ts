/**
 * @file The files that a run writes while it goes: lines, events for TensorBoard, and the state that the Trainer of Hugging Face leaves.
 * Where Python has TensorBoard, its own reader reads the events back.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dropLogs, openRunLog } from '../../runtime/run-log.js';
import { crc32c, scalarRecord } from '../../runtime/tensorboard.js';
import type { TrainEvent, TrainSettings } from '../../runtime/train.js';

const folder = mkdtempSync(join(tmpdir(), 'peft-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings: TrainSettings = {
  epochs: 2,
  maxSteps: null,
  accumulate: 1,
  seed: 1,
  shuffle: true,
  evalEvery: 2,
  saveEvery: null,
  best: 'accuracy',
  logEvery: 1,
};
const step = (at: number): TrainEvent => ({
  kind: 'step',
  step: at,
  total: 300,
  epoch: 1,
  loss: 1 / at,
  gradNorm: 2 * at,
  rate: 1e-3,
  tokens: 100 * at,
  seconds: at,
});
const events: readonly TrainEvent[] = [
  step(1),
  { kind: 'progress', step: 1, total: 300, tokens: 100, seconds: 1 },
  step(299),
  {
    kind: 'eval',
    step: 299,
    total: 300,
    best: true,
    evaluation: { loss: 0.25, metrics: { accuracy: 0.75 }, examples: 4, seconds: 0.5, predictions: undefined },
  },
  step(300),
];

async function written(): Promise<string> {
  await dropLogs(folder);
  const log = await openRunLog(folder, settings, 16, () => 1_700_000_000_500);
  for (const event of events) await log.add(event);
  await log.close();
  return readdirSync(folder).find((name) => name.startsWith('events.')) as string;
}

describe('the log of a run', () => {
  it('is lines, and the state of a Trainer', async () => {
    await written();
    const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { kind: string; step: number }).step)).toEqual([1, 299, 299, 300]);
    const state = JSON.parse(readFileSync(join(folder, 'trainer_state.json'), 'utf8')) as Record<string, unknown>;
    expect(state).toMatchObject({
      best_metric: 0.75,
      best_global_step: 299,
      global_step: 300,
      max_steps: 300,
      num_train_epochs: 2,
      greater_is_better: true,
    });
    expect((state['log_history'] as { step: number }[]).map((h) => h.step)).toEqual([1, 299, 299, 300]);
    await dropLogs(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has sums over its records', () => {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, ascending.
    expect(crc32c(new Uint8Array(32)).toString(16)).toBe('8a9136aa');
    expect(crc32c(new Uint8Array(32).fill(255)).toString(16)).toBe('62a8ab43');
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)).toString(16)).toBe('46dd794e');
    const record = scalarRecord(1.5, 300, { 'train/loss': 0.5 });
    expect(new DataView(record.buffer).getUint32(0, true)).toBe(record.length - 16);
  });

  it("is read back by TensorBoard's own reader", async (context) => {
    const name = await written();
    const script = `import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print(json.dumps({t: [[e.step, e.value, e.wall_time] for e in a.Scalars(t)] for t in a.Tags()['scalars']}))`;
    const done = spawnSync('python3', ['-c', script, join(folder, name)], { encoding: 'utf8' });
    context.skip(done.status !== 0, 'Python has no tensorboard here');
    const read = JSON.parse(done.stdout) as Record<string, [number, number, number][]>;
    expect(Object.keys(read).sort()).toEqual([
      'eval/accuracy',
      'eval/loss',
      'train/epoch',
      'train/grad_norm',
      'train/learning_rate',
      'train/loss',
      'train/tokens',
    ]);
    expect(read['train/loss']?.map(([at, value]) => [at, value])).toEqual([
      [1, 1],
      [299, Math.fround(1 / 299)],
      [300, Math.fround(1 / 300)],
    ]);
    expect(read['eval/accuracy']).toEqual([[299, 0.75, 1_700_000_000.5]]);
  });
});
