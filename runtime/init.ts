/**
 * @file First values of the persistent tensors: constants, zeros, data carried by the Program, random draws from counters (seed
 * and tensor name), and the base checkpoint, streamed in chunks by a reader that the caller gives.
 */
import type { Init, Program, Source, Target, TensorDecl } from '../compiler/plan/program.js';
import { counterRandom } from './counter-random.js';
import { DeviceError } from './device-error.js';
import type { Session } from './execute.js';
import { hostMatrix, hostValues, type HostMatrix } from './host/values.js';

/** What is wanted of a checkpoint: the first of `keys` that it has, whole or rows [from, to) of it, as the tensor's type. */
export interface CheckpointRequest {
  readonly tensor: TensorDecl;
  readonly keys: readonly string[];
  readonly rows?: readonly [number, number];
}

/** Streams one tensor: calls `write` with pieces of its bytes on the device (offsets within the tensor); false when the checkpoint has none of the keys. */
export type CheckpointReader = (
  request: CheckpointRequest,
  write: (byteOffset: number, chunk: Uint8Array<ArrayBuffer>) => void,
) => Promise<boolean>;

/** Tensors that hold a weight in fewer bits, by the name of their part: words as they stand in memory, or numbers. */
export type EncodedParts = ReadonlyMap<string, Uint32Array | Float32Array>;

/** How a device does what is done block by block: the entry `encode` makes its outputs of the tensor `encode/x`. */
export interface DeviceEncoding {
  readonly like: string;
  readonly program: Program;
  readonly elements: number;
  readonly blocks: number;
  readonly perRun: number;
  readonly outputs: readonly { readonly name: string; readonly perBlock: number }[];
  readonly divides: boolean;
  readonly finish: (outputs: ReadonlyMap<string, Float64Array>) => EncodedParts;
}

/** Changes between weights and the tensors that hold them in fewer bits. The weight is named as in the Program. */
export interface Codec {
  readonly encode: (weight: string, values: Float32Array) => EncodedParts;
  readonly decode: (weight: string, parts: EncodedParts) => Float32Array;
  /** How a device encodes this weight, where it can. */
  readonly onDevice: (weight: string, target: Target) => DeviceEncoding | undefined;
}

/** Reads a weight of the checkpoint for its tensors of fewer bits: their parts where it is stored so, or its values; undefined where it has
 * none of the keys. */
export type EncodedReader = (keys: readonly string[], shape: readonly number[]) => Promise<EncodedParts | Float32Array | undefined>;

