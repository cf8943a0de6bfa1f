/**
 * @file Verification of kernels: one kernel is well-formed, and a list of them computes what it says it does. Answers one
 * sentence for each thing that is wrong; none is right.
 */
import type { Selection } from './select.js';
import { count, range } from './affine.js';
import type { Kernel, KernelFunction, Scalar, Store, View } from './kernel.js';
import { refKey, hazard } from './partition.js';
import { nodeAt } from './structure.js';

/** What is wrong with a selection: order of reads and writes, single writers, results that nobody computes. */
export function verifySelection({ graph, kernels, results }: Selection, limit: number): string[] {
  const wrong = kernels.flatMap((kernel, i) => verifyKernel(kernel, limit).map((text) => `kernel ${i} (${kernel.label}): ${text}`));
  const written = new Map<string, number>();
  kernels.forEach((kernel, i) => {
    for (const arg of kernel.args) {
      const key = refKey(arg.ref);
      if (arg.ref.kind === 'value') {
        const standing = nodeAt(graph, arg.ref.node).op === 'table' || written.has(key);
        if (arg.access !== 'write' && !standing) wrong.push(`kernel ${i} reads ${key} before it is written`);
        if (arg.access !== 'read' && written.has(key)) wrong.push(`kernels ${written.get(key)} and ${i} both write ${key}`);
      } else if (arg.access !== 'write' && written.has(key)) {
        wrong.push(`kernel ${i} reads ${key} after kernel ${written.get(key)} has replaced it`);
      }
    }
    for (const arg of kernel.args) if (arg.access !== 'read') written.set(refKey(arg.ref), i);
  });
  for (const result of results) {
    const standing = result.ref.kind === 'tensor' || nodeAt(graph, result.ref.node).op === 'table';
    if (result.ref.kind === 'tensor' && written.has(refKey(result.ref)))
      wrong.push(`the result ${result.name} is a tensor that kernel ${written.get(refKey(result.ref))} replaces`);
    if (!standing && !written.has(refKey(result.ref))) wrong.push(`no kernel computes the result ${result.name}`);
  }
  return wrong;
}

/** What is wrong with one kernel. */
export function verifyKernel(kernel: Kernel, limit: number): string[] {
  const wrong: string[] = [];
  const rank = kernel.axes.length;
  if (kernel.args.length > limit) wrong.push(`${kernel.args.length} arrays, of at most ${limit}`);
  if (new Set(kernel.args.map((arg) => refKey(arg.ref))).size < kernel.args.length) wrong.push('one array twice');
  kernel.body.forEach((s, i) => {
    for (const used of usedBy(s)) if (used >= i) wrong.push(`scalar ${i} uses scalar ${used}`);
    if ('view' in s && s.view.strides.length !== rank) wrong.push(`scalar ${i} has a view over ${s.view.strides.length} axes of ${rank}`);
    if ((s.kind === 'load' || s.kind === 'load-indirect') && kernel.args[s.arg] === undefined)
      wrong.push(`scalar ${i} loads from no argument`);
  });
  for (const [f, fn] of kernel.functions.entries()) wrong.push(...verifyFunction(kernel, fn).map((text) => `function ${f}: ${text}`));
  const guarded = guardedScalars(kernel.body);
  kernel.body.forEach((s, i) => {
    if (s.kind === 'call' && !guarded.has(i)) {
      const { low, high } = range(s.view, kernel.axes);
      const last = high + (s.rows - 1) * s.stride;
      if (low < 0 || last >= (kernel.functions[s.function]?.elements ?? 0))
        wrong.push(`scalar ${i} asks function ${s.function} for elements ${low} to ${last}`);
    }
    if (s.kind !== 'load' || guarded.has(i)) return;
    const { low, high } = range(s.view, kernel.axes);
    if (low < 0 || high >= (kernel.args[s.arg]?.elements ?? 0))
      wrong.push(`scalar ${i} loads elements ${low} to ${high} of ${kernel.args[s.arg]?.elements}`);
  });
  for (const store of kernel.stores) {
    const arg = kernel.args[store.arg];
    if (arg === undefined || arg.access === 'read') wrong.push(`a store to argument ${store.arg}, which is not written`);
    else if (!covers(store, kernel, arg.elements))
      wrong.push(`the store to ${refKey(arg.ref)} does not write each of its ${arg.elements} elements once`);
  }
  if (kernel.kind === 'matmul') {
    if (rank < 2 || rank > 5) wrong.push(`a product over ${rank} axes`);
    kernel.terms.forEach((term, t) => {
      const outer = kernel.axes.slice(0, -2);
      const [m, n] = kernel.axes.slice(-2) as [number, number];
      for (const [side, axes] of [
        [term.a, [...outer, m, term.k]],
        [term.b, [...outer, term.k, n]],
      ] as const) {
        const { low, high } = range(side.view, axes);
        const size = side.source.kind === 'arg' ? kernel.args[side.source.arg]?.elements : kernel.functions[side.source.function]?.elements;
        if (low < 0 || high >= (size ?? 0)) wrong.push(`term ${t} reads elements ${low} to ${high} of ${size}`);
      }
    });
  }
  if (kernel.args.some((arg) => arg.ref.kind === 'tensor') && hazard(kernel))
    wrong.push('a tensor is read at another index than it is written at');
  return wrong;
}

