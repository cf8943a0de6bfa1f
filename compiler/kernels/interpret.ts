/**
 * @file Interpret: one kernel in f64 on the CPU, from the references of the op table. This is the meaning of a kernel: tests
 * without a device run it, and a checking run compares every dispatch with it. It can also bound, element by element, how far
 * a device that computes in f32 may be away (`rounding.ts`).
 */
import { Bug } from '../bug.js';
import { fromHalf, toHalf } from '../ops/bits.js';
import { at, type DType } from '../ops/op.js';
import { randomKey, randomUniform } from '../ops/random.js';
import { count, range } from './affine.js';
import { scalarType } from './body.js';
import type { Kernel, MatrixOperand, Scalar, Store, View } from './kernel.js';
import { largestHalf } from './narrow.js';
import { applyOp, half, inRange, reduceRows, roundings, type Bounded, type Valued } from './rounding.js';

/** The arguments after the kernel ran; those it does not write are the arrays given. `hosts` are the host's numbers by name. */
export function interpretKernel(kernel: Kernel, args: readonly Float64Array[], hosts: ReadonlyMap<string, number>): Float64Array[] {
  return evaluate(
    kernel,
    args.map((value) => ({ value })),
    hosts,
  ).map((array) => array.value);
}

/** The same with a bound for each element on what f32 arithmetic in any order may differ by, given such bounds for the arguments. */
export function boundKernel(kernel: Kernel, args: readonly Bounded[], hosts: ReadonlyMap<string, number>): Bounded[] {
  return evaluate(kernel, args, hosts).map(({ value, error }) => ({ value, error: error ?? new Float64Array(value.length) }));
}

function evaluate(kernel: Kernel, args: readonly Valued[], hosts: ReadonlyMap<string, number>): Valued[] {
  kernel.args.forEach((arg, i) => {
    if (args[i]?.value.length !== arg.elements)
      throw new Bug(`argument ${i} of kernel ${kernel.label} has ${args[i]?.value.length} elements, not ${arg.elements}`);
  });
  const run: Run = {
    kernel,
    axes: kernel.axes,
    body: kernel.body,
    args,
    hosts,
    functions: new Map(),
    size: count(kernel.axes),
    bounded: args.some((arg) => arg.error !== undefined),
    values: [],
    indices: new Map(),
    reduced: [],
    accumulator: undefined,
  };
  switch (kernel.kind) {
    case 'pointwise':
      break;
    case 'row-reduce':
      for (const reduction of kernel.reductions)
        run.reduced.push(reduceRows(scalar(run, reduction.value), kernel.axes[kernel.axes.length - 1] as number, reduction.op));
      break;
    case 'matmul':
      run.accumulator = product(run, kernel);
      break;
    case 'scatter-add':
      run.accumulator = scatter(kernel, args, run.bounded);
      break;
    default:
      return kernel satisfies never;
  }
  const results = kernel.stores.map((store) => scalar(run, store.value));
  const out = args.map((array, i): Valued =>
    kernel.args[i]?.access === 'read' ? array : { value: array.value.slice(), error: array.error?.slice() },
  );
  kernel.stores.forEach((store, s) => {
    const target = at(out, store.arg);
    const before = at(args, store.arg);
    const result = stored(store, at(results, s), out);
    indices(run, store.view).forEach((index, i) => {
      const value = (store.accumulate ? (before.value[index] as number) : 0) + (result.value[i] as number);
      target.value[index] = value;
      if (target.error !== undefined)
        target.error[index] = (result.error?.[i] ?? 0) + (store.accumulate ? (before.error?.[index] ?? 0) + half * Math.abs(value) : 0);
    });
  });
  return out;
}

/** Values as memory holds them: 16-bit floats are rounded to, and those beyond the largest raise the store's flag. */
function stored(store: Store, { value, error }: Valued, out: readonly Valued[]): Valued {
  const { overflow } = store;
  if (overflow === undefined) return { value, error };
  const flags = at(out, overflow.arg);
  const reach = (i: number, sign: number): number => Math.abs(value[i] as number) + sign * (error?.[i] ?? 0);
  const beyond = (size: number): boolean => size > largestHalf && size < overflow.above;
  let [surely, perhaps] = [false, false];
  for (let i = 0; i < value.length; i += 1) {
    surely ||= beyond(reach(i, 0));
    perhaps ||= beyond(reach(i, 1)) !== beyond(reach(i, -1));
  }
  if (surely) flags.value[overflow.flag] = 1;
  if (perhaps && flags.error !== undefined) flags.error[overflow.flag] = Infinity;
  const rounded = value.map((v) => fromHalf(toHalf(Math.min(largestHalf, Math.max(-largestHalf, v)))));
  // A device may round to either neighbour, and small numbers to zero.
  return { value: rounded, error: error?.map((e, i) => e + Math.max(2 ** -10 * reach(i, 1), 2 ** -14)) };
}

