/**
 * @file A training step of two examples on the device at hand: compile, pipelines and first step, encoding, tokens a second after
 * warm-up, and where the time goes, kernel by kernel. Needs the small Korean BERT and the reviews beside the project for `nsmc`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openFile } from '../cli/experiment.js';
import { processIo } from '../cli/io.js';
import { folderOfBase, loadDatasets, sha256 } from '../cli/prepare.js';
import { packageRoot } from '../cli/package.js';
import { readSources } from '../cli/source.js';
import { codecOf } from '../compiler/driver/codec.js';
import { compile } from '../compiler/driver/compile.js';
import type { Package } from '../compiler/plan/program.js';
import { fillBatch, planBatches } from '../runtime/data/batches.js';
import { openDevice, type Device } from '../runtime/device.js';
import { writeBatch } from '../runtime/evaluate.js';
import { openSession, type Session } from '../runtime/execute.js';
import type { StepTime } from '../runtime/execute-profile.js';
import { loadTensors } from '../runtime/load.js';
import { openCheckpoint } from '../runtime/weights/checkpoint.js';
import { adapterSlug, circumstances, clockName, median, printTable, round, stopwatch, writeResults, type Benchmark } from './report.js';

const korean = ['../shared/models/ko-bert', '../shared/data/nsmc'];
const examples: readonly {
  readonly name: string;
  readonly file: string;
  readonly experiment?: string;
  readonly needs: readonly string[];
}[] = [
  { name: 'quickstart', file: 'examples/quickstart/quickstart.peft', needs: [] },
  { name: 'nsmc', file: 'examples/nsmc/nsmc.peft', needs: korean },
  ...['f32', 'half', 'nf4_single', 'nf4_double'].map((experiment) => ({
    name: `qlora ${experiment}`,
    file: 'examples/qlora/qlora.peft',
    experiment,
    needs: korean,
  })),
];

/** Steps that are timed; the best of `profiles` runs of each kernel counts. */
const steps = 12;
const profiles = 3;

/** An experiment ready to step. */
interface Opened {
  readonly session: Session;
  readonly run: Package;
  readonly batches: readonly { readonly entry: string; readonly tokens: number; readonly write: () => void }[];
  readonly times: { readonly compile: number; readonly pipelines: number };
}

async function openExample(device: Device, file: string, name: string | undefined): Promise<Opened> {
  const io = processIo();
  const [source] = await readSources([join(packageRoot, file)], io);
  if (source === undefined) throw new Error(`${file} is not there`);
  const opened = await openFile(source, packageRoot);
  const resolved = opened.experiments.find((x) => name === undefined || x.resolved?.spec.name === name)?.resolved;
  if (resolved === undefined) throw new Error(`${file}: ${opened.diagnostics.map((d) => d.message).join('; ')}`);
  const data = await loadDatasets(resolved, opened);
  const compiling = stopwatch(device);
  const made = compile(
    resolved,
    { target: device.describe().target, rows: resolved.spec.tune.batch, lengths: data.lengths, digest: sha256 },
    [],
  );
  const compileTime = compiling();
  if (made === undefined || data.train === undefined) throw new Error(`${file} does not compile`);
  const preparing = stopwatch(device);
  const session = await openSession(device, made.run.program, { stagingBytes: 2 ** 18 });
  const pipelines = preparing();
  const base = await openCheckpoint(await folderOfBase(resolved, opened), { weights: 'required' });
  if (!base.ok) throw new Error(base.error.message);
  const loaded = await loadTensors(session, base.value, 0, { codec: codecOf(resolved.formats.values()) });
  if (!loaded.ok) throw new Error(loaded.error.message);
  const { train, fields, tokenizer } = data;
  const batches = planBatches(train.lengths, { batch: made.run.rows, buckets: made.run.lengths, order: 'shuffled', seed: 0, epoch: 0 }).map(
    (plan) => {
      const entry = `train/${made.run.rows}x${plan.length}`;
      const tokens = plan.examples.reduce((sum, i) => sum + Math.min(train.lengths[i] as number, plan.length), 0);
      return {
        entry,
        tokens,
        write: (): void => writeBatch(session, entry, fillBatch(train, fields, plan, made.run.rows, tokenizer.padId)),
      };
    },
  );
  return { session, run: made.run, batches, times: { compile: compileTime, pipelines } };
}

