/**
 * @file Scalar bodies as WGSL. Sizes, strides and offsets are words of the kernel's uniform block, host scalars are found by a
 * word, so the text depends on the structure of a kernel only, and layers share their shaders.
 */
import { Bug } from '../bug.js';
import type { Arg, Kernel, Scalar, View } from '../kernels/kernel.js';
import { largestHalf } from '../kernels/narrow.js';
import { guardedScalars, usedBy } from '../kernels/verify.js';
import { ops } from '../ops/ops.js';
import { randomWgsl } from '../ops/random.js';

/** A shader, the grid it is dispatched on, and the content of its uniform block. */
export interface Emitted {
  readonly code: string;
  readonly workgroups: [number, number, number];
  readonly uniforms: Uint32Array;
  /** Whether binding 1 is the host's scalars. */
  readonly scalars: boolean;
}

/** Index of each host scalar in the scalars buffer, in words. */
export type HostSlots = ReadonlyMap<string, number>;

/** Words of the scalars buffer: host scalars that one entry may use. */
export const hostCapacity = 64;

/** A module while it is written. */
export interface Module {
  readonly kernel: Kernel;
  readonly words: number[];
  readonly preludes: Set<string>;
  readonly hosts: HostSlots;
  /** Functions whose neighbours are worked out together, and how many at a time. */
  readonly groups: Map<number, number>;
  usesHosts: boolean;
  /** Numbers stand in the text instead of the uniform block: within functions, which kernels of one structure have in common. */
  readonly literal?: true;
}

/** A module for a kernel. */
export const openModule = (kernel: Kernel, hosts: HostSlots): Module => ({
  kernel,
  words: [],
  preludes: new Set(),
  hosts,
  groups: new Map(),
  usesHosts: false,
});

/** Appends a word to the uniform block and names it. Negative numbers wrap: index arithmetic is modulo 2^32. */
export function word(m: Pick<Module, 'words' | 'literal'>, value: number): string {
  if (m.literal === true) return `${value >>> 0}u`;
  const at = m.words.push(value >>> 0) - 1;
  return `u.d[${at >> 2}].${'xyzw'[at & 3]}`;
}

/** `offset + Σ strides · index`; an axis of stride 0 stays out, one of stride 1 is not multiplied. */
export function element(m: Module, view: View, index: readonly string[]): string {
  const parts = view.strides.flatMap((stride, axis) =>
    stride === 0 ? [] : stride === 1 ? [index[axis] as string] : [`${index[axis]} * ${word(m, stride)}`],
  );
  if (view.offset !== 0 || parts.length === 0) parts.unshift(view.offset === 0 ? '0u' : word(m, view.offset));
  return parts.join(' + ');
}

/** A number as a WGSL literal. */
export function literal(value: number, dtype: 'f32' | 'i32'): string {
  if (dtype === 'i32') return value === -(2 ** 31) ? '(-2147483647i - 1i)' : `${value}i`;
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) return rounded > 0 ? '0x1.fffffep+127f' : '(-0x1.fffffep+127f)';
  return rounded < 0 || Object.is(rounded, -0) ? `(${rounded}f)` : `${rounded}f`;
}

/** Where a body is evaluated: the names of the axes' indices, and of what is not computed here. */
export interface Place {
  readonly index: readonly string[];
  readonly accumulator?: string;
  readonly reduced?: (reduction: number) => string;
}

/** Lines that compute the wanted scalars of the body, and the name of each; what only others need is left out. */
export function scalars(
  m: Module,
  wanted: readonly number[],
  place: Place,
  body: readonly Scalar[] = m.kernel.body,
): { readonly lines: string[]; readonly name: (id: number) => string } {
  const { needed, guarded } = neededBy(body, wanted);
  const name = (id: number): string => `v${id}`;
  const lines = needed.map((id) => `let ${name(id)} = ${expression(m, body[id] as Scalar, guarded.has(id), place, name)};`);
  return { lines, name };
}

