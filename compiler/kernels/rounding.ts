/**
 * @file Rounding: how far f32 arithmetic may be from a value that was computed in f64 (running error analysis).
 *
 * Each value carries a bound on its error. An op passes errors on as its reference does: the bound is the largest change over
 * all corners of the operands' intervals, plus the rounding that the op table grants. A sum of n terms in any order adds
 * (n + 2) · 2⁻²⁴ · Σ|x|. What cannot be decided (a comparison within the errors, an overflow) has an infinite bound or the
 * whole step as its bound, so whoever compares with it never blames a device for that.
 */
import { at, type DType } from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';

/** Values, and bounds where they are asked for. */
export interface Valued {
  readonly value: Float64Array;
  readonly error?: Float64Array | undefined;
}

/** Values with bounds. */
export interface Bounded {
  readonly value: Float64Array;
  readonly error: Float64Array;
}

/** Half a unit in the last place of 1 in f32. */
export const half = 2 ** -24;
const largest = 3.4028234663852886e38;
/** Below this a device may give zero. */
const smallest = 2 ** -125;

/** Relative rounding of a sum of `n` terms. */
export const roundings = (n: number): number => (n + 2) * half;

/** A number as kernels write it: infinities are the largest numbers. */
export const inRange = (value: number): number => Math.min(largest, Math.max(-largest, value));

/** An elementwise op on values with bounds. */
export function applyOp(name: OpName, dtype: DType, inputs: readonly Valued[], types: readonly DType[]): Valued {
  const op = ops[name];
  const size = inputs[0]?.value.length ?? 0;
  const call = (values: readonly Float64Array[]): Float64Array =>
    op.reference({
      inputs: values,
      types: types.map((type) => ({ shape: [size], dtype: type })),
      attrs: { dtype },
      out: { shape: [size], dtype },
      feed: () => new Float64Array(0),
    });
  const value = call(inputs.map((input) => input.value));
  if (inputs.every((input) => input.error === undefined)) return { value };
  const { relative, absolute } = op.tolerance;
  // Functions that are worked out in several steps lose what one rounding of their operand would.
  const slack = dtype === 'f32' && (absolute > 0 || relative > 2 ** -23) ? 2 ** -23 : 0;
  const reach = inputs.map((input, i) =>
    types[i] === 'f32' && slack > 0
      ? input.value.map((v, j) => (input.error?.[j] ?? 0) + slack * Math.abs(v))
      : (input.error ?? new Float64Array(size)),
  );
  const moving = reach.map((r, i) => (r.some((e) => e !== 0) ? i : -1)).filter((i) => i >= 0);
  const error = value.map((v) =>
    dtype === 'i32' || (relative === 0 && absolute === 0)
      ? 0
      : Math.abs(v) > largest
        ? Infinity
        : relative * Math.abs(v) + absolute + smallest,
  );
  const spread = new Float64Array(size);
  for (let corner = 0; corner < 2 ** moving.length && moving.length > 0; corner += 1) {
    const moved = call(
      inputs.map((input, i) => {
        const bit = moving.indexOf(i);
        if (bit < 0) return input.value;
        const sign = (corner >> bit) & 1 ? 1 : -1;
        const r = at(reach, i);
        return input.value.map((v, j) => v + sign * (r[j] as number));
      }),
    );
    moved.forEach((v, j) => {
      const change = Math.abs(v - (value[j] as number));
      // Outside the domain of a function nothing is known.
      spread[j] = Number.isNaN(change) ? Infinity : Math.max(spread[j] as number, change);
    });
  }
  return { value, error: error.map((e, j) => e + (spread[j] as number)) };
}

/** Rows of `width` elements reduced to one each. */
export function reduceRows({ value, error }: Valued, width: number, op: 'sum' | 'max' | 'argmax'): Valued {
  const rows = value.length / width;
  const out = new Float64Array(rows);
  const bounds = error && new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const from = row * width;
    let best = value[from] as number;
    let where = 0;
    for (let i = 1; i < width; i += 1) {
      const x = value[from + i] as number;
      if (op === 'sum') best += x;
      else if (x > best) {
        best = x;
        where = i;
      }
    }
    out[row] = op === 'argmax' ? where : best;
    if (bounds && error) bounds[row] = boundOfRow(value.subarray(from, from + width), error.subarray(from, from + width), op, where);
  }
  return { value: out, error: bounds };
}

function boundOfRow(x: Float64Array, e: Float64Array, op: 'sum' | 'max' | 'argmax', where: number): number {
  switch (op) {
    case 'sum': {
      let magnitude = 0;
      let inherited = 0;
      for (let i = 0; i < x.length; i += 1) {
        magnitude += Math.abs(x[i] as number);
        inherited += e[i] as number;
      }
      return inherited + roundings(x.length) * magnitude;
    }
    case 'max': {
      const best = x[where] as number;
      let bound = e[where] as number;
      for (let i = 0; i < x.length; i += 1) bound = Math.max(bound, (x[i] as number) + (e[i] as number) - best);
      return bound;
    }
    case 'argmax': {
      const floor = (x[where] as number) - (e[where] as number);
      const rival = x.some((v, i) => i !== where && (e[i] as number) + (e[where] as number) > 0 && v + (e[i] as number) >= floor);
      return rival ? x.length : 0;
    }
    default:
      return op satisfies never;
  }
}

/** The element of an array that is furthest outside its bound. */
export interface Deviation {
  readonly element: number;
  readonly found: number;
  readonly expected: number;
  readonly bound: number;
  /** Error as a share of the bound; at most 1 is right. */
  readonly excess: number;
}

/** The worst element of what a device found, or undefined where all of it agrees exactly or nothing can be said. */
export function worstDeviation(found: ArrayLike<number>, { value, error }: Bounded): Deviation | undefined {
  let worst: Deviation | undefined;
  for (let i = 0; i < value.length; i += 1) {
    const expected = value[i] as number;
    const bound = (error[i] as number) + smallest;
    if (!Number.isFinite(bound) || Number.isNaN(expected) || Math.abs(expected) > largest) continue;
    const difference = Math.abs((found[i] as number) - expected);
    const excess = Number.isNaN(difference) ? Infinity : difference / bound;
    if (excess > (worst?.excess ?? 0)) worst = { element: i, found: found[i] as number, expected, bound, excess };
  }
  return worst;
}
