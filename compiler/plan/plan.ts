/**
 * @file Plan: graphs of entries and persistent tensors → Program. Kernels are selected, every byte gets its place, shaders are
 * written and those with one text become one, and each entry becomes a flat list of steps. Same input, same bytes out.
 */
import type { Graph, Node } from '../graph/graph.js';
import { partsOf, splitTensors, type Part } from '../graph/split.js';
import { refKey } from '../kernels/partition.js';
import type { Arg, Kernel } from '../kernels/kernel.js';
import type { OverrideChoice } from '../kernels/override.js';
import { arrayLimit, select, type Selection } from '../kernels/select.js';
import { narrowed, type Narrowing } from '../kernels/narrow.js';
import { verifySelection } from '../kernels/verify.js';
import { Bug } from '../bug.js';
import { emitKernel } from '../wgsl/emit.js';
import { hostCapacity, type HostSlots } from '../wgsl/expression.js';
import { aligned, bytesOf, pack, type Life } from './memory.js';
import type { Persistent } from './persistent.js';
import { verifyProgram } from './verify.js';
import type {
  BufferDecl,
  BufferKind,
  Entry,
  Program,
  ScalarExpr,
  ScalarSlot,
  Shader,
  Source,
  Step,
  Target,
  TensorDecl,
} from './program.js';

/** An entry to plan. */
export interface PlanEntry {
  readonly name: string;
  readonly graph: Graph;
  /** What the host computes for the graph's inputs of shape []. */
  readonly hosts: ReadonlyMap<string, ScalarExpr>;
  /** Tensors that the host writes before each run: the graph's input, and the tensor's name in the Program. */
  readonly inputs: readonly {
    readonly input: string;
    readonly tensor: string;
    readonly shape: readonly number[];
    readonly dtype: 'f32' | 'i32';
  }[];
}

/** The device cannot hold something; told to the user. */
export class TooLarge extends Error {}

/** Told the kernels of each entry, one for each of its steps, and what the host computes for them: for dumps and checks. */
export type WatchKernels = (entry: string, kernels: readonly Kernel[], hosts: ReadonlyMap<string, ScalarExpr>) => void;

