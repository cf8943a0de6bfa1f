/**
 * @file From a Program to what a session runs: checks it against the device, allocates exactly the declared buffers, compiles
 * every shader and makes every bind group, once.
 */
import type { Entry, Program, Step, TensorDecl } from '../compiler/plan/program.js';
import type { Device } from './device.js';
import { DeviceError } from './device-error.js';
import { compileShaders, firstStorageBinding, type Pipeline } from './device-pipeline.js';

/** A named range that can be read: a tensor or an output. */
export type Range = Pick<TensorDecl, 'name' | 'dtype' | 'shape' | 'buffer' | 'offset' | 'bytes'>;

/** A step with its pipeline and bind group. */
export interface PreparedStep {
  readonly step: Step;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** An entry ready to be encoded. */
export interface PreparedEntry {
  readonly entry: Entry;
  readonly steps: readonly PreparedStep[];
  readonly outputs: ReadonlyMap<string, Range>;
}

/** A Program on a device: its buffers, and every entry with pipelines and bind groups. */
export interface Prepared {
  readonly buffers: readonly GPUBuffer[];
  readonly entries: ReadonlyMap<string, PreparedEntry>;
  readonly scalars: { readonly buffer: GPUBuffer; readonly words: DataView<ArrayBuffer> } | undefined;
}

/** Prepares a Program; rejects with a `DeviceError` when the device cannot hold or compile it, and then keeps nothing. */
export async function prepareProgram(device: Device, program: Program): Promise<Prepared> {
  checkProgram(device, program);
  const made: GPUBuffer[] = [];
  try {
    await device.guarded('allocating the planned buffers', () => {
      for (const decl of program.buffers)
        made.push(device.gpu.createBuffer({ label: decl.name, size: decl.bytes, usage: usageOf(decl.kind) }));
    });
    checkAllocation(program, made);
    const pipelines = await compileShaders(device, program.shaders);
    const prepared = await device.guarded('preparing the steps', () => bindSteps(device, program, made, pipelines));
    await rehearse(device, [...prepared.entries.values()]);
    return prepared;
  } catch (error) {
    for (const buffer of made) buffer.destroy();
    throw error;
  }
}

/** Encodes steps into a pass; a pipeline that is bound already is not bound again. */
export function encodeSteps(pass: GPUComputePassEncoder, steps: readonly PreparedStep[]): void {
  let bound: GPUComputePipeline | undefined;
  for (const { step, pipeline, group } of steps) {
    if (pipeline !== bound) pass.setPipeline(pipeline);
    bound = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...step.workgroups);
  }
}

function bindSteps(device: Device, program: Program, buffers: readonly GPUBuffer[], pipelines: readonly Pipeline[]): Prepared {
  const uniforms = bufferOfKind(program, buffers, 'uniforms');
  const scalars = bufferOfKind(program, buffers, 'scalars');
  const content = Uint8Array.from(Buffer.from(program.uniforms, 'base64'));
  if (content.byteLength > 0) device.gpu.queue.writeBuffer(uniforms ?? missing('uniforms'), 0, content);
  const groups = new Map<string, GPUBindGroup>();
  const groupOf = (step: Step): GPUBindGroup => {
    const { bindings, uniforms: block } = step;
    // Bind groups of one layout object and equal ranges are equal; shaders with equal bindings share a layout.
    const shader = at(program.shaders, step.shader, 'shader');
    const { layout } = at(pipelines, step.shader, 'pipeline');
    const key = JSON.stringify([shader.scalars, shader.access, block, bindings]);
    const known = groups.get(key);
    if (known !== undefined) return known;
    if (bindings.length !== shader.access.length)
      throw new DeviceError('misuse', `step ${step.label} binds ${bindings.length} buffers, its shader has ${shader.access.length}`);
    const first = firstStorageBinding(shader);
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: uniforms ?? missing('uniforms'), offset: block.offset, size: Math.max(block.bytes, 16) } },
    ];
    if (shader.scalars) entries.push({ binding: 1, resource: { buffer: scalars ?? missing('scalars') } });
    bindings.forEach((one, i) =>
      entries.push({
        binding: first + i,
        resource: { buffer: at(buffers, one.buffer, 'buffer'), offset: one.offset, size: wholeWords(one.bytes) },
      }),
    );
    const group = device.gpu.createBindGroup({ label: step.label, layout, entries });
    groups.set(key, group);
    return group;
  };
  const entries = program.entries.map((entry): [string, PreparedEntry] => [
    entry.name,
    {
      entry,
      steps: entry.steps.map((step) => ({ step, pipeline: at(pipelines, step.shader, 'pipeline').pipeline, group: groupOf(step) })),
      outputs: new Map(entry.outputs.map((output) => [output.name, output])),
    },
  ]);
  return {
    buffers,
    entries: new Map(entries),
    scalars: scalars === undefined ? undefined : { buffer: scalars, words: new DataView(new ArrayBuffer(scalars.size)) },
  };
}

