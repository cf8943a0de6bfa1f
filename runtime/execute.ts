/**
 * @file Runs a Program on a device: allocates exactly the declared buffers, compiles every shader, makes every bind group once,
 * and then runs entries as one command encoder, one compute pass and one submit, with no allocation in the loop.
 *
 * Results come back without blocking: `runAndQueue` copies outputs into one of two staging buffers; `drain` maps it and leaves the
 * other to the steps that follow. Staging memory belongs to the host side and is not part of the planned bytes.
 */
import type { Entry, Program, Shader, Step, TensorDecl } from '../compiler/plan/program.js';
import type { Device } from './device.js';
import { DeviceError } from './device-error.js';
import {
  at,
  elementsOf,
  encodeSteps,
  prepareProgram,
  wholeWords,
  type Prepared,
  type PreparedEntry,
  type Range,
} from './execute-prepare.js';
import { timeSteps, type StepTime } from './execute-profile.js';
import { writeScalars, type Variables } from './scalars.js';
import { converterOf, encodeElements } from './weights/element.js';

/** Elements of a tensor on the host. */
export type TensorData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** How to open a session. */
export interface SessionOptions {
  /** Bytes of results that may wait for `drain` (twice this is allocated on the host side). Default 64 KiB. */
  readonly stagingBytes?: number;
}

/** The outputs of one `runAndQueue`, in the order of the calls. */
export interface QueuedResult {
  readonly entry: string;
  readonly variables: Variables;
  readonly values: Readonly<Record<string, TensorData>>;
}

