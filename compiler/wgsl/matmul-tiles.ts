/**
 * @file The matmul loop for GPUs: both operands pass through workgroup memory, a thread keeps 4 x 4 accumulators.
 *
 * A workgroup computes 64 x 64 with 256 threads, or 32 x 32 with 64 threads where that leaves too few workgroups. If even those
 * are few and k is long (the gradients of low-rank factors), four slices of 64 threads share the steps of k of one 32 x 32 tile
 * and add up in workgroup memory at the end: a sum split in one dispatch, in a fixed order.
 *
 * An operand is read along its contiguous axis by neighbouring threads. Rows of a tile are padded by one word against bank conflicts.
 */
import { closeTile, openTile, storeCall, terms, type Context, type Operand, type Term } from './matmul-module.js';
import type { Matmul } from '../kernels/kernel.js';
import type { Emitted, HostSlots } from './expression.js';
import type { Target } from '../plan/program.js';

/** Side of the square tile, how many slices of threads share its steps of k, and how many steps each holds in workgroup memory. */
interface Shape {
  readonly side: number;
  readonly slices: number;
  readonly depth: number;
}

/** Rows and columns of a thread. */
const each = 4;
const manyWorkgroups = 96;
const longK = 512;

/** The shader of a product for a GPU. */
export function emitTiles(kernel: Matmul, target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  const shape = choose(kernel, target);
  const { context, lines, workgroups } = openTile(kernel, { rows: shape.side, columns: shape.side, transposed: false }, hosts);
  const threads = threadsOf(shape);
  const wide = shape.side / each;
  const body = [
    ...lines,
    `let slice = local / ${threads}u;`,
    `let thread = local % ${threads}u;`,
    `let across = thread % ${wide}u;`,
    `let down = thread / ${wide}u;`,
    `let store = slice * ${2 * operandWords(shape)}u;`,
  ];
  const accumulators = square((r, c) => `x${r}_${c}`);
  body.push(...accumulators.map((x) => `var ${x} = 0.0;`));
  for (const term of terms(context))
    body.push(
      ...loop(term, shape),
      ...(term.scale === undefined ? [] : ['{', `let scale = ${term.scale};`, ...accumulators.map((x) => `${x} *= scale;`), '}']),
    );
  if (shape.slices > 1) body.push(...gatherSlices(accumulators, shape));
  body.push(...stores(context, shape));
  const main = `@compute @workgroup_size(${threads * shape.slices})\nfn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {\n  ${body.join('\n  ')}\n}`;
  return { ...closeTile(context, access, { globals: `var<workgroup> held: array<f32, ${workgroupWords(shape)}>;`, main }), workgroups };
}

function choose(kernel: Matmul, target: Target): Shape {
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const batch = kernel.axes.slice(0, -2).reduce((p, size) => p * size, 1);
  const k = kernel.terms.reduce((longest, term) => Math.max(longest, term.k), 0);
  const fits = (shape: Shape): boolean =>
    threadsOf(shape) * shape.slices <= target.maxWorkgroupThreads && 4 * workgroupWords(shape) <= target.maxWorkgroupBytes;
  const count = (side: number): number => batch * Math.ceil(m / side) * Math.ceil(n / side);
  const small: Shape = { side: 32, slices: 1, depth: 16 };
  const large: Shape = { side: 64, slices: 1, depth: 16 };
  const sliced: Shape = { side: 32, slices: 4, depth: 8 };
  if (Math.min(m, n) > 32 && count(64) >= manyWorkgroups && fits(large)) return large;
  return count(32) < manyWorkgroups && k >= longK && fits(sliced) ? sliced : small;
}

const threadsOf = ({ side }: Shape): number => (side / each) ** 2;
const operandWords = ({ side, depth }: Shape): number => depth * (side + 1);
const workgroupWords = (shape: Shape): number =>
  Math.max(2 * operandWords(shape) * shape.slices, (shape.slices - 1) * threadsOf(shape) * each * each);