/** The scalars of a body that some of them need, in order, and those whose address may be outside. */
function neededBy(
  body: readonly Scalar[],
  wanted: readonly number[],
): { readonly needed: readonly number[]; readonly guarded: ReadonlySet<number> } {
  const needed = new Set<number>();
  const visit = (id: number): void => {
    if (needed.has(id)) return;
    needed.add(id);
    usedBy(body[id] as Scalar).forEach(visit);
  };
  wanted.forEach(visit);
  return { needed: [...needed].sort((a, b) => a - b), guarded: guardedScalars(body) };
}

function expression(m: Module, s: Scalar, guarded: boolean, place: Place, name: (id: number) => string): string {
  switch (s.kind) {
    case 'const':
      return literal(s.value, s.dtype);
    case 'host': {
      const slot = m.hosts.get(s.name);
      if (slot === undefined) throw new Bug(`the host gives no ${s.name}`);
      m.usesHosts = true;
      return `bitcast<${s.dtype}>(host(${word(m, slot)}))`;
    }
    case 'load': {
      const at = element(m, s.view, place.index);
      return loaded(m.kernel, s.arg, guarded ? `min(${at}, ${word(m, (m.kernel.args[s.arg]?.elements ?? 1) - 1)})` : at);
    }
    case 'load-indirect': {
      const row = `u32(clamp(${name(s.index)}, 0i, i32(${word(m, s.rows - 1)})))`;
      return loaded(m.kernel, s.arg, `${element(m, s.view, place.index)} + ${row}${s.stride === 1 ? '' : ` * ${word(m, s.stride)}`}`);
    }
    case 'call': {
      const at = element(m, s.view, place.index);
      if (s.index === undefined)
        return `f${s.function}(${guarded ? `min(${at}, ${word(m, (m.kernel.functions[s.function]?.elements ?? 1) - 1)})` : at})`;
      return `f${s.function}(${at} + u32(clamp(${name(s.index)}, 0i, i32(${word(m, s.rows - 1)}))) * ${word(m, s.stride)})`;
    }
    case 'lookup': {
      const { text, call } = lookup(s.values, s.dtype);
      m.preludes.add(text);
      return `${call}(${name(s.index)})`;
    }
    case 'iota':
      return `${s.dtype}(bitcast<i32>(${element(m, s.view, place.index)}))`;
    case 'random':
      m.preludes.add(randomWgsl);
      return `random_uniform(random_key(bitcast<u32>(${name(s.seed)}), ${word(m, s.stream)}), ${element(m, s.view, place.index)})`;
    case 'op': {
      const op = ops[s.op];
      if (op.wgsl === undefined) throw new Bug(`no scalar code for ${s.op}`);
      for (const text of op.prelude ?? []) m.preludes.add(text);
      return op.wgsl(s.args.map(name), s.dtype);
    }
    case 'guard': {
      const at = `bitcast<i32>(${element(m, s.view, place.index)})`;
      return `select(${literal(0, s.dtype)}, ${name(s.value)}, ${at} >= bitcast<i32>(${word(m, s.low)}) && ${at} < bitcast<i32>(${word(m, s.high)}))`;
    }
    case 'accumulator':
      return place.accumulator ?? missing('accumulator');
    case 'reduced':
      return place.reduced?.(s.reduction) ?? missing('reduction');
    default:
      return s satisfies never;
  }
}

