/**
 * @file Interpret: one kernel in f64 on the CPU, from the references of the op table. This is the meaning of a kernel: tests
 * without a device run it, and a checking run compares every dispatch with it.
 */
import { Bug } from '../bug.js';
import { at } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import { randomKey, randomUniform } from '../ops/random.js';
import { count, range } from './affine.js';
import { scalarType } from './body.js';
import type { Kernel, Scalar, View } from './kernel.js';

/** The arguments after the kernel ran; those it does not write are the arrays given. `hosts` are the host's numbers by name. */
export function interpretKernel(kernel: Kernel, args: readonly Float64Array[], hosts: ReadonlyMap<string, number>): Float64Array[] {
  kernel.args.forEach((arg, i) => {
    if (args[i]?.length !== arg.elements) throw new Bug(`argument ${i} of kernel ${kernel.label} has ${args[i]?.length} elements, not ${arg.elements}`);
  });
  const run: Run = { kernel, args, hosts, size: count(kernel.axes), values: [], indices: new Map(), reduced: [], accumulator: undefined };
  switch (kernel.kind) {
    case 'pointwise':
      break;
    case 'row-reduce':
      for (const reduction of kernel.reductions) run.reduced.push(reduceRows(kernel, scalar(run, reduction.value), reduction.op));
      break;
    case 'matmul':
      run.accumulator = product(kernel, args);
      break;
    case 'scatter-add':
      run.accumulator = scatter(kernel, args);
      break;
    default:
      return kernel satisfies never;
  }
  const results = kernel.stores.map((store) => scalar(run, store.value));
  const out = args.map((array, i) => (kernel.args[i]?.access === 'read' ? array : array.slice()));
  kernel.stores.forEach((store, s) => {
    const target = at(out, store.arg);
    const result = at(results, s);
    indices(run, store.view).forEach((index, i) => {
      target[index] = (store.accumulate ? (at(args, store.arg)[index] as number) : 0) + (result[i] as number);
    });
  });
  return out;
}

interface Run {
  readonly kernel: Kernel;
  readonly args: readonly Float64Array[];
  readonly hosts: ReadonlyMap<string, number>;
  readonly size: number;
  readonly values: (Float64Array | undefined)[];
  readonly indices: Map<string, Float64Array>;
  readonly reduced: Float64Array[];
  accumulator: Float64Array | undefined;
}

/** A view's index for every point of the axes, in row-major order. */
function expand(view: View, axes: readonly number[]): Float64Array {
  const out = new Float64Array(count(axes));
  out[0] = view.offset;
  let filled = 1;
  for (let a = axes.length - 1; a >= 0; a -= 1) {
    const stride = at(view.strides, a);
    for (let i = 1; i < at(axes, a); i += 1) for (let j = 0; j < filled; j += 1) out[i * filled + j] = (out[j] as number) + i * stride;
    filled *= at(axes, a);
  }
  return out;
}

function indices(run: Run, view: View): Float64Array {
  const key = `${view.offset}:${view.strides.join()}`;
  const known = run.indices.get(key) ?? expand(view, run.kernel.axes);
  run.indices.set(key, known);
  return known;
}

function scalar(run: Run, id: number): Float64Array {
  const known = run.values[id] ?? compute(run, at(run.kernel.body, id));
  run.values[id] = known;
  return known;
}

