/**
 * @file Products for tests and benchmarks, as text: `2x3 33x17x5 NT b* rank:8*0.5 bias accumulate shifted` is a batch of 2x3
 * products, 33 x 17 with k = 5, right operand stored along k and the same for all the batch, a second product of k = 8 added
 * first and scaled, a bias added, the result added to what was there, everything at an offset.
 *
 * Around each tensor lie NaN (inputs) or a marker (output): whoever reads or writes beside it is found out.
 */
import type { Matmul, Scalar, View } from '../../compiler/kernels/kernel.js';
import { ops } from '../../compiler/ops/ops.js';

/** A product with the content of its tensors. */
export interface Case {
  readonly name: string;
  readonly kernel: Matmul;
  /** Content of each argument, margins and offset included. */
  readonly data: readonly Float32Array<ArrayBuffer>[];
  /** Number of the argument that is written. */
  readonly output: number;
}

/** Words around each tensor. */
export const margin = 64;
/** What stands beside the output. */
export const marker = -12345.5;

/** Numbers in [-1, 1) from a linear congruence. */
export function draw(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
}

function framed(content: Float32Array<ArrayBuffer>, around: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(content.length + 2 * margin).fill(around);
  out.set(content, margin);
  return out;
}

/** Strides of [...batch, rows, columns], stored transposed or for all the batch alike. */
function layout(batch: readonly number[], rows: number, columns: number, transposed: boolean, shared: boolean): View {
  const [row, column] = transposed ? [1, rows] : [columns, 1];
  let step = rows * columns;
  const outer = batch.map(() => 0);
  for (let b = batch.length - 1; b >= 0; b -= 1) {
    outer[b] = shared ? 0 : step;
    step *= batch[b] as number;
  }
  return { offset: margin, strides: [...outer, row, column] };
}

/** Reads a case from its text. */
export function parseCase(text: string): Case {
  const words = text.split(' ');
  const sizes = words.filter((word) => /^\d+(x\d+)*$/.test(word)).map((word) => word.split('x').map(Number));
  const [m, n, k] = sizes.at(-1) as [number, number, number];
  const batch = sizes.length > 1 ? (sizes[0] as number[]) : [];
  const orientation = words.find((word) => /^[NT][NT]$/.test(word)) ?? 'NN';
  const has = (word: string): boolean => words.includes(word);
  const many = batch.reduce((p, size) => p * size, 1);
  const data: Float32Array<ArrayBuffer>[] = [];
  const args: Matmul['args'][number][] = [];
  const add = (name: string, content: Float32Array<ArrayBuffer>, around: number, access: 'read' | 'write' | 'read_write'): number => {
    args.push({ ref: { kind: 'tensor', name }, dtype: 'f32', elements: content.length + 2 * margin, access });
    data.push(framed(content, around));
    return args.length - 1;
  };
  const axes = [...batch, m, n];
  const terms: Matmul['terms'][number][] = [];
  const product = (steps: number, scale: number): void => {
    const t = terms.length;
    const shareA = has('a*');
    const shareB = has('b*');
    const a = add(`a${t}`, draw((shareA ? 1 : many) * m * steps, 3 * t + 1), NaN, 'read');
    const b = add(`b${t}`, draw((shareB ? 1 : many) * steps * n, 3 * t + 2), NaN, 'read');
    terms.push({
      a: { source: { kind: 'arg', arg: a }, view: layout(batch, m, steps, orientation[0] === 'T', shareA) },
      b: { source: { kind: 'arg', arg: b }, view: layout(batch, steps, n, orientation[1] === 'T', shareB) },
      k: steps,
      scale,
    });
  };
  const rank = words.map((word) => /^rank:(\d+)\*(-?[\d.]+)$/.exec(word)).find((found) => found !== null);
  if (rank) product(Number(rank[1]), Number(rank[2]));
  product(k, has('halved') ? 0.5 : 1);
  const body: Scalar[] = [{ kind: 'accumulator' }];
  const push = (scalar: Scalar): number => body.push(scalar) - 1;
  let value = 0;
  if (has('bias')) {
    const bias = add('bias', draw(n, 91), NaN, 'read');
    const loaded = push({
      kind: 'load',
      arg: bias,
      view: { offset: margin, strides: axes.map((_, axis) => (axis === axes.length - 1 ? 1 : 0)) },
      dtype: 'f32',
    });
    value = push({ kind: 'op', op: 'add', args: [value, loaded], dtype: 'f32' });
  }
  if (has('residual')) {
    const residual = add('residual', draw(many * m * n, 92), NaN, 'read');
    const loaded = push({ kind: 'load', arg: residual, view: layout(batch, m, n, true, false), dtype: 'f32' });
    value = push({ kind: 'op', op: 'max', args: [value, loaded], dtype: 'f32' });
    const half = push({ kind: 'const', value: -0.5, dtype: 'f32' });
    value = push({ kind: 'op', op: 'mul', args: [value, half], dtype: 'f32' });
  }
  const output = add('out', draw(many * m * n, 93), marker, has('accumulate') ? 'read_write' : 'write');
  const stores: Matmul['stores'][number][] = [
    { arg: output, view: layout(batch, m, n, has('turned'), false), value, accumulate: has('accumulate') },
  ];
  return {
    name: text,
    kernel: {
      kind: 'matmul',
      label: text,
      axes,
      args,
      functions: [],
      body,
      stores,
      terms,
      flops: 2 * many * m * n * (k + Number(rank?.[1] ?? 0)),
    },
    data,
    output,
  };
}

