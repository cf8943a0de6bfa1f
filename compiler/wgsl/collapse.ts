/**
 * @file Fewer axes: neighbouring axes that every view walks through as one become one, so that an index needs fewer divisions.
 */
import type { Kernel, Scalar, View } from '../kernels/kernel.js';

/** Every view of a kernel's body and stores. */
function views(kernel: Kernel): View[] {
  return [...kernel.body.flatMap((s) => ('view' in s ? [s.view] : [])), ...kernel.stores.map((s) => s.view)];
}

/** The same kernel with axes joined where all views allow it; the last `keep` axes stay as they are, axes of one element go. */
export function collapse<K extends Kernel>(kernel: K, keep: number): K {
  const all = views(kernel);
  const fixed = kernel.axes.length - keep;
  /** Groups of axes that become one, in order. */
  const groups: number[][] = [];
  for (let a = 0; a < fixed; a += 1) {
    if (kernel.axes[a] === 1) continue;
    const last = groups[groups.length - 1];
    const before = last?.[last.length - 1];
    if (
      last !== undefined &&
      before !== undefined &&
      all.every((v) => (v.strides[before] as number) === (v.strides[a] as number) * (kernel.axes[a] as number))
    )
      last.push(a);
    else groups.push([a]);
  }
  const kept = Array.from({ length: keep }, (_, i) => fixed + i);
  const size = (group: readonly number[]): number => group.reduce((n, a) => n * (kernel.axes[a] as number), 1);
  const view = (v: View): View => ({
    offset: v.offset,
    strides: [...groups.map((g) => v.strides[g[g.length - 1] as number] as number), ...kept.map((a) => v.strides[a] as number)],
  });
  return {
    ...kernel,
    axes: [...groups.map(size), ...kept.map((a) => kernel.axes[a] as number)],
    body: kernel.body.map((s): Scalar => ('view' in s ? { ...s, view: view(s.view) } : s)),
    stores: kernel.stores.map((s) => ({ ...s, view: view(s.view) })),
  };
}