interface Run {
  readonly kernel: Kernel;
  readonly axes: readonly number[];
  readonly body: readonly Scalar[];
  /** Every element of the functions that have been asked for. */
  readonly functions: Map<number, Valued>;
  readonly args: readonly Valued[];
  readonly hosts: ReadonlyMap<string, number>;
  readonly size: number;
  readonly bounded: boolean;
  readonly values: (Valued | undefined)[];
  readonly indices: Map<string, Float64Array>;
  readonly reduced: Valued[];
  accumulator: Valued | undefined;
}

/** A view's index for the first `size` points of the axes, in row-major order. */
function expand(view: View, axes: readonly number[], size = count(axes)): Float64Array {
  const out = new Float64Array(size);
  out[0] = view.offset;
  let filled = 1;
  for (let a = axes.length - 1; a >= 0 && filled < size; a -= 1) {
    const stride = at(view.strides, a);
    const copies = Math.min(at(axes, a), Math.ceil(size / filled));
    for (let i = 1; i < copies; i += 1)
      for (let j = 0; j < filled && i * filled + j < size; j += 1) out[i * filled + j] = (out[j] as number) + i * stride;
    filled *= copies;
  }
  return out;
}

function indices(run: Run, view: View): Float64Array {
  const key = `${view.offset}:${view.strides.join()}`;
  const known = run.indices.get(key) ?? expand(view, run.axes, run.size);
  run.indices.set(key, known);
  return known;
}

function scalar(run: Run, id: number): Valued {
  const known = run.values[id] ?? compute(run, at(run.body, id));
  run.values[id] = known;
  return known;
}

function compute(run: Run, s: Scalar): Valued {
  const { size, args } = run;
  switch (s.kind) {
    case 'const':
      return filled(run, run.bounded ? inRange(s.value) : s.value, s.dtype);
    case 'host': {
      const value = run.hosts.get(s.name);
      if (value === undefined) throw new Bug(`the host gives no ${s.name}`);
      return filled(run, value, s.dtype);
    }
    case 'load': {
      const { value, error } = at(args, s.arg);
      const where = indices(run, s.view);
      // Below a guard an index may lie outside; what is read there is not used.
      return { value: where.map((index) => value[index] ?? 0), error: error && where.map((index) => error[index] ?? 0) };
    }
    case 'load-indirect': {
      const { value, error } = at(args, s.arg);
      const rows = scalar(run, s.index);
      const where = indices(run, s.view).map((index, i) => index + Math.min(s.rows - 1, Math.max(0, rows.value[i] as number)) * s.stride);
      return {
        value: where.map((index) => value[index] as number),
        error: error && where.map((index, i) => ((rows.error?.[i] ?? 0) > 0 ? Infinity : (error[index] as number))),
      };
    }
    case 'call': {
      const { value, error } = functionValues(run, s.function);
      const rows = s.index === undefined ? undefined : scalar(run, s.index);
      const where = indices(run, s.view).map(
        (index, i) => index + (rows === undefined ? 0 : Math.min(s.rows - 1, Math.max(0, rows.value[i] as number)) * s.stride),
      );
      return {
        value: where.map((index) => value[index] ?? 0),
        error: error && where.map((index, i) => ((rows?.error?.[i] ?? 0) > 0 ? Infinity : (error[index] ?? 0))),
      };
    }
    case 'lookup': {
      const { value, error } = scalar(run, s.index);
      const last = s.values.length - 1;
      const found = value.map((v) => s.values[Math.min(last, Math.max(0, v))] as number);
      return {
        value: found,
        error: run.bounded ? found.map((v, i) => ((error?.[i] ?? 0) > 0 ? Infinity : Math.abs(v - Math.fround(v)))) : undefined,
      };
    }
    case 'iota': {
      const value = indices(run, s.view);
      return { value, error: run.bounded ? value.map((v) => (s.dtype === 'f32' ? Math.abs(v - Math.fround(v)) : 0)) : undefined };
    }
    case 'random': {
      const key = randomKey(scalar(run, s.seed).value[0] as number, s.stream);
      return {
        value: indices(run, s.view).map((index) => randomUniform(key, index)),
        error: run.bounded ? new Float64Array(size) : undefined,
      };
    }
    case 'op':
      return applyOp(
        s.op,
        s.dtype,
        s.args.map((arg) => scalar(run, arg)),
        s.args.map((arg) => scalarType(at(run.body, arg))),
      );
    case 'guard': {
      const inner = scalar(run, s.value);
      const keep = (array: Float64Array): Float64Array =>
        indices(run, s.view).map((index, i) => (index >= s.low && index < s.high ? (array[i] as number) : 0));
      return { value: keep(inner.value), error: inner.error && keep(inner.error) };
    }
    case 'accumulator':
      if (run.accumulator === undefined) throw new Bug(`kernel ${run.kernel.label} has no accumulator`);
      return run.accumulator;
    case 'reduced': {
      const rows = at(run.reduced, s.reduction);
      const width = run.kernel.axes[run.kernel.axes.length - 1] as number;
      const wide = (array: Float64Array): Float64Array => new Float64Array(size).map((_, i) => array[Math.floor(i / width)] as number);
      return { value: wide(rows.value), error: rows.error && wide(rows.error) };
    }
    default:
      return s satisfies never;
  }
}