/** One step of an entry while it is observed; `read` gives what a binding holds now. */
export interface StepView {
  readonly index: number;
  readonly step: Step;
  readonly shader: Shader;
  read(binding: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Called around each step: `before` sees its inputs (in-place steps overwrite them), `after` its results. */
export interface StepObserver {
  before?(view: StepView): void | Promise<void>;
  after?(view: StepView): void | Promise<void>;
}

interface Staging {
  readonly buffer: GPUBuffer;
  readonly waiting: {
    readonly entry: string;
    readonly variables: Variables;
    readonly parts: readonly { readonly range: Range; readonly at: number }[];
  }[];
  used: number;
  draining: boolean;
}

/** Bytes of one write or read: larger ones make Dawn allocate staging memory of their size. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** Prepares a Program on a device; rejects with a `DeviceError` when the device cannot hold or compile it. */
export async function openSession(device: Device, program: Program, options: SessionOptions = {}): Promise<Session> {
  return new Session(device, program, await prepareProgram(device, program), options.stagingBytes ?? 2 ** 16);
}

/** A Program on a device, ready to run. Owns its buffers; `close()` gives them back. */
export class Session {
  readonly device: Device;
  readonly program: Program;
  readonly #buffers: readonly GPUBuffer[];
  readonly #entries: ReadonlyMap<string, PreparedEntry>;
  readonly #tensors: ReadonlyMap<string, TensorDecl>;
  readonly #scalars: Prepared['scalars'];
  readonly #written = new Set<string>();
  readonly #stagingBytes: number;
  #staging: readonly [Staging, Staging] | undefined;
  #draining: Promise<unknown> = Promise.resolve();
  #reader: GPUBuffer | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #lastEntry: PreparedEntry | undefined;
  #closed = false;

  /** Use `openSession`. */
  constructor(device: Device, program: Program, prepared: Prepared, stagingBytes: number) {
    this.device = device;
    this.program = program;
    this.#buffers = prepared.buffers;
    this.#entries = prepared.entries;
    this.#scalars = prepared.scalars;
    this.#stagingBytes = Math.ceil(stagingBytes / 256) * 256;
    this.#tensors = new Map(program.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** Bytes of all buffers on the device: what was planned, exactly. */
  get allocatedBytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Writes all elements of a tensor. */
  write(name: string, data: TensorData): void {
    const tensor = this.#tensor(name);
    const matches = tensor.dtype === 'i32' ? data instanceof Int32Array : data instanceof Float32Array;
    if (!matches) throw new DeviceError('misuse', `the tensor ${name} holds ${tensor.dtype}, not ${data.constructor.name}`);
    if (data.byteLength !== elementsOf(tensor) * 4)
      throw new DeviceError('misuse', `the tensor ${name} has ${elementsOf(tensor)} elements, not ${data.length}`);
    this.writeBytes(name, 0, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Writes part of a tensor: bytes of its f32 or i32 elements, offset and length multiples of 4. A tensor that stands in 16 bits is
   * written as f32 too, in pieces that begin at an even element. */
  writeBytes(name: string, byteOffset: number, chunk: Uint8Array<ArrayBuffer>): void {
    this.#ready();
    const tensor = this.#tensor(name);
    if (byteOffset % 4 !== 0 || chunk.byteLength % 4 !== 0) throw new DeviceError('misuse', `a write to ${name} is not whole 4-byte words`);
    const end = elementsOf(tensor) * 4;
    if (byteOffset < 0 || byteOffset + chunk.byteLength > (tensor.dtype === 'f16' ? end : tensor.bytes))
      throw new DeviceError('misuse', `a write to ${name} ends at byte ${byteOffset + chunk.byteLength} of ${end}`);
    const buffer = this.#buffer(tensor.buffer);
    const stored = tensor.dtype === 'f16' ? halves(chunk) : chunk;
    const start = tensor.dtype === 'f16' ? byteOffset / 2 : byteOffset;
    if (start % 4 !== 0) throw new DeviceError('misuse', `a write to ${name} begins at an odd element`);
    for (let at = 0; at < stored.byteLength; at += CHUNK_BYTES)
      this.device.gpu.queue.writeBuffer(buffer, tensor.offset + start + at, stored.subarray(at, at + CHUNK_BYTES));
    this.#written.add(name);
  }

  /** Fills a tensor with zeros. */
  clear(name: string): void {
    this.#ready();
    const tensor = this.#tensor(name);
    const encoder = this.device.gpu.createCommandEncoder({ label: `clear ${name}` });
    encoder.clearBuffer(this.#buffer(tensor.buffer), tensor.offset, wholeWords(tensor.bytes));
    this.device.gpu.queue.submit([encoder.finish()]);
    this.#written.add(name);
  }

  /** Reads a tensor, or an output of `entry` (default: the entry that ran last). Waits for the device. */
  async read(name: string, entry?: string): Promise<TensorData> {
    this.#ready();
    const range = this.#range(name, entry);
    if (range.dtype === 'f16') {
      const values = new Float32Array(elementsOf(range));
      converterOf('F16', 'f32')?.(await this.#readRange(range.buffer, range.offset, range.bytes), values.length, values);
      return values;
    }
    const bytes = await this.#readRange(range.buffer, range.offset, elementsOf(range) * 4);
    return typed(range.dtype, bytes.buffer, 0, elementsOf(range));
  }

  /** Submits one run of an entry and does not wait. */
  run(entryName: string, variables: Variables = {}): void {
    this.#submit(this.#entry(entryName), variables, undefined);
  }

  /** Submits one run and queues outputs (default: all) for `drain`. Gives false when no further run of this kind fits before a drain. */
  runAndQueue(entryName: string, variables: Variables = {}, outputs?: readonly string[]): boolean {
    const prepared = this.#entry(entryName);
    const names = outputs ?? prepared.entry.outputs.map((one) => one.name);
    const ranges = names.map((name) => this.#range(name, entryName));
    const bytes = ranges.reduce((sum, range) => sum + elementsOf(range) * 4, 0);
    const staging = this.#stagings()[0];
    if (staging.draining) throw new DeviceError('misuse', 'two drains are under way: await the first before running on');
    if (staging.used + bytes > this.#stagingBytes)
      throw new DeviceError(
        'misuse',
        `${bytes} bytes of results do not fit beside ${staging.used} waiting ones of ${this.#stagingBytes}: drain more often`,
      );
    const parts = ranges.map((range) => {
      const at = staging.used;
      staging.used += elementsOf(range) * 4;
      return { range, at };
    });
    staging.waiting.push({ entry: entryName, variables, parts });
    this.#submit(prepared, variables, (encoder) => {
      for (const { range, at } of parts)
        encoder.copyBufferToBuffer(this.#buffer(range.buffer), range.offset, staging.buffer, at, elementsOf(range) * 4);
    });
    return staging.used + bytes <= this.#stagingBytes;
  }

  /** The queued results so far, in order. Runs submitted while this is awaited queue for the next drain. */
  async drain(): Promise<readonly QueuedResult[]> {
    this.#ready();
    const [full, other] = this.#stagings();
    if (full.waiting.length === 0) return [];
    // One drain at a time: the two staging buffers take turns.
    full.draining = true;
    const mine = this.#draining.then(() => this.#collect(full));
    this.#staging = [other, full];
    this.#draining = mine.catch(() => undefined);
    const results = await mine;
    this.device.check();
    return results;
  }

  /** Waits until everything submitted has run. */
  async idle(): Promise<void> {
    this.#ready();
    await this.device.idle();
  }

  /** Runs an entry step by step, each submitted alone and seen by the observer. Slow: for checking kernels. */
  async observe(entryName: string, variables: Variables, observer: StepObserver): Promise<void> {
    this.#ready();
    const prepared = this.#entry(entryName);
    this.#requireInputs(prepared.entry);
    this.#writeScalars(prepared.entry, variables);
    for (const [index, one] of prepared.steps.entries()) {
      const view: StepView = {
        index,
        step: one.step,
        shader: this.#shader(one.step),
        read: (binding) => {
          const range = one.step.bindings[binding];
          if (range === undefined) throw new DeviceError('misuse', `step ${one.step.label} has no binding ${binding}`);
          return this.#readRange(range.buffer, range.offset, wholeWords(range.bytes));
        },
      };
      await observer.before?.(view);
      await this.device.guarded(`step ${one.step.label} of ${entryName}`, async () => {
        const encoder = this.device.gpu.createCommandEncoder({ label: one.step.label });
        const pass = encoder.beginComputePass({ label: one.step.label });
        encodeSteps(pass, [one]);
        pass.end();
        this.device.gpu.queue.submit([encoder.finish()]);
        await this.device.gpu.queue.onSubmittedWorkDone();
      });
      await observer.after?.(view);
    }
    this.#lastEntry = prepared;
  }

  /** Runs an entry once with each step in a pass of its own, and says how long each took. */
  async profile(entryName: string, variables: Variables = {}): Promise<readonly StepTime[]> {
    this.#ready();
    const prepared = this.#entry(entryName);
    this.#requireInputs(prepared.entry);
    this.#writeScalars(prepared.entry, variables);
    this.#lastEntry = prepared;
    return timeSteps(this.device, this.program, prepared);
  }

  /** Destroys the buffers; results that were not drained are dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    for (const staging of this.#staging ?? []) staging.buffer.destroy();
    this.#reader?.destroy();
  }

  #submit(prepared: PreparedEntry, variables: Variables, copies: ((encoder: GPUCommandEncoder) => void) | undefined): void {
    this.#ready();
    const { entry } = prepared;
    this.#requireInputs(entry);
    this.#writeScalars(entry, variables);
    const encoder = this.device.gpu.createCommandEncoder({ label: entry.name });
    const pass = encoder.beginComputePass({ label: entry.name });
    encodeSteps(pass, prepared.steps);
    pass.end();
    copies?.(encoder);
    this.device.gpu.queue.submit([encoder.finish()]);
    this.#lastEntry = prepared;
  }

  #requireInputs(entry: Entry): void {
    const missing = entry.inputs.find((name) => !this.#written.has(name));
    if (missing !== undefined) throw new DeviceError('misuse', `the input ${missing} of ${entry.name} was never written`);
  }

  #writeScalars(entry: Entry, variables: Variables): void {
    if (this.#scalars === undefined || entry.scalars.length === 0) return;
    writeScalars(entry, variables, this.#scalars.words);
    this.device.gpu.queue.writeBuffer(this.#scalars.buffer, 0, this.#scalars.words.buffer);
  }

  async #collect(full: Staging): Promise<readonly QueuedResult[]> {
    await this.#mapped(full.buffer, full.used);
    const copy = full.buffer.getMappedRange(0, full.used).slice(0);
    full.buffer.unmap();
    const results = full.waiting.map(({ entry, variables, parts }) => ({
      entry,
      variables,
      values: Object.fromEntries(parts.map(({ range, at }) => [range.name, typed(range.dtype, copy, at, elementsOf(range))])),
    }));
    full.waiting.length = 0;
    full.used = 0;
    full.draining = false;
    return results;
  }

  async #readRange(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    // Reads share one staging buffer, so they take turns.
    const before = this.#reading;
    const mine = before.then(() => this.#copyOut(buffer, offset, bytes));
    this.#reading = mine.catch(() => undefined);
    return mine;
  }

  async #copyOut(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#ready();
    const result = new Uint8Array(bytes);
    const reader = this.#readerOf(Math.min(bytes, CHUNK_BYTES));
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const part = Math.min(CHUNK_BYTES, bytes - at);
      const encoder = this.device.gpu.createCommandEncoder({ label: 'read' });
      encoder.copyBufferToBuffer(this.#buffer(buffer), offset + at, reader, 0, part);
      this.device.gpu.queue.submit([encoder.finish()]);
      await this.#mapped(reader, part);
      result.set(new Uint8Array(reader.getMappedRange(0, part)), at);
      reader.unmap();
    }
    return result;
  }

  async #mapped(buffer: GPUBuffer, bytes: number): Promise<void> {
    try {
      await buffer.mapAsync(GPUMapMode.READ, 0, bytes);
    } catch (error) {
      // The device knows the first cause; a closed session only drops what was pending.
      this.#ready();
      throw new DeviceError('rejected', `results could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.device.check();
  }

  #readerOf(bytes: number): GPUBuffer {
    if (this.#reader !== undefined && this.#reader.size >= bytes) return this.#reader;
    this.#reader?.destroy();
    this.#reader = this.device.gpu.createBuffer({
      label: 'read staging',
      size: Math.max(bytes, 4096),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    return this.#reader;
  }

  #stagings(): readonly [Staging, Staging] {
    this.#staging ??= [this.#newStaging('results a'), this.#newStaging('results b')];
    return this.#staging;
  }

  #newStaging(label: string): Staging {
    return {
      buffer: this.device.gpu.createBuffer({ label, size: this.#stagingBytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
      waiting: [],
      used: 0,
      draining: false,
    };
  }

  #ready(): void {
    if (this.#closed) throw new DeviceError('misuse', 'the session is closed');
    this.device.check();
  }

  #entry(name: string): PreparedEntry {
    const found = this.#entries.get(name);
    if (found === undefined)
      throw new DeviceError('misuse', `the program has no entry ${name}: it has ${[...this.#entries.keys()].join(', ')}`);
    return found;
  }

  #tensor(name: string): TensorDecl {
    const found = this.#tensors.get(name);
    if (found === undefined) throw new DeviceError('misuse', `the program has no tensor ${name}`);
    return found;
  }

  #range(name: string, entry: string | undefined): Range {
    const prepared = entry === undefined ? this.#lastEntry : this.#entry(entry);
    const found = prepared?.outputs.get(name) ?? this.#tensors.get(name);
    if (found === undefined) throw new DeviceError('misuse', `there is no tensor or output ${name}`);
    return found;
  }

  #buffer(index: number): GPUBuffer {
    return at(this.#buffers, index, 'buffer');
  }

  #shader(step: Step): Shader {
    return at(this.program.shaders, step.shader, 'shader');
  }
}

/** Bytes of f32 as whole words of f16; what is beyond the largest becomes that. */
function halves(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : chunk.slice();
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4).map((v) =>
    Math.min(65504, Math.max(-65504, v)),
  );
  const padded = new Uint8Array(Math.ceil(values.length / 2) * 4);
  padded.set(encodeElements(values, 'F16'));
  return padded;
}

function typed(dtype: TensorDecl['dtype'], buffer: ArrayBuffer, offset: number, elements: number): TensorData {
  return dtype === 'i32' ? new Int32Array(buffer, offset, elements) : new Float32Array(buffer, offset, elements);
}