/** A function that chooses among constants by the bits of an index: no load, which on a software adapter costs ten such choices. */
function lookup(values: readonly number[], dtype: 'f32' | 'i32'): { readonly text: string; readonly call: string } {
  const literals = values.map((v) => literal(v, dtype));
  const call = `lookup_${[...literals.join()].reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261).toString(16)}`;
  const choose = (from: number, bit: number): string => {
    const above = from + 2 ** bit;
    if (bit < 0) return literals[from] as string;
    return above >= literals.length ? choose(from, bit - 1) : `select(${choose(from, bit - 1)}, ${choose(above, bit - 1)}, b${bit})`;
  };
  const bits = Math.ceil(Math.log2(Math.max(2, values.length)));
  const lines = Array.from({ length: bits }, (_, b) => `let b${b} = (j & ${2 ** b}u) != 0u;`);
  return {
    call,
    text: `fn ${call}(i: i32) -> ${dtype} {\n  let j = u32(clamp(i, 0i, ${values.length - 1}i));\n  ${lines.join('\n  ')}\n  return ${choose(0, bits - 1)};\n}`,
  };
}

/** The functions of a kernel. */
function functionTexts(m: Module): string[] {
  const inner: Module = { ...m, literal: true };
  const single = m.kernel.functions.map((f, i) => {
    const place = split(inner, 'e', f.axes, 'd');
    const { lines, name } = scalars(inner, [f.value], place, f.body);
    return `fn f${i}(e: u32) -> ${f.dtype} {\n  ${[...place.lines, ...lines].join('\n  ')}\n  return ${name(f.value)};\n}`;
  });
  return [...single, ...[...m.groups].map(([i, size]) => groupText(inner, i, size))];
}

/** At most so many neighbours are worked out together. */
const mostTogether = 8;

/** How many neighbours of a function of a kernel are worked out together, from an index that is a multiple of their number: what does
 * not change along the last digit of the index, such as the word that all of them stand in, is read once. */
export function groupSize(kernel: Kernel, id: number): number {
  const last = kernel.functions[id]?.axes.at(-1) ?? 1;
  for (let size = mostTogether; size > 1; size /= 2) if (last % size === 0) return size;
  return 1;
}

/** `fN_group`: the values of `size` neighbours. */
function groupText(m: Module, id: number, size: number): string {
  const f = m.kernel.functions[id] ?? missing('function');
  const place = split(m, 'e', f.axes, 'd');
  const last = f.axes.length - 1;
  const changes = new Set<number>();
  f.body.forEach((s, at) => {
    if (('view' in s && s.view.strides[last] !== 0) || usedBy(s).some((used) => changes.has(used))) changes.add(at);
  });
  const { needed, guarded } = neededBy(f.body, [f.value]);
  const lines = [...place.lines];
  const named = (at: number, j: number): string => (changes.has(at) ? `v${at}_${j}` : `v${at}`);
  for (const at of needed)
    if (!changes.has(at)) lines.push(`let v${at} = ${expression(m, f.body[at] as Scalar, guarded.has(at), place, (u) => named(u, 0))};`);
  for (let j = 0; j < size; j += 1) {
    const digit = f.axes[last] === size ? `${j}u` : j === 0 ? (place.index[last] as string) : `(${place.index[last]} + ${j}u)`;
    const here = { index: [...place.index.slice(0, last), digit] };
    for (const at of needed)
      if (changes.has(at))
        lines.push(`let v${at}_${j} = ${expression(m, f.body[at] as Scalar, guarded.has(at), here, (u) => named(u, j))};`);
  }
  const values = Array.from({ length: size }, (_, j) => named(f.value, j)).join(', ');
  return `fn f${id}_group(e: u32) -> array<${f.dtype}, ${size}> {\n  ${lines.join('\n  ')}\n  return array<${f.dtype}, ${size}>(${values});\n}`;
}

function missing(what: string): never {
  throw new Bug(`there is no ${what} at this place of a kernel`);
}