/** Adds up the times of steps that share a key. */
function sumBy(
  times: readonly StepTime[],
  key: (step: StepTime) => string,
): { readonly key: string; readonly milliseconds: number; readonly flops: number; readonly bytes: number; readonly count: number }[] {
  const sums = new Map<string, { key: string; milliseconds: number; flops: number; bytes: number; count: number }>();
  for (const step of times) {
    const sum = sums.get(key(step)) ?? { key: key(step), milliseconds: 0, flops: 0, bytes: 0, count: 0 };
    sum.milliseconds += step.milliseconds;
    sum.flops += step.flops;
    sum.bytes += step.bytes;
    sum.count += 1;
    sums.set(key(step), sum);
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Each step's shortest time over several profiles. */
function shortest(runs: readonly (readonly StepTime[])[]): StepTime[] {
  return (runs[0] ?? []).map((step, i) => ({ ...step, milliseconds: Math.min(...runs.map((run) => run[i]?.milliseconds ?? Infinity)) }));
}

/** What kind of kernel a shader is, from its text: the Program does not say. */
function kindOf(code: string): string {
  if (code.includes('fn finish(')) return 'matmul';
  if (code.includes('let column = id %')) return 'scatter-add';
  return code.includes('for (var j = ') ? 'row-reduce' : 'pointwise';
}

/** Time of each dispatch: a graphics card's own clock, or on a software adapter the processor time of one submit for each. */
async function timesOf(
  device: Device,
  session: Session,
  entry: string,
  variables: { readonly step: number; readonly total: number; readonly seed: number },
): Promise<readonly StepTime[]> {
  const { shaders, entries } = session.program;
  const codes = entries.find((e) => e.name === entry)?.steps.map((s) => shaders[s.shader]) ?? [];
  const name = (i: number): string =>
    `${kindOf(codes[i]?.code ?? '')}: ${codes[i]?.label ?? ''} #${codes[i] === undefined ? '' : shaders.indexOf(codes[i])}`;
  if (device.describe().kind === 'hardware')
    return (await session.profile(entry, variables)).map((step, i) => ({ ...step, shader: name(i) }));
  const times: StepTime[] = [];
  let clock = stopwatch(device);
  await session.observe(entry, variables, {
    before: () => {
      clock = stopwatch(device);
    },
    after: ({ step, index }) => {
      times.push({
        label: step.label,
        shader: name(index),
        milliseconds: clock(),
        flops: step.flops,
        bytes: step.bindings.reduce((sum, b) => sum + b.bytes, 0),
        clock: 'wall',
      });
    },
  });
  return times;
}

async function measure(device: Device, { name, file, experiment }: (typeof examples)[number]): Promise<Record<string, unknown>> {
  const { session, run, batches, times } = await openExample(device, file, experiment);
  try {
    const total = 1000;
    const step = (i: number): number => {
      const batch = batches[i % batches.length] as Opened['batches'][number];
      batch.write();
      session.run(batch.entry, { step: i, total, seed: i });
      session.run('update', { step: i, total, seed: 0 });
      return batch.tokens;
    };
    // Every length once: a driver compiles when a kernel first runs.
    const first = stopwatch(device);
    const lengths = [...new Set(batches.map((b) => b.entry))];
    for (const entry of lengths) step(batches.findIndex((b) => b.entry === entry));
    await session.idle();
    const firstSteps = first();
    const encode: number[] = [];
    const clock = stopwatch(device);
    const wall = performance.now();
    let tokens = 0;
    for (let i = 0; i < steps; i += 1) {
      const before = performance.now();
      tokens += step(i);
      encode.push(performance.now() - before);
      await session.idle();
    }
    const [took, wallTook] = [clock() / 1000, (performance.now() - wall) / 1000];
    const longest = [...batches].sort(
      (a, b) => Number(b.entry.split('x')[1]) - Number(a.entry.split('x')[1]),
    )[0] as Opened['batches'][number];
    longest.write();
    const runs: (readonly StepTime[])[] = [];
    for (let i = 0; i < profiles; i += 1) runs.push(await timesOf(device, session, longest.entry, { step: 0, total, seed: 0 }));
    const updates: (readonly StepTime[])[] = [];
    for (let i = 0; i < profiles; i += 1) updates.push(await timesOf(device, session, 'update', { step: 0, total, seed: 0 }));
    const kernels = [...shortest(runs), ...shortest(updates)];
    const whole = kernels.reduce((sum, s) => sum + s.milliseconds, 0);
    const row = (s: ReturnType<typeof sumBy>[number]): Record<string, string | number> => ({
      kernel: s.key,
      dispatches: s.count,
      ms: round(s.milliseconds, 2),
      share: round((100 * s.milliseconds) / whole),
      gflops: round(s.flops / s.milliseconds / 1e6, 2),
      gbytes: round(s.bytes / s.milliseconds / 1e6, 2),
    });
    const kinds = sumBy(kernels, (s) => s.shader.split(':')[0] ?? '').map(row);
    const top = sumBy(kernels, (s) => s.shader)
      .slice(0, 20)
      .map(row);
    const summary = {
      example: name,
      tokensPerSecond: round(tokens / took, 0),
      tokensPerSecondWall: round(tokens / wallTook, 0),
      stepMilliseconds: round((took * 1000) / steps),
      compileMilliseconds: round(times.compile, 0),
      pipelinesMilliseconds: round(times.pipelines, 0),
      firstStepsMilliseconds: round(firstSteps, 0),
      encodeMilliseconds: round(median(encode), 2),
      dispatches: kernels.length,
      shaders: run.program.shaders.length,
      lengths: run.lengths,
      bytes: session.allocatedBytes,
    };
    printTable(
      `${name} on ${device.describe().name}, by ${clockName(device)}`,
      ['what', 'value'],
      Object.entries(summary).map(([k, v]) => [k, String(v)]),
    );
    const head = ['kernel', 'dispatches', 'ms', 'share', 'gflops', 'gbytes'];
    printTable(
      `${longest.entry} and update by kind`,
      head,
      kinds.map((r) => head.map((h) => r[h] as string | number)),
    );
    printTable(
      'dearest kernels',
      head,
      top.map((r) => head.map((h) => r[h] as string | number)),
    );
    return { ...summary, entry: longest.entry, kinds, top };
  } finally {
    session.close();
  }
}

/** Tokens a second of training, and where the time goes. */
export const benchmark: Benchmark = {
  summary: 'a training step of the examples: tokens/s, start-up, time of each kernel',
  run: async () => {
    const device = await openDevice();
    try {
      const results: Record<string, unknown>[] = [];
      const only = process.env['BENCH_ONLY'];
      for (const example of examples) {
        const { name, needs } = example;
        if (only !== undefined && !name.startsWith(only)) continue;
        const missing = needs.find((path) => !existsSync(join(packageRoot, path)));
        if (missing !== undefined) process.stderr.write(`${name} is skipped: ${missing} is not there\n`);
        else results.push(await measure(device, example));
      }
      if (only === undefined) writeResults(`step-${adapterSlug(device)}`, circumstances(device), { clock: clockName(device), results });
    } finally {
      device.close();
    }
  },
};