/** Element number of a view at an index. */
function place(view: View, index: readonly number[]): number {
  return view.strides.reduce((at, stride, axis) => at + stride * (index[axis] as number), view.offset);
}

const argOf = ({ source }: Matmul['terms'][number]['a']): number => (source.kind === 'arg' ? source.arg : -1);

/** The output in f64, by loops over the indices, and for each element the sum of magnitudes that bounds its rounding.
 * `forget` leaves out the last step of k: a mistake that a test must see. */
export function expected(
  { kernel, data, output }: Case,
  forget = false,
): { readonly values: Float64Array; readonly magnitudes: Float64Array } {
  const at = (arg: number, element: number): number => (data[arg] as Float32Array)[element] as number;
  const values = Float64Array.from(data[output] as Float32Array);
  const magnitudes = new Float64Array(values.length);
  const axes = kernel.axes;
  const index = axes.map(() => 0);
  for (let number = 0; number < axes.reduce((p, size) => p * size, 1); number += 1) {
    let rest = number;
    for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
      index[axis] = rest % (axes[axis] as number);
      rest = Math.floor(rest / (axes[axis] as number));
    }
    const [batch, m, n] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
    let sum = 0;
    let magnitude = 0;
    for (const { a, b, k, scale } of kernel.terms) {
      const [left, right] = [place(a.view, [...batch, m, 0]), place(b.view, [...batch, 0, n])];
      const [alongA, alongB] = [a.view.strides.at(-1) as number, b.view.strides.at(-2) as number];
      for (let step = 0; step < (forget ? k - 1 : k); step += 1) {
        const product = at(argOf(a), left + step * alongA) * at(argOf(b), right + step * alongB);
        sum += product;
        magnitude += Math.abs(product);
      }
      sum *= scale;
      magnitude *= Math.abs(scale);
    }
    const results: number[] = [];
    for (const scalar of kernel.body) results.push(scalarValue(scalar, results, sum, index, at));
    for (const store of kernel.stores) {
      const element = place(store.view, index);
      const before = store.accumulate ? (values[element] as number) : 0;
      values[element] = before + (results[store.value] as number);
      magnitudes[element] = magnitude + Math.abs(before) + results.reduce((total, r) => total + Math.abs(r), 0);
    }
  }
  return { values, magnitudes };
}

function scalarValue(
  scalar: Scalar,
  results: readonly number[],
  sum: number,
  index: readonly number[],
  at: (arg: number, element: number) => number,
): number {
  switch (scalar.kind) {
    case 'accumulator':
      return sum;
    case 'const':
      return scalar.value;
    case 'load':
      return at(scalar.arg, place(scalar.view, index));
    case 'op': {
      const type = { shape: [], dtype: scalar.dtype };
      const inputs = scalar.args.map((arg) => Float64Array.of(results[arg] as number));
      return ops[scalar.op].reference({
        inputs,
        types: inputs.map(() => type),
        attrs: {},
        out: type,
        feed: () => Float64Array.of(),
      })[0] as number;
    }
    default:
      throw new Error(`the cases use no ${scalar.kind}`);
  }
}