function compute(run: Run, s: Scalar): Float64Array {
  const { size, args } = run;
  switch (s.kind) {
    case 'const':
      return new Float64Array(size).fill(s.value);
    case 'host': {
      const value = run.hosts.get(s.name);
      if (value === undefined) throw new Bug(`the host gives no ${s.name}`);
      return new Float64Array(size).fill(value);
    }
    case 'load': {
      const array = at(args, s.arg);
      // Below a guard an index may lie outside; what is read there is not used.
      return indices(run, s.view).map((index) => array[index] ?? 0);
    }
    case 'load-indirect': {
      const array = at(args, s.arg);
      const rows = scalar(run, s.index);
      return indices(run, s.view).map((index, i) => array[index + Math.min(s.rows - 1, Math.max(0, rows[i] as number)) * s.stride] as number);
    }
    case 'iota':
      return indices(run, s.view);
    case 'random': {
      const key = randomKey(scalar(run, s.seed)[0] as number, s.stream);
      return indices(run, s.view).map((index) => randomUniform(key, index));
    }
    case 'op': {
      const inputs = s.args.map((arg) => scalar(run, arg));
      const types = s.args.map((arg) => ({ shape: [size], dtype: scalarType(at(run.kernel.body, arg)) }));
      return ops[s.op].reference({ inputs, types, attrs: { dtype: s.dtype }, out: { shape: [size], dtype: s.dtype }, feed: () => new Float64Array(0) });
    }
    case 'guard': {
      const inner = scalar(run, s.value);
      return indices(run, s.view).map((index, i) => (index >= s.low && index < s.high ? (inner[i] as number) : 0));
    }
    case 'accumulator':
      if (run.accumulator === undefined) throw new Bug(`kernel ${run.kernel.label} has no accumulator`);
      return run.accumulator;
    case 'reduced': {
      const rows = at(run.reduced, s.reduction);
      const width = run.kernel.axes[run.kernel.axes.length - 1] as number;
      return new Float64Array(size).map((_, i) => rows[Math.floor(i / width)] as number);
    }
    default:
      return s satisfies never;
  }
}

function reduceRows(kernel: Kernel, values: Float64Array, op: 'sum' | 'max' | 'argmax'): Float64Array {
  const width = kernel.axes[kernel.axes.length - 1] as number;
  return new Float64Array(values.length / width).map((_, row) => {
    let best = values[row * width] as number;
    let where = 0;
    for (let i = 1; i < width; i += 1) {
      const x = values[row * width + i] as number;
      if (op === 'sum') best += x;
      else if (x > best) {
        best = x;
        where = i;
      }
    }
    return op === 'argmax' ? where : best;
  });
}

function product(kernel: Extract<Kernel, { kind: 'matmul' }>, args: readonly Float64Array[]): Float64Array {
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const batch = kernel.axes.slice(0, -2);
  const out = new Float64Array(count(kernel.axes));
  for (const term of kernel.terms) {
    const a = at(args, term.a.arg);
    const b = at(args, term.b.arg);
    const [am, ak] = term.a.view.strides.slice(-2) as [number, number];
    const [bk, bn] = term.b.view.strides.slice(-2) as [number, number];
    const aBase = expand({ offset: term.a.view.offset, strides: term.a.view.strides.slice(0, -2) }, batch);
    const bBase = expand({ offset: term.b.view.offset, strides: term.b.view.strides.slice(0, -2) }, batch);
    aBase.forEach((a0, g) => {
      const b0 = bBase[g] as number;
      for (let i = 0; i < m; i += 1) {
        for (let j = 0; j < n; j += 1) {
          let acc = out[(g * m + i) * n + j] as number;
          for (let k = 0; k < term.k; k += 1) acc += (a[a0 + i * am + k * ak] as number) * (b[b0 + k * bk + j * bn] as number);
          out[(g * m + i) * n + j] = acc * term.scale;
        }
      }
    });
  }
  return out;
}

function scatter(kernel: Extract<Kernel, { kind: 'scatter-add' }>, args: readonly Float64Array[]): Float64Array {
  const [rows, width] = kernel.axes as readonly [number, number];
  const ids = at(args, kernel.ids);
  const values = at(args, kernel.values);
  const out = new Float64Array(rows * width);
  for (let i = 0; i < kernel.count; i += 1) {
    const row = ids[i] as number;
    if (row < 0 || row >= rows) continue;
    for (let j = 0; j < width; j += 1) out[row * width + j] = (out[row * width + j] as number) + (values[i * width + j] as number);
  }
  return out;
}

/** Whether a load may leave its array, which only happens below a guard. */
export function leaves(view: View, axes: readonly number[], elements: number): boolean {
  const { low, high } = range(view, axes);
  return low < 0 || high >= elements;
}