function square<T>(make: (r: number, c: number) => T): T[] {
  return Array.from({ length: each * each }, (_, i) => make(Math.floor(i / each), i % each));
}

/** Adds a term's products to the accumulators. */
function loop(term: Term, shape: Shape): string[] {
  const { left, right, k } = term;
  const { side, slices, depth } = shape;
  const wide = side / each;
  const step = depth * slices;
  const out = [
    '{',
    ...term.lines,
    `for (var k = 0u; k < ${k}; k += ${step}u) {`,
    `let first = k + slice * ${depth}u;`,
    'workgroupBarrier();',
  ];
  out.push(
    ...fill(left, 'row0', 'rows', 0, k, shape),
    ...fill(right, 'column0', 'columns', operandWords(shape), k, shape),
    'workgroupBarrier();',
  );
  out.push(`for (var j = 0u; j < ${depth}u; j += 1u) {`, `let at = store + j * ${side + 1}u;`);
  for (let r = 0; r < each; r += 1) out.push(`let l${r} = held[at + down + ${r * wide}u];`);
  for (let c = 0; c < each; c += 1) out.push(`let r${c} = held[at + ${operandWords(shape)}u + across + ${c * wide}u];`);
  out.push(...square((r, c) => `x${r}_${c} = fma(l${r}, r${c}, x${r}_${c});`), '}', '}', '}');
  return out;
}

/** Copies the next steps of k of one operand to workgroup memory; what lies beyond k is zero. */
function fill(operand: Operand, origin: string, extent: string, at: number, k: string, shape: Shape): string[] {
  const { side, depth } = shape;
  const threads = threadsOf(shape);
  const [i, j] = operand.contiguous === 'k' ? [`number / ${depth}u`, `number % ${depth}u`] : [`number % ${side}u`, `number / ${side}u`];
  return [
    `for (var number = thread; number < ${side * depth}u; number += ${threads}u) {`,
    `let i = ${i};`,
    `let j = ${j};`,
    `let element = ${operand.base} + min(${origin} + i, ${extent} - 1u) * ${operand.outer} + min(first + j, ${k} - 1u) * ${operand.inner};`,
    `held[store + ${at}u + j * ${side + 1}u + i] = select(0.0, ${operand.read('element')}, first + j < ${k});`,
    '}',
  ];
}

/** Stores row by row in a loop that moves the next row's accumulators to the first: the epilogue stands in the text once a column. */
function stores(context: Context, shape: Shape): string[] {
  const wide = shape.side / each;
  const out = [`for (var r = 0u; r < ${each}u; r += 1u) {`, `let row = row0 + down + r * ${wide}u;`];
  for (let c = 0; c < each; c += 1) out.push(`{ let at = column0 + across + ${c * wide}u; ${storeCall(context, 'row', 'at', `x0_${c}`)} }`);
  out.push(...square((r, c) => (r === 0 ? '' : `x${r - 1}_${c} = x${r}_${c};`)).filter((line) => line !== ''), '}');
  return out;
}

/** Adds the accumulators of the other slices to those of the first, which alone goes on. */
function gatherSlices(accumulators: readonly string[], shape: Shape): string[] {
  const size = threadsOf(shape) * accumulators.length;
  const place = (slice: string, i: number): string => `held[${slice} * ${size}u + ${i * threadsOf(shape)}u + thread]`;
  const out = [
    'workgroupBarrier();',
    'if (slice > 0u) {',
    ...accumulators.map((x, i) => `${place('(slice - 1u)', i)} = ${x};`),
    '}',
    'workgroupBarrier();',
    'if (slice > 0u) { return; }',
  ];
  for (let s = 1; s < shape.slices; s += 1) out.push(...accumulators.map((x, i) => `${x} += ${place(`${s - 1}u`, i)};`));
  return out;
}
