/**
 * @file Affine index arithmetic: how an element index, as an affine function of a kernel's axes, passes through views.
 *
 * An index is always the linear (row-major) one, so reshapes are free. Where a view needs the coordinate of one axis the index is
 * divided: terms whose stride is a multiple of the divisor are the quotient, the others the remainder, which is only right when
 * the remainder stays within the divisor. Where it does not, splitting a kernel axis may help (`Refinement`).
 */
import type { View } from './kernel.js';

/** Wish for a kernel axis to be split in (outer, inner), inner of this extent. */
export interface Refinement {
  readonly axis: number;
  readonly inner: number;
}

/** A stretch of neighbouring axes that a view treats alike. */
export interface Run {
  readonly extent: number;
  /** First axis of the run and one after its last. */
  readonly from: number;
  readonly to: number;
}

/** Number of elements of a shape. */
export function count(shape: readonly number[]): number {
  return shape.reduce((n, extent) => n * extent, 1);
}

/** The row-major index over the axes. */
export function canonical(axes: readonly number[]): View {
  const strides = new Array<number>(axes.length).fill(0);
  let stride = 1;
  for (let a = axes.length - 1; a >= 0; a -= 1) {
    const extent = axes[a] as number;
    strides[a] = extent === 1 ? 0 : stride;
    stride *= extent;
  }
  return { offset: 0, strides };
}

/** The constant index over axes. */
export function constantView(axes: readonly number[], offset: number): View {
  return { offset, strides: new Array<number>(axes.length).fill(0) };
}

/** `a · factor`. */
export function scaled(view: View, factor: number): View {
  return { offset: view.offset * factor, strides: view.strides.map((s) => s * factor) };
}

/** `a + b`. */
export function plus(a: View, b: View): View {
  return { offset: a.offset + b.offset, strides: a.strides.map((s, i) => s + (b.strides[i] as number)) };
}

/** `a + n`. */
export function shifted(view: View, n: number): View {
  return { offset: view.offset + n, strides: view.strides };
}

/** Whether two views are the same function. */
export function sameView(a: View, b: View): boolean {
  return a.offset === b.offset && a.strides.length === b.strides.length && a.strides.every((s, i) => s === b.strides[i]);
}

/** Least and greatest value over the axes. */
export function range(view: View, axes: readonly number[]): { readonly low: number; readonly high: number } {
  let low = view.offset;
  let high = view.offset;
  view.strides.forEach((s, a) => {
    const reach = s * ((axes[a] as number) - 1);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return { low, high };
}

/** Quotient and remainder of an index by `n`, the axis to split where that would make them affine, or undefined. */
export function divide(
  view: View,
  n: number,
  axes: readonly number[],
): { readonly high: View; readonly low: View } | Refinement | undefined {
  const high = view.strides.map((s, a) => (axes[a] === 1 ? 0 : s % n === 0 ? s / n : 0));
  const low = view.strides.map((s, a) => (axes[a] === 1 || s % n === 0 ? 0 : s));
  const rest = ((view.offset % n) + n) % n;
  const lowView: View = { offset: rest, strides: low };
  const span = range(lowView, axes);
  if (span.low >= 0 && span.high < n) return { high: { offset: (view.offset - rest) / n, strides: high }, low: lowView };
  for (let a = 0; a < low.length; a += 1) {
    const s = Math.abs(low[a] as number);
    const extent = axes[a] as number;
    if (s === 0 || n % s !== 0 || s * extent <= n) continue;
    const inner = n / s;
    if (inner > 1 && inner < extent && extent % inner === 0) return { axis: a, inner };
  }
  return undefined;
}

/** Whether the answer of `divide` or `coordinates` is a wish to split. */
export function isRefinement(x: object): x is Refinement {
  return 'inner' in x;
}

/** Axes after a split. */
export function refineAxes(axes: readonly number[], { axis, inner }: Refinement): number[] {
  return [...axes.slice(0, axis), (axes[axis] as number) / inner, inner, ...axes.slice(axis + 1)];
}

/** Neighbouring axes of `shape` with equal keys as one. Axes of size 1 join either side. */
export function runs(shape: readonly number[], key: (axis: number) => number): { readonly run: Run; readonly key: number }[] {
  const out: { run: Run; key: number }[] = [];
  shape.forEach((extent, axis) => {
    const last = out[out.length - 1];
    if (extent === 1) {
      if (last !== undefined) out[out.length - 1] = { ...last, run: { ...last.run, to: axis + 1 } };
      return;
    }
    const k = key(axis);
    if (last !== undefined && last.key === k)
      out[out.length - 1] = { key: k, run: { extent: last.run.extent * extent, from: last.run.from, to: axis + 1 } };
    else out.push({ key: k, run: { extent, from: last === undefined ? 0 : axis, to: axis + 1 } });
  });
  return out;
}

/** Coordinates of a linear index in row-major `extents`; the first takes what is left. */
export function coordinates(view: View, extents: readonly number[], axes: readonly number[]): View[] | Refinement | undefined {
  const out = new Array<View>(extents.length);
  let rest = view;
  for (let d = extents.length - 1; d > 0; d -= 1) {
    const split = divide(rest, extents[d] as number, axes);
    if (split === undefined || isRefinement(split)) return split;
    out[d] = split.low;
    rest = split.high;
  }
  if (extents.length > 0) out[0] = rest;
  return out;
}

/** Linear index of coordinates in row-major `extents`. */
export function linear(coords: readonly View[], extents: readonly number[], axes: readonly number[]): View {
  let out = constantView(axes, 0);
  coords.forEach((c, d) => {
    out = plus(scaled(out, extents[d] as number), c);
  });
  return out;
}