/** Encodes everything once without submitting it, so that what the device refuses is refused now, with the step named. */
async function rehearse(device: Device, entries: readonly PreparedEntry[]): Promise<void> {
  const encode = (what: string, steps: readonly PreparedStep[]): Promise<void> =>
    device.guarded(what, () => {
      const encoder = device.gpu.createCommandEncoder({ label: what });
      const pass = encoder.beginComputePass({ label: what });
      encodeSteps(pass, steps);
      pass.end();
      encoder.finish();
    });
  for (const { entry, steps } of entries) {
    try {
      await encode(`entry ${entry.name}`, steps);
    } catch (error) {
      for (const one of steps) await encode(`step ${one.step.label} of ${entry.name}`, [one]);
      throw error;
    }
  }
}

function checkProgram(device: Device, program: Program): void {
  device.check();
  if (program.format !== 'peft-program' || program.version !== 1) throw new DeviceError('misuse', 'this is not a Program of version 1');
  const { target } = device.describe();
  const bindings = program.entries.flatMap((entry) => entry.steps.flatMap((step) => step.bindings.map((one) => one.bytes)));
  const buffers = program.buffers.map((decl) => decl.bytes);
  const access = program.shaders.map((shader) => shader.access.length);
  requireAtMost('bytes in one buffer', buffers, target.maxBufferBytes);
  requireAtMost('bytes in one binding', bindings, target.maxBindingBytes);
  requireAtMost('storage buffers in one shader', access, target.maxStorageBuffers);
  if (program.target.f16 && !target.f16) refuse('it uses 16-bit numbers, which this device lacks');
  if (program.target.subgroup !== 0 && program.target.subgroup !== target.subgroup)
    refuse(`it uses subgroups of ${program.target.subgroup}, this device has ${target.subgroup}`);
}

function requireAtMost(what: string, needs: readonly number[], limit: number): void {
  const most = needs.reduce((a, b) => Math.max(a, b), 0);
  if (most > limit) refuse(`it needs ${most} ${what}, this device allows ${limit}`);
}

function refuse(why: string): never {
  throw new DeviceError('unavailable', `the program does not fit this device: ${why}`, 'build it again on this machine');
}

function checkAllocation(program: Program, buffers: readonly GPUBuffer[]): void {
  const planned = program.buffers.reduce((sum, decl) => sum + decl.bytes, 0);
  const allocated = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  if (planned !== allocated) throw new DeviceError('misuse', `planned ${planned} bytes, allocated ${allocated}`);
}

function usageOf(kind: Program['buffers'][number]['kind']): GPUBufferUsageFlags {
  switch (kind) {
    case 'uniforms':
    case 'scalars':
      return GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    case 'weights':
    case 'adapter':
    case 'optimizer':
    case 'gradients':
    case 'constants':
    case 'batch':
    case 'activations':
    case 'results':
      return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    default:
      return kind satisfies never;
  }
}

function bufferOfKind(program: Program, buffers: readonly GPUBuffer[], kind: 'uniforms' | 'scalars'): GPUBuffer | undefined {
  const index = program.buffers.findIndex((decl) => decl.kind === kind);
  return index < 0 ? undefined : buffers[index];
}

function missing(kind: string): never {
  throw new DeviceError('misuse', `the program declares no ${kind} buffer`);
}

/** The item at an index that the Program gave; throws when it has none. */
export function at<T>(list: readonly T[], index: number, what: string): T {
  const item = list[index];
  if (item === undefined) throw new DeviceError('misuse', `the program has no ${what} ${index}`);
  return item;
}

/** Number of elements of a tensor. */
export function elementsOf(range: Pick<TensorDecl, 'shape'>): number {
  return range.shape.reduce((product, size) => product * size, 1);
}

/** Bytes rounded up to whole 4-byte words, which is what the device copies and binds. */
export function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