/** Every element of a function. */
function functionValues(run: Run, id: number): Valued {
  const known = run.functions.get(id);
  if (known !== undefined) return known;
  const { axes, body, value, elements } = at(run.kernel.functions, id);
  const made = scalar({ ...run, axes, body, size: elements, values: [], indices: new Map(), reduced: [], accumulator: undefined }, value);
  run.functions.set(id, made);
  return made;
}

function filled(run: Run, value: number, dtype: DType): Valued {
  return {
    value: new Float64Array(run.size).fill(value),
    error: run.bounded ? new Float64Array(run.size).fill(dtype === 'f32' ? Math.abs(value - Math.fround(value)) : 0) : undefined,
  };
}

function product(run: Run, kernel: Extract<Kernel, { kind: 'matmul' }>): Valued {
  const { bounded } = run;
  const read = ({ source }: MatrixOperand): Valued =>
    source.kind === 'arg' ? at(run.args, source.arg) : functionValues(run, source.function);
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const batch = kernel.axes.slice(0, -2);
  const out = new Float64Array(count(kernel.axes));
  const error = bounded ? new Float64Array(out.length) : undefined;
  const magnitude = new Float64Array(bounded ? out.length : 0);
  for (const term of kernel.terms) {
    const a = read(term.a);
    const b = read(term.b);
    const [am, ak] = term.a.view.strides.slice(-2) as [number, number];
    const [bk, bn] = term.b.view.strides.slice(-2) as [number, number];
    const aBase = expand({ offset: term.a.view.offset, strides: term.a.view.strides.slice(0, -2) }, batch);
    const bBase = expand({ offset: term.b.view.offset, strides: term.b.view.strides.slice(0, -2) }, batch);
    aBase.forEach((a0, g) => {
      const b0 = bBase[g] as number;
      for (let i = 0; i < m; i += 1) {
        for (let j = 0; j < n; j += 1) {
          const place = (g * m + i) * n + j;
          let acc = out[place] as number;
          let size = bounded ? (magnitude[place] as number) : 0;
          let inherited = error?.[place] ?? 0;
          for (let k = 0; k < term.k; k += 1) {
            const [ia, ib] = [a0 + i * am + k * ak, b0 + k * bk + j * bn];
            const [x, y] = [a.value[ia] as number, b.value[ib] as number];
            acc += x * y;
            if (error === undefined) continue;
            size += Math.abs(x * y);
            const [ex, ey] = [a.error?.[ia] ?? 0, b.error?.[ib] ?? 0];
            if (ex !== 0 || ey !== 0) inherited += Math.abs(x) * ey + Math.abs(y) * ex + ex * ey;
          }
          out[place] = acc * term.scale;
          if (error === undefined) continue;
          magnitude[place] = size * Math.abs(term.scale);
          error[place] = (inherited + roundings(term.k) * size) * Math.abs(term.scale);
        }
      }
    });
  }
  return { value: out, error };
}

function scatter(kernel: Extract<Kernel, { kind: 'scatter-add' }>, args: readonly Valued[], bounded: boolean): Valued {
  const [rows, width] = kernel.axes as readonly [number, number];
  const ids = at(args, kernel.ids).value;
  const { value: values, error: errors } = at(args, kernel.values);
  const out = new Float64Array(rows * width);
  const error = bounded ? new Float64Array(out.length) : undefined;
  const terms = new Map<number, number>();
  if (bounded) for (let i = 0; i < kernel.count; i += 1) terms.set(ids[i] as number, (terms.get(ids[i] as number) ?? 0) + 1);
  for (const { row, i } of kernel.lists === undefined
    ? scanned(ids, rows)
    : chained(at(args, kernel.lists.head).value, at(args, kernel.lists.next).value)) {
    const rounding = roundings(terms.get(row) ?? 0);
    for (let j = 0; j < width; j += 1) {
      const place = row * width + j;
      const x = values[i * width + j] as number;
      out[place] = (out[place] as number) + x;
      if (error !== undefined) error[place] = (error[place] as number) + (errors?.[i * width + j] ?? 0) + rounding * Math.abs(x);
    }
  }
  return { value: out, error };
}

/** Whether a load may leave its array, which only happens below a guard. */
export function leaves(view: View, axes: readonly number[], elements: number): boolean {
  const { low, high } = range(view, axes);
  return low < 0 || high >= elements;
}

/** The row of every position that has one. */
function* scanned(ids: Float64Array, rows: number): Generator<{ readonly row: number; readonly i: number }> {
  for (const [i, row] of ids.entries()) if (row >= 0 && row < rows) yield { row, i };
}

/** The positions of every row's chain. */
function* chained(head: Float64Array, next: Float64Array): Generator<{ readonly row: number; readonly i: number }> {
  for (const [row, last] of head.entries()) {
    let steps = 0;
    for (let i = last; i >= 0; i = next[i] as number) {
      steps += 1;
      if (steps > next.length) throw new Bug(`the chain of row ${row} has no end`);
      yield { row, i };
    }
  }
}
