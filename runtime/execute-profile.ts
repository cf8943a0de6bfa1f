/**
 * @file Time of each step of an entry. A hardware device is asked by timestamp queries in one submit; a software adapter runs
 * on the processor, so the wall time of one submit for each step is the truth there.
 */
import type { Program } from '../compiler/plan/program.js';
import type { Device } from './device.js';
import { encodeSteps, type PreparedEntry, type PreparedStep } from './execute-prepare.js';

/** How long one step took, and what it moved and computed. */
export interface StepTime {
  readonly label: string;
  readonly shader: string;
  readonly milliseconds: number;
  readonly flops: number;
  /** Bytes of its bindings: at least what it reads and writes once. */
  readonly bytes: number;
  readonly clock: 'device' | 'wall';
}

/** A query set holds at most 4096 queries, two for each step. */
const STEPS_A_SET = 2048;

/** Runs the steps of an entry once, each in its own pass, and times them. */
export async function timeSteps(device: Device, program: Program, prepared: PreparedEntry): Promise<readonly StepTime[]> {
  const { kind, features } = device.describe();
  const clock = kind === 'hardware' && features.includes('timestamp-query') ? 'device' : 'wall';
  const times: number[] = [];
  await device.guarded(`timing ${prepared.entry.name}`, async () => {
    if (clock === 'wall') for (const step of prepared.steps) times.push(await wallTime(device, step));
    else
      for (let at = 0; at < prepared.steps.length; at += STEPS_A_SET)
        times.push(...(await deviceTimes(device, prepared.steps.slice(at, at + STEPS_A_SET))));
  });
  return prepared.steps.map(({ step }, i) => ({
    label: step.label,
    shader: program.shaders[step.shader]?.label ?? '',
    milliseconds: times[i] ?? 0,
    flops: step.flops,
    bytes: step.bindings.reduce((sum, one) => sum + one.bytes, 0),
    clock,
  }));
}

async function wallTime(device: Device, step: PreparedStep): Promise<number> {
  await device.gpu.queue.onSubmittedWorkDone();
  const before = performance.now();
  const encoder = device.gpu.createCommandEncoder({ label: step.step.label });
  const pass = encoder.beginComputePass({ label: step.step.label });
  encodeSteps(pass, [step]);
  pass.end();
  device.gpu.queue.submit([encoder.finish()]);
  await device.gpu.queue.onSubmittedWorkDone();
  return performance.now() - before;
}

async function deviceTimes(device: Device, steps: readonly PreparedStep[]): Promise<readonly number[]> {
  const { gpu } = device;
  const bytes = steps.length * 16;
  const queries = gpu.createQuerySet({ type: 'timestamp', count: steps.length * 2 });
  const resolved = gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const staging = gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    const encoder = gpu.createCommandEncoder({ label: 'timing' });
    steps.forEach((step, i) => {
      const pass = encoder.beginComputePass({
        label: step.step.label,
        timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
      });
      encodeSteps(pass, [step]);
      pass.end();
    });
    encoder.resolveQuerySet(queries, 0, steps.length * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
    return steps.map((_, i) => Number((ticks[2 * i + 1] ?? 0n) - (ticks[2 * i] ?? 0n)) / 1e6);
  } finally {
    queries.destroy();
    resolved.destroy();
    staging.destroy();
  }
}
