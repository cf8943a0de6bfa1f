/**
 * @file Verification of a Program: what the runtime may rely on. Answers one sentence for each thing that is wrong; none is right.
 *
 * Every range lies in its buffer and starts at a multiple of 256; tensors and uniform blocks do not overlap unless one lies within
 * the other, or both within a third; a step binds what its shader asks for, and within one dispatch a buffer is read only or written, with nothing
 * that is written overlapping another binding. Transient values are checked by use: what a step reads of the activations was
 * written before in the same entry, as a whole, and not written over since. A Program alone does not tell a read from a write
 * where both are in one buffer; with the kernels that its steps came from, the check is exact.
 */
import type { Kernel } from '../kernels/kernel.js';
import { refKey } from '../kernels/partition.js';
import { hostCapacity } from '../wgsl/expression.js';
import { alignment, bytesOf } from './memory.js';
import type { Entry, Program, Shader, Step } from './program.js';

interface Range {
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Most workgroups along one axis of a dispatch. */
const largestGrid = 65535;

const overlap = (a: Range, b: Range): boolean => a.buffer === b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
const within = (a: Range, b: Range): boolean => a.buffer === b.buffer && a.offset >= b.offset && a.offset + a.bytes <= b.offset + b.bytes;

/** What is wrong with a Program. `kernels` are those of its entries, in the same order. */
export function verifyProgram(program: Program, kernels?: readonly (readonly Kernel[])[]): string[] {
  return [
    ...verifyBuffers(program),
    ...verifyTensors(program),
    ...verifyUniforms(program),
    ...program.entries.flatMap((entry, e) => verifyEntry(program, entry, kernels?.[e])),
  ];
}

function verifyBuffers({ buffers, target, shaders }: Program): string[] {
  const wrong: string[] = [];
  buffers.forEach((b, i) => {
    if (b.bytes <= 0 || b.bytes % 4 !== 0 || b.bytes > target.maxBufferBytes) wrong.push(`buffer ${b.name} has ${b.bytes} bytes`);
    if (buffers.findIndex((other) => other.name === b.name) < i) wrong.push(`two buffers are called ${b.name}`);
  });
  for (const kind of ['uniforms', 'scalars'] as const)
    if (buffers.filter((b) => b.kind === kind).length > 1) wrong.push(`there is more than one buffer of ${kind}`);
  const seen = new Set<string>();
  for (const s of shaders) {
    const key = `${s.scalars}|${s.access.join()}|${s.code}`;
    if (seen.has(key)) wrong.push(`shader ${s.label} is there twice`);
    seen.add(key);
    if (s.access.length > target.maxStorageBuffers)
      wrong.push(`shader ${s.label} binds ${s.access.length} buffers of at most ${target.maxStorageBuffers}`);
  }
  return wrong;
}

/** Whether a range lies in its buffer and is aligned; `what` names it. */
function verifyRange({ buffers }: Program, what: string, range: Range): string[] {
  const buffer = buffers[range.buffer];
  if (buffer === undefined) return [`${what} is in no buffer`];
  if (range.offset < 0 || range.bytes <= 0 || range.offset + range.bytes > buffer.bytes)
    return [`${what} ends at byte ${range.offset + range.bytes} of ${buffer.bytes} in ${buffer.name}`];
  return range.offset % alignment === 0 ? [] : [`${what} starts at byte ${range.offset}`];
}

function verifyTensors(program: Program): string[] {
  const wrong: string[] = [];
  const names = new Set<string>();
  for (const t of program.tensors) {
    wrong.push(...verifyRange(program, `the tensor ${t.name}`, t));
    if (names.has(t.name)) wrong.push(`two tensors are called ${t.name}`);
    names.add(t.name);
    if (t.bytes !== bytesOf(t.shape, t.dtype)) wrong.push(`the tensor ${t.name} has ${t.bytes} bytes for [${t.shape.join(', ')}]`);
    if (program.buffers[t.buffer]?.kind === 'activations') wrong.push(`the tensor ${t.name} lies among the activations`);
  }
  // Sorted by place, the larger first: a tensor overlaps only what is still open, which must hold it.
  const sorted = [...program.tensors].sort((a, b) => a.buffer - b.buffer || a.offset - b.offset || b.bytes - a.bytes);
  const open: (typeof sorted)[number][] = [];
  for (const t of sorted) {
    while (open.length > 0 && !overlap(open[open.length - 1] as Range, t)) open.pop();
    const around = open[open.length - 1];
    // Two parts of one tensor may be cut in different ways.
    if (around !== undefined && !open.some((o) => within(t, o))) wrong.push(`the tensors ${around.name} and ${t.name} overlap`);
    open.push(t);
  }
  return wrong;
}

function verifyUniforms(program: Program): string[] {
  const wrong: string[] = [];
  const buffer = program.buffers.find((b) => b.kind === 'uniforms');
  const bytes = (program.uniforms.length / 4) * 3 - (/=*$/.exec(program.uniforms)?.[0].length ?? 0);
  if (buffer !== undefined && bytes !== buffer.bytes) wrong.push(`the uniforms have ${bytes} bytes, their buffer ${buffer.bytes}`);
  const blocks = new Map<number, number>();
  for (const step of program.entries.flatMap((e) => e.steps))
    blocks.set(step.uniforms.offset, Math.max(step.uniforms.bytes, blocks.get(step.uniforms.offset) ?? 0));
  let end = 0;
  for (const [offset, size] of [...blocks].sort(([a], [b]) => a - b)) {
    if (offset % alignment !== 0 || size <= 0 || size % 16 !== 0) wrong.push(`a uniform block of ${size} bytes starts at byte ${offset}`);
    if (offset < end) wrong.push(`the uniform block at byte ${offset} begins before the last one ends`);
    end = offset + size;
  }
  if (end > (buffer?.bytes ?? 0)) wrong.push(`the uniform blocks end at byte ${end} of ${buffer?.bytes ?? 0}`);
  return wrong;
}

function verifyEntry(program: Program, entry: Entry, kernels: readonly Kernel[] | undefined): string[] {
  const wrong: string[] = [];
  const tensors = new Map(program.tensors.map((t) => [t.name, t]));
  for (const name of entry.inputs)
    if (tensors.get(name)?.source.kind !== 'host') wrong.push(`the input ${name} is no tensor that the host writes`);
  entry.scalars.forEach((slot, i) => {
    if (slot.offset % 4 !== 0 || slot.offset < 0 || slot.offset >= hostCapacity * 4)
      wrong.push(`a number of the host stands at byte ${slot.offset}`);
    if (entry.scalars.findIndex((s) => s.offset === slot.offset) < i) wrong.push(`two numbers of the host stand at byte ${slot.offset}`);
  });
  /** What stands among the activations, by buffer: ranges that steps have written and none has written over. */
  const standing: Standing = new Map();
  if (kernels !== undefined && kernels.length !== entry.steps.length)
    wrong.push(`${entry.steps.length} steps for ${kernels.length} kernels`);
  entry.steps.forEach((step, i) => {
    const shader = program.shaders[step.shader];
    const where = `step ${i} (${step.label})`;
    if (shader === undefined) wrong.push(`${where} has no shader`);
    else
      wrong.push(...verifyStep(program, step, shader, where), ...verifyUse(program, usesOf(step, shader, kernels?.[i]), where, standing));
  });
  for (const output of entry.outputs) {
    wrong.push(...verifyRange(program, `the output ${output.name}`, output));
    if (program.buffers[output.buffer]?.kind === 'activations' && !stands(standing, output))
      wrong.push(`the output ${output.name} does not stand at the end`);
  }
  return wrong.map((text) => `${entry.name}: ${text}`);
}

function verifyStep(program: Program, step: Step, shader: Shader, where: string): string[] {
  const wrong: string[] = [];
  if (step.bindings.length !== shader.access.length)
    wrong.push(`${where} binds ${step.bindings.length} buffers, its shader has ${shader.access.length}`);
  if (step.workgroups.some((n) => !Number.isInteger(n) || n < 1 || n > largestGrid))
    wrong.push(`${where} runs ${step.workgroups.join(' x ')} workgroups`);
  if (shader.scalars && !program.buffers.some((b) => b.kind === 'scalars'))
    wrong.push(`${where} reads numbers of the host, which have no buffer`);
  step.bindings.forEach((a, i) => {
    wrong.push(...verifyRange(program, `binding ${i} of ${where}`, a));
    if (a.bytes > program.target.maxBindingBytes)
      wrong.push(`binding ${i} of ${where} has ${a.bytes} bytes of at most ${program.target.maxBindingBytes}`);
    if (['uniforms', 'scalars'].includes(program.buffers[a.buffer]?.kind ?? ''))
      wrong.push(`binding ${i} of ${where} is in ${program.buffers[a.buffer]?.name}`);
    step.bindings.slice(i + 1).forEach((b, j) => {
      const [x, y] = [shader.access[i], shader.access[i + 1 + j]];
      // WebGPU allows one buffer one usage within a dispatch.
      if (a.buffer === b.buffer && x !== y) wrong.push(`${where} reads and writes one buffer under different access`);
      if (x === 'read_write' && y === 'read_write' && overlap(a, b)) wrong.push(`bindings ${i} and ${i + 1 + j} of ${where} overlap`);
    });
  });
  return wrong;
}

/** Ranges of the activations that hold something, by buffer; `value` names it where that is known. */
type Standing = Map<number, readonly (Range & { readonly value?: string | undefined })[]>;

interface Use extends Range {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly value?: string | undefined;
}

/** How a step uses its bindings; without its kernel, one that may be written counts as written. */
function usesOf(step: Step, shader: Shader, kernel: Kernel | undefined): Use[] {
  return step.bindings.map((b, i): Use => {
    const arg = kernel?.args[i];
    if (arg === undefined) return { ...b, reads: shader.access[i] === 'read', writes: shader.access[i] !== 'read' };
    return { ...b, reads: arg.access !== 'write', writes: arg.access !== 'read', value: refKey(arg.ref) };
  });
}

const stands = (standing: Standing, range: Range & { readonly value?: string | undefined }): boolean =>
  standing.get(range.buffer)?.some((r) => within(range, r) && (range.value === undefined || range.value === r.value)) ?? false;

/** Follows what a step reads and writes of the activations. */
function verifyUse(program: Program, uses: readonly Use[], where: string, standing: Standing): string[] {
  const transient = uses.map((use, i) => ({ use, i })).filter(({ use }) => program.buffers[use.buffer]?.kind === 'activations');
  const wrong = transient
    .filter(({ use }) => use.reads && !stands(standing, use))
    .map(({ i }) => `binding ${i} of ${where} reads what no step before has written`);
  for (const { use } of transient)
    if (use.writes) standing.set(use.buffer, [...(standing.get(use.buffer) ?? []).filter((r) => !overlap(r, use)), use]);
  return wrong;
}