interface Placed {
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: number;
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What a plan may be asked for beside its entries. */
export interface PlanOptions {
  /** Sees the kernels. */
  readonly watch?: WatchKernels | undefined;
  /** Which overrides are considered, for tests. */
  readonly choice?: OverrideChoice | undefined;
  /** Activations and the weights that are declared so stand in 16 bits; the tensors it needs for that. */
  readonly narrow?: Omit<Narrowing, 'weights'> | undefined;
}

/** Plans a Program. */
export function plan(
  given: readonly PlanEntry[],
  declared: readonly Persistent[],
  target: Target,
  { watch, choice, narrow }: PlanOptions = {},
): Program {
  const { entries, persistent } = withParts(given, declared, target);
  const buffers: { name: string; kind: BufferKind; bytes: number }[] = [];
  const tensors: TensorDecl[] = [];
  const places = new Map<string, Placed>();
  const add = (p: Persistent): void => {
    const bytes = bytesOf(p.shape, p.dtype);
    const parent = p.within === undefined ? undefined : places.get(p.within.tensor);
    if (p.within !== undefined && parent === undefined) throw new Bug(`${p.name} lies within ${p.within.tensor}, which is not there`);
    const place =
      parent === undefined
        ? placePersistent(buffers, p, bytes, target)
        : { buffer: parent.buffer, offset: parent.offset + (p.within?.start ?? 0) * 4, bytes };
    places.set(p.name, place);
    tensors.push({ name: p.name, dtype: p.dtype, shape: p.shape, buffer: place.buffer, offset: place.offset, bytes, source: p.source });
  };
  for (const p of persistent) add(p);
  const weights = new Map(persistent.flatMap((p) => (p.dtype === 'i32' ? [] : [[p.name, p.dtype] as const])));
  const selections = entries.map((entry) => {
    const made = select(entry.graph, target, choice);
    const wrong = verifySelection(made, arrayLimit(target));
    if (wrong.length > 0) throw new Bug(`the kernels of ${entry.name} are wrong: ${wrong[0]}`);
    const selection = narrow === undefined ? made : narrowed(made, { ...narrow, weights }, arrayLimit(target));
    watch?.(entry.name, selection.kernels, entry.hosts);
    return selection;
  });
  for (const entry of entries)
    for (const i of entry.inputs) add({ name: i.tensor, shape: i.shape, dtype: i.dtype, kind: 'batch', source: { kind: 'host' } });
  const constants = new Map<string, string>();
  const constantOf = (node: Node): string => {
    const data = node.attrs['data'] as Float64Array;
    const words = node.dtype === 'f32' ? Float32Array.from(data) : Int32Array.from(data);
    const base64 = Buffer.from(words.buffer).toString('base64');
    const key = `${node.dtype}:${base64}`;
    const name = constants.get(key) ?? `constant/${constants.size}`;
    if (!constants.has(key)) {
      constants.set(key, name);
      add({ name, shape: node.shape, dtype: node.dtype, kind: 'constants', source: { kind: 'data', base64 } satisfies Source });
    }
    return name;
  };
  const tables = selections.map(
    (s) =>
      new Map(
        s.graph.nodes.flatMap((node, id) => (node.op === 'table' && usesValue(s, id) ? [[`%${id}`, constantOf(node)] as const] : [])),
      ),
  );
  const livesIn = selections.map(livesOf);
  const packed = livesIn.map((lives) => pack(lives, Math.min(target.maxBufferBytes, 2 ** 32 - 256)));
  const arenas: number[] = [];
  for (const p of packed) p.arenas.forEach((bytes, i) => (arenas[i] = Math.max(arenas[i] ?? 0, bytes)));
  const firstArena = buffers.length;
  arenas.forEach((bytes, i) => buffers.push({ name: `activations.${i}`, kind: 'activations', bytes }));
  const scalarsUsed = entries.some((e) => e.hosts.size > 0);
  if (scalarsUsed) buffers.push({ name: 'scalars', kind: 'scalars', bytes: hostCapacity * 4 });
  const uniformBuffer = buffers.length;
  const uniforms = createUniforms();
  const shaders: Shader[] = [];
  const shaderIds = new Map<string, number>();

  const planned = entries.map((entry, e): Entry => {
    const selection = selections[e] as Selection;
    const own = packed[e] as (typeof packed)[number];
    const lives = new Map((livesIn[e] ?? []).map((life) => [life.key, life.bytes] as const));
    const slots = slotsOf(entry);
    const hosts: HostSlots = new Map(slots.map((s) => [s.name, s.slot.offset / 4] as const));
    const inputNames = new Map(entry.inputs.map((i) => [i.input, i.tensor] as const));
    const placeOf = (ref: Arg['ref']): Placed => {
      if (ref.kind === 'tensor') return places.get(inputNames.get(ref.name) ?? ref.name) ?? missing(ref.name);
      const table = tables[e]?.get(`%${ref.node}`);
      if (table !== undefined) return places.get(table) ?? missing(table);
      const place = own.places.get(refKey(ref)) ?? missing(refKey(ref));
      return { buffer: firstArena + place.arena, offset: place.offset, bytes: lives.get(refKey(ref)) ?? missing(refKey(ref)) };
    };
    const steps = selection.kernels.map((kernel): Step => {
      const bindings = kernel.args.map((arg) => placeOf(arg.ref));
      const oversized = bindings.findIndex((b) => b.bytes > target.maxBindingBytes);
      if (oversized >= 0)
        throw new TooLarge(
          `${nameOf(kernel.args[oversized] as Arg)} has ${(bindings[oversized] as Placed).bytes.toLocaleString('en')} bytes, but this device binds at most ${target.maxBindingBytes.toLocaleString('en')} at once`,
        );
      const written = new Set(kernel.args.flatMap((arg, i) => (arg.access === 'read' ? [] : [(bindings[i] as Placed).buffer])));
      const access = bindings.map((b): 'read' | 'read_write' => (written.has(b.buffer) ? 'read_write' : 'read'));
      const made = emitKernel(kernel, target, access, hosts);
      const key = `${made.scalars}|${access.join()}|${made.code}`;
      const label = `${kernel.kind} ${kernel.label}`.trimEnd();
      let shader = shaderIds.get(key);
      if (shader === undefined) {
        shader = shaders.length;
        shaderIds.set(key, shader);
        shaders.push({ label, code: made.code, scalars: made.scalars, access });
      }
      return { label, shader, bindings, uniforms: uniforms.add(made.uniforms), workgroups: made.workgroups, flops: kernel.flops };
    });
    return {
      name: entry.name,
      inputs: entry.inputs.map((i) => i.tensor),
      scalars: slots.map((s) => s.slot),
      steps,
      outputs: selection.results.map((r) => ({
        name: r.name,
        dtype: r.dtype,
        shape: r.shape,
        ...placeOf(r.ref),
        bytes: count(r.shape) * 4,
      })),
    };
  });
  buffers.push({ name: 'uniforms', kind: 'uniforms', bytes: uniforms.bytes() });
  if (buffers[uniformBuffer]?.kind !== 'uniforms') throw new Bug('the uniforms are not where they were planned');
  const program: Program = {
    format: 'peft-program',
    version: 1,
    target,
    buffers: buffers.map((b): BufferDecl => ({ ...b })),
    tensors,
    shaders,
    entries: planned,
    uniforms: uniforms.base64(),
  };
  const wrong = verifyProgram(
    program,
    selections.map((s) => s.kernels),
  );
  if (wrong.length > 0) throw new Bug(`the planned program is wrong: ${wrong[0]}`);
  return program;
}

/** Frozen tables larger than one binding as several of fewer rows. */
function withParts(
  entries: readonly PlanEntry[],
  persistent: readonly Persistent[],
  target: Target,
): { readonly entries: readonly PlanEntry[]; readonly persistent: readonly Persistent[] } {
  const parts = new Map<string, readonly Part[]>();
  const split = persistent.flatMap((p): Persistent[] => {
    const [rows, width] = p.shape;
    if (
      p.kind !== 'weights' ||
      p.shape.length !== 2 ||
      rows === undefined ||
      width === undefined ||
      bytesOf(p.shape, p.dtype) <= target.maxBindingBytes ||
      bytesOf([width], p.dtype) > target.maxBindingBytes
    )
      return [p];
    const own = partsOf(p.name, rows, Math.floor(target.maxBindingBytes / bytesOf([width], p.dtype)));
    parts.set(p.name, own);
    return own.map((part) => ({
      ...p,
      name: part.name,
      shape: [part.to - part.from, width],
      source: p.source.kind === 'checkpoint' ? { ...p.source, rows: [part.from, part.to] } : p.source,
    }));
  });
  if (parts.size === 0) return { entries, persistent };
  const rewritten = entries.map((entry): PlanEntry => {
    const done = splitTensors(entry.graph, parts);
    if ('unsplit' in done)
      throw new TooLarge(`${done.unsplit} does not fit into one binding of this device, and ${entry.name} needs it whole`);
    return { ...entry, graph: done.graph };
  });
  return { entries: rewritten, persistent: split };
}

function missing(name: string): never {
  throw new Bug(`nothing is planned for ${name}`);
}

const nameOf = (arg: Arg): string => (arg.ref.kind === 'tensor' ? arg.ref.name : 'an intermediate value');

/** The place of a persistent tensor: in the last buffer of its kind, or a new one where that would grow too large. */
function placePersistent(
  buffers: { name: string; kind: BufferKind; bytes: number }[],
  p: Persistent,
  bytes: number,
  target: Target,
): Placed {
  const size = aligned(bytes);
  if (size > target.maxBufferBytes)
    throw new TooLarge(
      `${p.name} has ${bytes.toLocaleString('en')} bytes, but a buffer of this device holds at most ${target.maxBufferBytes.toLocaleString('en')}`,
    );
  let at = buffers.findLastIndex((b) => b.kind === p.kind);
  if (at < 0 || (buffers[at] as BufferDecl).bytes + size > target.maxBufferBytes) {
    at = buffers.length;
    buffers.push({ name: `${p.kind}.${buffers.filter((b) => b.kind === p.kind).length}`, kind: p.kind, bytes: 0 });
  }
  const buffer = buffers[at] as { bytes: number };
  const offset = buffer.bytes;
  buffer.bytes += size;
  return { buffer: at, offset, bytes };
}

const usesValue = (s: Selection, id: number): boolean =>
  s.kernels.some((k) => k.args.some((a) => a.ref.kind === 'value' && a.ref.node === id)) ||
  s.results.some((r) => r.ref.kind === 'value' && r.ref.node === id);

/** Lives of the values that kernels write; results live to the end. */
function livesOf(s: Selection): Life[] {
  const lives = new Map<string, { from: number; to: number; bytes: number }>();
  s.kernels.forEach((kernel, i) => {
    for (const arg of kernel.args) {
      if (arg.ref.kind === 'tensor' || s.graph.nodes[arg.ref.node]?.op === 'table') continue;
      const key = refKey(arg.ref);
      const life = lives.get(key);
      if (life === undefined) lives.set(key, { from: i, to: i, bytes: bytesOf([arg.elements], arg.storage ?? arg.dtype) });
      else life.to = i;
    }
  });
  for (const r of s.results) {
    const life = r.ref.kind === 'value' ? lives.get(refKey(r.ref)) : undefined;
    if (life !== undefined) life.to = s.kernels.length;
  }
  return [...lives].map(([key, life]) => ({ key, ...life }));
}

/** The host scalars that an entry's graph uses, each with its place. */
function slotsOf(entry: PlanEntry): { readonly name: string; readonly slot: ScalarSlot }[] {
  const used = entry.graph.nodes.filter((n) => n.op === 'input' && n.shape.length === 0);
  if (used.length > hostCapacity) throw new Bug(`${entry.name} uses ${used.length} numbers of the host, of at most ${hostCapacity}`);
  return used.map((node, i) => {
    const name = node.attrs['name'] as string;
    const expr = entry.hosts.get(name);
    if (expr === undefined) throw new Bug(`the host does not know ${name}`);
    return { name, slot: { expr, dtype: node.dtype === 'i32' ? 'u32' : 'f32', offset: i * 4 } };
  });
}

/** Uniform blocks, each content once. */
function createUniforms(): {
  readonly add: (words: Uint32Array) => Step['uniforms'];
  readonly bytes: () => number;
  readonly base64: () => string;
} {
  const known = new Map<string, Step['uniforms']>();
  const blocks: Uint32Array[] = [];
  let end = 0;
  return {
    add: (words) => {
      const key = words.join();
      const before = known.get(key);
      if (before !== undefined) return before;
      const range = { offset: end, bytes: words.byteLength };
      known.set(key, range);
      blocks.push(words);
      end += aligned(words.byteLength);
      return range;
    },
    bytes: () => Math.max(end, 256),
    base64: () => {
      const all = new Uint8Array(Math.max(end, 256));
      let at = 0;
      for (const block of blocks) {
        all.set(new Uint8Array(block.buffer, block.byteOffset, block.byteLength), at);
        at += aligned(block.byteLength);
      }
      return Buffer.from(all).toString('base64');
    },
  };
}