/** How to initialise. */
export interface InitOptions {
  /** Encodes a weight on the device; undefined where the codec must. */
  readonly onDevice?: (weight: string, values: Float32Array) => Promise<EncodedParts | undefined>;
  readonly seed: number;
  /** Absent: tensors that come from a checkpoint take their fresh value, and those without one are an error. */
  readonly checkpoint?: CheckpointReader;
  /** Needed where weights are kept in fewer bits. */
  readonly codec?: Codec;
  readonly encoded?: EncodedReader;
  /** Draws random tensors in its own way (parity with another library); undefined: the usual draw. */
  readonly draw?: (tensor: TensorDecl, init: Init) => Float32Array<ArrayBuffer> | undefined;
  /** Told after each tensor. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was done: where values came from, by tensor name. */
export interface InitReport {
  readonly loaded: readonly string[];
  /** Drawn although a checkpoint was asked for: none of their keys was there. */
  readonly fresh: readonly string[];
  readonly made: readonly string[];
}

/** Elements drawn and written at a time: 4 MiB. */
const CHUNK_ELEMENTS = 2 ** 20;

/** Fills every persistent tensor of a session; tensors written by the host before each run are left alone. */
export async function initialise(session: Session, options: InitOptions): Promise<InitReport> {
  const loaded: string[] = [];
  const fresh: string[] = [];
  const made: string[] = [];
  const tensors = session.program.tensors.filter((tensor) => tensor.source.kind !== 'host');
  for (const [i, tensor] of tensors.entries()) {
    const { source } = tensor;
    switch (source.kind) {
      case 'checkpoint':
        if (await load(session, tensor, source, options)) loaded.push(tensor.name);
        else {
          if (source.fresh === undefined)
            throw new DeviceError(
              'unavailable',
              `the base model has no tensor ${source.keys.join(' or ')}`,
              'check that the base and its architecture fit each other',
            );
          draw(session, tensor, source.fresh, options);
          fresh.push(tensor.name);
        }
        break;
      case 'init':
        if (source.init.kind !== 'host') draw(session, tensor, source.init, options);
        made.push(tensor.name);
        break;
      case 'zeros':
        session.clear(tensor.name);
        made.push(tensor.name);
        break;
      case 'data':
        writeData(session, tensor, source.base64);
        made.push(tensor.name);
        break;
      case 'encoded':
        // The parts of a weight are made together, and stand one after the other.
        if (tensors.findIndex((t) => t.source.kind === 'encoded' && t.source.of === source.of) !== i) break;
        if (await encode(session, tensors, source, options)) loaded.push(source.of);
        else fresh.push(source.of);
        break;
      case 'host':
        break;
      default:
        source satisfies never;
    }
    options.onProgress?.(i + 1, tensors.length);
  }
  // What the host makes of other tensors comes when those are there.
  await session.idle();
  const matrices = new Map<string, HostMatrix>();
  for (const tensor of tensors)
    if (tensor.source.kind === 'init' && tensor.source.init.kind === 'host')
      await makeOnHost(session, tensor, tensor.source.init, matrices, options);
  // So does what the device computes of them.
  if (session.program.entries.some((entry) => entry.name === initialEntry))
    session.run(initialEntry, { seed: options.seed, step: 0, total: 1 });
  await session.idle();
  return { loaded, fresh, made };
}

/** The entry that computes first values from other tensors. */
const initialEntry = 'initial';

async function makeOnHost(
  session: Session,
  tensor: TensorDecl,
  init: Extract<Init, { kind: 'host' }>,
  matrices: Map<string, HostMatrix>,
  options: InitOptions,
): Promise<void> {
  const value = hostValues[init.function];
  if (value === undefined) throw new DeviceError('misuse', `${tensor.name} is made by ${init.function}, which the host does not have`);
  const matrix = init.of === undefined ? undefined : await matrixOf(session, init.of, matrices, options);
  session.write(tensor.name, value.make(init.args, tensor.shape, { name: tensor.name, ...(matrix === undefined ? {} : { matrix }) }));
}

/** The value of a tensor; what several values are made from is read once, and only the last is kept. */
async function matrixOf(
  session: Session,
  of: NonNullable<Extract<Init, { kind: 'host' }>['of']>,
  matrices: Map<string, HostMatrix>,
  options: InitOptions,
): Promise<HostMatrix> {
  const known = matrices.get(of.tensor);
  if (known !== undefined) return known;
  const { values, shape } = await weightOf(session, of.tensor, options);
  const matrix = hostMatrix(values, shape, of.transposed);
  matrices.clear();
  matrices.set(of.tensor, matrix);
  return matrix;
}

/** The values of a weight on the device, however it is kept. */
export async function weightOf(
  session: Session,
  name: string,
  options: Pick<InitOptions, 'codec'>,
): Promise<{ readonly values: Float32Array; readonly shape: readonly number[] }> {
  const tensor = session.program.tensors.find((t) => t.name === name);
  if (tensor !== undefined) return { values: (await session.read(name)) as Float32Array, shape: tensor.shape };
  const parts = new Map<string, Uint32Array | Float32Array>();
  let shape: readonly number[] | undefined;
  for (const t of session.program.tensors) {
    if (t.source.kind !== 'encoded' || t.source.of !== name) continue;
    const values = await session.read(t.name);
    parts.set(t.source.part, values instanceof Float32Array ? values : new Uint32Array(values.buffer, values.byteOffset, values.length));
    shape = t.source.shape;
  }
  if (shape === undefined) throw new DeviceError('misuse', `there is no tensor ${name} to make a value of`);
  return { values: codecOf(options, name).decode(name, parts), shape };
}

function codecOf(options: Pick<InitOptions, 'codec'>, name: string): Codec {
  return options.codec ?? missingCodec(name);
}

function missingCodec(name: string): never {
  throw new DeviceError('misuse', `${name} is kept in fewer bits, and nothing was given that changes it into them`);
}

/** Fills the tensors that hold a weight in fewer bits; false where the weight was drawn. */
async function encode(
  session: Session,
  tensors: readonly TensorDecl[],
  source: Extract<Source, { kind: 'encoded' }>,
  options: InitOptions,
): Promise<boolean> {
  const { of, shape, from } = source;
  const found = from.kind === 'checkpoint' ? await options.encoded?.(from.keys, shape) : undefined;
  const given = found ?? drawn(of, shape, from, options);
  const parts = given instanceof Float32Array ? ((await options.onDevice?.(of, given)) ?? codecOf(options, of).encode(of, given)) : given;
  for (const tensor of tensors) {
    if (tensor.source.kind !== 'encoded' || tensor.source.of !== of) continue;
    const part = parts.get(tensor.source.part);
    const elements = elementsOf(tensor);
    if (part === undefined || part.length > elements)
      throw new DeviceError(
        'misuse',
        `${part === undefined ? 'nothing was' : `${part.length} numbers were`} given for ${tensor.name}, which has ${elements}`,
      );
    // A file ends with the last element, memory with the last block.
    if (part.length < elements) session.clear(tensor.name);
    session.writeBytes(tensor.name, 0, new Uint8Array(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength));
  }
  return found !== undefined;
}

/** A weight that no checkpoint has. */
function drawn(
  name: string,
  shape: readonly number[],
  from: Extract<Source, { kind: 'encoded' }>['from'],
  options: InitOptions,
): Float32Array {
  const elements = shape.reduce((product, size) => product * size, 1);
  const init = from.kind === 'init' ? from.init : from.kind === 'checkpoint' ? from.fresh : undefined;
  if (init !== undefined) return drawElements(init, options.seed, name, 0, elements);
  if (from.kind !== 'checkpoint') return new Float32Array(elements);
  throw new DeviceError(
    'unavailable',
    `the base model has no tensor ${from.keys.join(' or ')}`,
    'check that the base and its architecture fit each other',
  );
}

/** The elements [from, to) of a fresh tensor: a pure function of seed, tensor name and index. */
export function drawElements(init: Init, seed: number, name: string, from: number, to: number): Float32Array<ArrayBuffer> {
  const elements = new Float32Array(to - from);
  const random = counterRandom(seed, name);
  switch (init.kind) {
    case 'constant':
      return elements.fill(init.value);
    case 'uniform':
      for (let i = from; i < to; i++) elements[i - from] = init.low + (init.high - init.low) * random.uniform(i);
      return elements;
    case 'normal':
      for (let i = from; i < to; i++) elements[i - from] = init.mean + init.std * random.normal(i);
      return elements;
    case 'host':
      throw new DeviceError('misuse', `${name} is made by ${init.function}, not drawn element by element`);
    default:
      return init satisfies never;
  }
}

async function load(
  session: Session,
  tensor: TensorDecl,
  source: Source & { readonly kind: 'checkpoint' },
  options: InitOptions,
): Promise<boolean> {
  if (options.checkpoint === undefined) return false;
  const { keys, rows } = source;
  let bytes = 0;
  const found = await options.checkpoint({ tensor, keys, ...(rows === undefined ? {} : { rows }) }, (byteOffset, chunk) => {
    session.writeBytes(tensor.name, byteOffset, chunk);
    bytes += chunk.byteLength;
  });
  const expected = elementsOf(tensor) * 4;
  if (found && bytes !== expected)
    throw new DeviceError('misuse', `the reader gave ${bytes} bytes for ${tensor.name}, which has ${expected}`);
  return found;
}

function draw(session: Session, tensor: TensorDecl, init: Init, options: InitOptions): void {
  const elements = elementsOf(tensor);
  if (tensor.dtype === 'i32') {
    if (init.kind !== 'constant')
      throw new DeviceError('misuse', `the tensor ${tensor.name} holds integers and cannot be drawn from ${init.kind}`);
    session.write(tensor.name, new Int32Array(elements).fill(init.value));
    return;
  }
  const own = options.draw?.(tensor, init);
  if (own !== undefined) {
    session.write(tensor.name, own);
    return;
  }
  for (let from = 0; from < elements; from += CHUNK_ELEMENTS) {
    const chunk = drawElements(init, options.seed, tensor.name, from, Math.min(elements, from + CHUNK_ELEMENTS));
    session.writeBytes(tensor.name, from * 4, new Uint8Array(chunk.buffer));
  }
}

function writeData(session: Session, tensor: TensorDecl, base64: string): void {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  if (bytes.byteLength !== elementsOf(tensor) * 4)
    throw new DeviceError(
      'misuse',
      `the Program carries ${bytes.byteLength} bytes for ${tensor.name}, which has ${elementsOf(tensor) * 4}`,
    );
  session.writeBytes(tensor.name, 0, bytes);
}

function elementsOf(tensor: TensorDecl): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}