/** What is wrong with a function: it may load and calculate, nothing else, and within its arrays for the elements that exist. */
function verifyFunction(kernel: Kernel, { axes, body, value, elements }: KernelFunction): string[] {
  const wrong: string[] = [];
  if (body[value] === undefined) wrong.push(`there is no scalar ${value}`);
  body.forEach((s, i) => {
    for (const used of usedBy(s)) if (used >= i) wrong.push(`scalar ${i} uses scalar ${used}`);
    if ('view' in s && s.view.strides.length !== axes.length)
      wrong.push(`scalar ${i} has a view over ${s.view.strides.length} axes of ${axes.length}`);
    if (s.kind === 'call' || s.kind === 'accumulator' || s.kind === 'reduced' || s.kind === 'guard')
      wrong.push(`scalar ${i} is a ${s.kind}`);
    if (s.kind !== 'load') return;
    const { low, high } = reach(s.view, axes, elements);
    if (low < 0 || high >= (kernel.args[s.arg]?.elements ?? 0))
      wrong.push(`scalar ${i} loads elements ${low} to ${high} of ${kernel.args[s.arg]?.elements}`);
  });
  return wrong;
}

/** Least and greatest value of a view over the first `elements` indices of the axes. */
function reach(view: View, axes: readonly number[], elements: number): { readonly low: number; readonly high: number } {
  // Below the largest index, one digit after another is smaller and those after it are free.
  let low = Infinity;
  let high = -Infinity;
  let rest = elements - 1;
  const prefix = { low: view.offset, high: view.offset };
  for (let a = 0; a < axes.length; a += 1) {
    const inner = count(axes.slice(a + 1));
    const digit = Math.floor(rest / inner);
    rest %= inner;
    const stride = view.strides[a] as number;
    if (digit > 0) {
      const free = range({ offset: 0, strides: view.strides.slice(a + 1) }, axes.slice(a + 1));
      const own = range({ offset: 0, strides: [stride] }, [digit]);
      low = Math.min(low, prefix.low + own.low + free.low);
      high = Math.max(high, prefix.high + own.high + free.high);
    }
    prefix.low += digit * stride;
    prefix.high += digit * stride;
  }
  return { low: Math.min(low, prefix.low), high: Math.max(high, prefix.high) };
}

/** Scalars that a scalar uses. */
export function usedBy(s: Scalar): readonly number[] {
  switch (s.kind) {
    case 'op':
      return s.args;
    case 'guard':
      return [s.value];
    case 'load-indirect':
    case 'lookup':
      return [s.index];
    case 'call':
      return s.index === undefined ? [] : [s.index];
    case 'random':
      return [s.seed];
    case 'const':
    case 'host':
    case 'load':
    case 'iota':
    case 'accumulator':
    case 'reduced':
      return [];
    default:
      return s satisfies never;
  }
}

/** Scalars below a guard. */
export function guardedScalars(body: readonly Scalar[]): ReadonlySet<number> {
  const out = new Set<number>();
  for (let i = body.length - 1; i >= 0; i -= 1) {
    const s = body[i] as Scalar;
    if (s.kind === 'guard' || out.has(i)) for (const used of usedBy(s)) out.add(used);
  }
  return out;
}

/** Whether a store reaches every element once: its strides, sorted, are the mixed radix of the extents. */
function covers(store: Store, kernel: Kernel, elements: number): boolean {
  const terms = store.view.strides.map((s, a) => ({ s: Math.abs(s), extent: kernel.axes[a] as number })).filter((t) => t.extent > 1);
  const perRow = kernel.kind === 'row-reduce' && store.view.strides[store.view.strides.length - 1] === 0;
  const used = perRow ? terms.filter((t) => t.s !== 0) : terms;
  let next = 1;
  for (const { s, extent } of used.sort((a, b) => a.s - b.s)) {
    if (s !== next) return false;
    next *= extent;
  }
  const { low } = range(store.view, kernel.axes);
  return next === elements && low === 0 && (!perRow || count(kernel.axes.slice(0, -1)) === elements);
}