/** Lines that store the given stores of the kernel at a place. */
export function storeLines(m: Module, stores: readonly Kernel['stores'][number][], place: Place, name: (id: number) => string): string[] {
  return stores.flatMap((s) => {
    const target = `t${s.arg}[${element(m, s.view, place.index)}]`;
    const value = name(s.value);
    if (m.kernel.args[s.arg]?.storage === undefined) return [`${target} ${s.accumulate ? '+=' : '='} ${value};`];
    const lines = [`${target} = f16(clamp(${value}, -${largestHalf}f, ${largestHalf}f));`];
    if (s.overflow !== undefined) {
      const { arg, flag, above } = s.overflow;
      const size = `abs(${value})`;
      const beyond = Number.isFinite(above)
        ? `${size} > ${largestHalf}f && ${size} < ${literal(above, 'f32')}`
        : `${size} > ${largestHalf}f`;
      lines.push(`if (${beyond}) { atomicStore(&t${arg}[${flag}], 1i); }`);
    }
    return lines;
  });
}

/** Element `index` of an arg, as a number to compute with. */
export function loaded(kernel: Kernel, arg: number, index: string): string {
  const text = `t${arg}[${index}]`;
  return kernel.args[arg]?.storage === undefined ? text : `f32(${text})`;
}

/** The type of an arg's elements in memory. */
function elementType(arg: Arg): string {
  return arg.flags ? `atomic<${arg.dtype}>` : (arg.storage ?? arg.dtype);
}

const largestGrid = 65535;

/** A grid of at least `groups` workgroups; `number` in the text counts them, and those beyond must return. */
export function grid(groups: number): [number, number, number] {
  const across = Math.min(groups, largestGrid);
  return [across, Math.ceil(groups / across), 1];
}

/** Splits a linear number into indices of the axes, the last fastest: lines, and the names of the indices. */
export function split(
  m: Module,
  from: string,
  axes: readonly number[],
  prefix: string,
): { readonly lines: string[]; readonly index: string[] } {
  const lines: string[] = [];
  const index = new Array<string>(axes.length).fill('0u');
  let rest = from;
  for (let a = axes.length - 1; a >= 0; a -= 1) {
    if (a === 0) {
      index[0] = rest;
      break;
    }
    const size = word(m, axes[a] as number);
    lines.push(`let ${prefix}${a} = ${rest} % ${size};`, `let ${prefix}rest${a} = ${rest} / ${size};`);
    index[a] = `${prefix}${a}`;
    rest = `${prefix}rest${a}`;
  }
  return { lines, index };
}

/** The whole module around its functions and `main`. */
export function closeModule(
  m: Module,
  access: readonly ('read' | 'read_write')[],
  parts: {
    readonly enable?: readonly string[];
    readonly globals?: readonly string[];
    readonly functions?: readonly string[];
    readonly main: string;
  },
): { readonly code: string; readonly uniforms: Uint32Array; readonly scalars: boolean } {
  const functions = functionTexts(m);
  while (m.words.length % 4 !== 0 || m.words.length === 0) m.words.push(0);
  const first = m.usesHosts ? 2 : 1;
  const code = [
    ...(m.kernel.args.some((arg) => arg.storage === 'f16') ? ['enable f16;'] : []),
    ...(parts.enable ?? []),
    `struct U { d: array<vec4<u32>, ${m.words.length / 4}> }`,
    '@group(0) @binding(0) var<uniform> u: U;',
    ...(m.usesHosts
      ? [
          `struct S { d: array<vec4<u32>, ${hostCapacity / 4}> }`,
          '@group(0) @binding(1) var<uniform> s: S;',
          'fn host(at: u32) -> u32 { return s.d[at >> 2u][at & 3u]; }',
        ]
      : []),
    ...m.kernel.args.map(
      (arg, i) => `@group(0) @binding(${i + first}) var<storage, ${access[i] ?? 'read'}> t${i}: array<${elementType(arg)}>;`,
    ),
    ...(parts.globals ?? []),
    ...m.preludes,
    ...functions,
    ...(parts.functions ?? []),
    parts.main,
    '',
  ].join('\n');
  return { code, uniforms: new Uint32Array(m.words), scalars: m.usesHosts };
}
