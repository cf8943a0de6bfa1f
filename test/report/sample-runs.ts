/**
 * @file Runs that never were, for reports: two methods of three seeds, the logs of which follow a formula.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../compiler/spec/spec.js';
import type { LockFile } from '../../cli/lock.js';
import { groupHash, type LogLine, type Run, type RunResult } from '../../cli/runs.js';
import { resolveAll } from '../spec/experiments.js';

const text = (name: string, adapted: string, seed: number): string => `import std.adapters.lora
experiment ${name} {
  base bert from "models/bert" for classify(labels: 2)
  ${adapted}
  train head
  data { train: tsv("train.tsv") eval: tsv("test.tsv") text: "text" label: "label" }
  tune { optimizer: adamw(lr: 1e-3) seed: ${seed} best: "accuracy" }
}`;

/** What is adapted by the sample methods. */
export const sampleMethods = {
  small: 'adapt attention with lora(rank: 2)',
  large: 'adapt attention + mlp with lora(rank: 8)',
} as const;

const digest = (letter: string): string => letter.repeat(64);

/** Steps of a sample run, and how often it is evaluated. */
export const sampleSteps = { total: 240, every: 60 } as const;

/** The lines of a log: loss falls, accuracy grows, faster where the pace is higher. */
export function sampleLog(seed: number, pace: number, steps: number = sampleSteps.total): LogLine[] {
  const lines: LogLine[] = [];
  const share = (step: number): number => 1 - Math.exp((-pace * step) / sampleSteps.total);
  const measure = (step: number): LogLine => ({
    kind: 'eval',
    step,
    loss: 0.7 - 0.5 * share(step) + 0.01 * seed,
    accuracy: 0.5 + 0.4 * share(step) - 0.01 * seed,
    examples: 100,
    seconds: 0.5,
    best: step > 0,
  });
  lines.push(measure(0));
  for (let step = 1; step <= steps; step += 1) {
    const loss = 0.7 - 0.5 * share(step) + 0.02 * Math.sin(step * (seed + 1));
    lines.push({
      kind: 'step',
      step,
      epoch: 1,
      loss,
      lr: 1e-3,
      tokens: 100 * step,
      seconds: Number((0.05 * step * (1 + seed / 50)).toFixed(3)),
    });
    if (step % sampleSteps.every === 0) lines.push(measure(step));
  }
  return lines;
}

/** One sample run. */
export function sampleRun(method: keyof typeof sampleMethods, seed: number, device = 'a device'): Run {
  const name = `${method}_${seed}`;
  const { spec } = [...resolveAll(text(name, sampleMethods[method], seed)).values()][0] as { spec: Spec };
  const log = sampleLog(seed, method === 'large' ? 3 : 1.2);
  const last = log.at(-1) as LogLine;
  const kept = { loss: last.loss, accuracy: last['accuracy'] as number };
  const trainable = method === 'large' ? 40_000 : 300;
  const result: RunResult = {
    format: 'peft-result',
    version: 1,
    experiment: name,
    hash: digest(String(seed)),
    group: groupHash(spec),
    seed,
    steps: sampleSteps.total,
    seconds: method === 'large' ? 20 + seed : 12 + seed / 2,
    tokens: 100 * sampleSteps.total,
    trainable,
    parameters: 200_000,
    adapterBytes: 4 * trainable,
    plannedBytes: (method === 'large' ? 7 : 5) * 2 ** 20,
    allocatedBytes: (method === 'large' ? 7 : 5) * 2 ** 20,
    hostBytes: 300 * 2 ** 20,
    joules: null,
    device,
    best: 'accuracy',
    bestStep: sampleSteps.total,
    before: { loss: 0.7, accuracy: 0.5 },
    after: kept,
    kept,
    finished: `2026-01-0${seed + 1}T10:00:00.000Z`,
  };
  const lock: LockFile = {
    format: 'peft-lock',
    version: 2,
    hash: result.hash,
    seed,
    tool: '0.1.0',
    dawn: '0.6.2',
    base: { revision: null, files: { 'config.json': digest('a') }, tensors: { 'bert.pooler.dense.weight': digest('b') } },
    data: { 'train.tsv': digest('c'), 'test.tsv': digest('d') },
    node: 'v20.20.2',
    device,
    consequences: {
      trainable,
      parameters: 200_000,
      steps: sampleSteps.total,
      tokensPerEpoch: 24_000,
      peakBytes: result.plannedBytes,
      flopsPerStep: 1e8,
      kernels: 100,
      shaders: 40,
    },
    spec,
  };
  return { folder: `runs/${name}`, result, spec, lock, log };
}

/** All sample runs, in the order in which they are read. */
export const sampleRuns = (device?: string): Run[] =>
  (['large', 'small'] as const).flatMap((method) => [0, 1, 2].map((seed) => sampleRun(method, seed, device)));

/** A log as it is written. */
export const logText = (log: readonly LogLine[]): string => log.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Writes a run into a folder, without its result where it is under way. */
export function writeRun(root: string, run: Run, log: readonly LogLine[] = run.log, done = true): string {
  const folder = join(root, run.folder);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'spec.lock.json'), JSON.stringify(run.lock));
  writeFileSync(join(folder, 'metrics.jsonl'), logText(log));
  if (done) writeFileSync(join(folder, 'result.json'), JSON.stringify(run.result));
  return folder;
}
