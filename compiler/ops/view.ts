/**
 * @file Views: the same elements under another index, and `pad`, which puts zeros around them.
 */
import { at, elements, showShape, strides, type Attrs, type Call, type Op, type Sample, type ValueType } from './op.js';

const typeOf = (inputs: readonly ValueType[]): ValueType => at(inputs, 0);
const axisOf = (attrs: Attrs): number => attrs['axis'] as number;
const number = (attrs: Attrs, name: string): number => attrs[name] as number;
const exact = { relative: 0, absolute: 0 };
const free = (): number => 0;

function sample(shape: readonly number[], attrs: Attrs): Sample {
  return { types: [{ shape, dtype: 'f32' }], domains: [{ low: -3, high: 3 }], attrs };
}

/** The axes of an index without those of size 1, and neighbours as one where they are walked through as one. */
function collapsed(shape: readonly number[], step: readonly number[]): { readonly shape: number[]; readonly steps: number[] } {
  const sizes: number[] = [];
  const steps: number[] = [];
  shape.forEach((n, axis) => {
    if (n === 1) return;
    const s = at(step, axis);
    const last = sizes.length - 1;
    if (last >= 0 && at(steps, last) === s * n) {
      sizes[last] = at(sizes, last) * n;
      steps[last] = s;
    } else {
      sizes.push(n);
      steps.push(s);
    }
  });
  return { shape: sizes, steps };
}

/** The input's element at `offset + Σ step[a] · index[a]` for each index of the output, row-major. */
function pick(call: Call, offset: number, step: readonly number[]): Float64Array {
  const { shape, steps } = collapsed(call.out.shape, step);
  const input = at(call.inputs, 0);
  const out = new Float64Array(elements(shape));
  const last = shape.length - 1;
  if (last < 0 || steps.every((s) => s === 0)) return out.fill(input[offset] as number);
  const width = at(shape, last);
  const stride = at(steps, last);
  const index = new Array<number>(shape.length).fill(0);
  let source = offset;
  for (let i = 0; i < out.length; i += width) {
    for (let j = 0; j < width; j += 1) out[i + j] = input[source + j * stride] as number;
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      index[axis] = at(index, axis) + 1;
      source += at(steps, axis);
      if (at(index, axis) < at(shape, axis)) break;
      source -= at(steps, axis) * at(shape, axis);
      index[axis] = 0;
    }
  }
  return out;
}

function pad(call: Call): Float64Array {
  const shape = at(call.types, 0).shape;
  const axis = axisOf(call.attrs);
  const inner = elements(shape.slice(axis + 1));
  const block = at(shape, axis) * inner;
  const wide = at(call.out.shape, axis) * inner;
  const input = at(call.inputs, 0);
  const out = new Float64Array(elements(call.out.shape));
  for (let i = 0; i * block < input.length; i += 1)
    out.set(input.subarray(i * block, (i + 1) * block), i * wide + number(call.attrs, 'before') * inner);
  return out;
}

function onAxis(inputs: readonly ValueType[], attrs: Attrs, size: (n: number) => number | string): ValueType | string {
  const { shape, dtype } = typeOf(inputs);
  const axis = axisOf(attrs);
  if (axis >= shape.length) return `axis ${axis} is not an axis of ${showShape(shape)}`;
  const n = size(at(shape, axis));
  return typeof n === 'string' ? n : { shape: shape.map((old, i) => (i === axis ? n : old)), dtype };
}

/** The views. */
export const viewOps = {
  reshape: {
    name: 'reshape',
    doc: 'The same elements in row-major order under another shape.',
    kind: 'view',
    arity: 1,
    attrs: { shape: 'shape' },
    infer: (inputs, attrs) => {
      const { shape, dtype } = typeOf(inputs);
      const next = attrs['shape'] as readonly number[];
      return elements(next) === elements(shape)
        ? { shape: next, dtype }
        : `${showShape(shape)} does not have the elements of ${showShape(next)}`;
    },
    reference: (call) => at(call.inputs, 0),
    gradient: (g, site) => g.add('reshape', [site.dy], { shape: g.node(at(site.inputs, 0)).shape }),
    samples: [sample([3, 4], { shape: [2, 6] }), sample([], { shape: [1, 1] }), sample([1, 5], { shape: [5] })],
    tolerance: exact,
    flops: free,
  },
  decoded: {
    name: 'decoded',
    doc: 'The first elements of a flat value under a shape, worked out in every kernel that reads them and never stored: a tensor that stands in memory in fewer bits.',
    kind: 'view',
    arity: 1,
    attrs: { shape: 'shape' },
    infer: (inputs, attrs) => {
      const { shape, dtype } = typeOf(inputs);
      const next = attrs['shape'] as readonly number[];
      if (shape.length !== 1) return `the operand must be flat, not ${showShape(shape)}`;
      return elements(next) <= elements(shape) ? { shape: next, dtype } : `${showShape(shape)} has too few elements for ${showShape(next)}`;
    },
    reference: (call) => at(call.inputs, 0).subarray(0, elements(call.out.shape)),
    gradient: (g, site) => {
      const { shape } = g.node(at(site.inputs, 0));
      const size = elements(g.node(site.output).shape);
      const flat = g.add('reshape', [site.dy], { shape: [size] });
      return size === elements(shape) ? flat : g.add('pad', [flat], { axis: 0, before: 0, after: elements(shape) - size });
    },
    samples: [sample([12], { shape: [3, 4] }), sample([8], { shape: [7] })],
    tolerance: exact,
    flops: free,
  },
  checkpoint: {
    name: 'checkpoint',
    doc: 'The operand as it is: where a layer begins or ends. What is computed again for the gradient begins with one of a phase above 0.',
    kind: 'view',
    arity: 1,
    attrs: { phase: 'count' },
    infer: (inputs) => typeOf(inputs),
    reference: (call) => at(call.inputs, 0),
    gradient: (_, site) => site.dy,
    samples: [sample([3, 4], { phase: 0 })],
    tolerance: exact,
    flops: free,
  },
  permute: {
    name: 'permute',
    doc: 'Axes in another order: axis i of the result is axis perm[i] of the operand.',
    kind: 'view',
    arity: 1,
    attrs: { perm: 'axes' },
    infer: (inputs, attrs) => {
      const { shape, dtype } = typeOf(inputs);
      const perm = attrs['perm'] as readonly number[];
      if (perm.length !== shape.length || shape.some((_, i) => !perm.includes(i)))
        return `[${perm.join(', ')}] does not order the axes of ${showShape(shape)}`;
      return { shape: perm.map((p) => at(shape, p)), dtype };
    },
    reference: (call) => {
      const own = strides(at(call.types, 0).shape);
      return pick(
        call,
        0,
        (call.attrs['perm'] as readonly number[]).map((p) => at(own, p)),
      );
    },
    gradient: (g, site) => {
      const perm = site.attrs['perm'] as readonly number[];
      return g.add('permute', [site.dy], { perm: perm.map((_, i) => perm.indexOf(i)) });
    },
    samples: [sample([3, 4], { perm: [1, 0] }), sample([2, 3, 4], { perm: [2, 0, 1] })],
    tolerance: exact,
    flops: free,
  },
  broadcast: {
    name: 'broadcast',
    doc: 'Axes of size 1 repeated; the rank stays.',
    kind: 'view',
    arity: 1,
    attrs: { shape: 'shape' },
    infer: (inputs, attrs) => {
      const { shape, dtype } = typeOf(inputs);
      const next = attrs['shape'] as readonly number[];
      const fits = next.length === shape.length && shape.every((n, i) => n === 1 || n === next[i]);
      return fits ? { shape: next, dtype } : `${showShape(shape)} does not expand to ${showShape(next)}`;
    },
    reference: (call) => {
      const { shape } = at(call.types, 0);
      return pick(
        call,
        0,
        strides(shape).map((s, i) => (at(shape, i) === 1 ? 0 : s)),
      );
    },
    gradient: (g, site) => {
      const from = g.node(at(site.inputs, 0)).shape;
      const to = g.node(site.output).shape;
      const axes = from.flatMap((n, i) => (n === 1 && at(to, i) !== 1 ? [i] : []));
      return g.add('reshape', [g.add('sum', [site.dy], { axes })], { shape: from });
    },
    samples: [sample([1, 4], { shape: [3, 4] }), sample([2, 1, 3, 1], { shape: [2, 4, 3, 2] })],
    tolerance: exact,
    flops: free,
  },
  slice: {
    name: 'slice',
    doc: 'A range of one axis.',
    kind: 'view',
    arity: 1,
    attrs: { axis: 'count', start: 'count', length: 'count' },
    infer: (inputs, attrs) => {
      const [start, length] = [number(attrs, 'start'), number(attrs, 'length')];
      return onAxis(inputs, attrs, (n) =>
        length > 0 && start + length <= n ? length : `${start} to ${start + length} is not a range of ${n}`,
      );
    },
    reference: (call) => {
      const own = strides(at(call.types, 0).shape);
      return pick(call, number(call.attrs, 'start') * at(own, axisOf(call.attrs)), own);
    },
    gradient: (g, site) => {
      const axis = axisOf(site.attrs);
      const before = number(site.attrs, 'start');
      const after = at(g.node(at(site.inputs, 0)).shape, axis) - before - number(site.attrs, 'length');
      return g.add('pad', [site.dy], { axis, before, after });
    },
    samples: [sample([7], { axis: 0, start: 2, length: 3 }), sample([2, 5, 3], { axis: 1, start: 0, length: 4 })],
    tolerance: exact,
    flops: free,
  },
  flip: {
    name: 'flip',
    doc: 'One axis in reverse order.',
    kind: 'view',
    arity: 1,
    attrs: { axis: 'count' },
    infer: (inputs, attrs) => onAxis(inputs, attrs, (n) => n),
    reference: (call) => {
      const { shape } = at(call.types, 0);
      const own = strides(shape);
      const axis = axisOf(call.attrs);
      return pick(
        call,
        at(own, axis) * (at(shape, axis) - 1),
        own.map((s, i) => (i === axis ? -s : s)),
      );
    },
    gradient: (g, site) => g.add('flip', [site.dy], site.attrs),
    samples: [sample([5], { axis: 0 }), sample([2, 3, 4], { axis: 1 })],
    tolerance: exact,
    flops: free,
  },
  pad: {
    name: 'pad',
    doc: 'Zeros before and after one axis.',
    kind: 'view',
    arity: 1,
    attrs: { axis: 'count', before: 'count', after: 'count' },
    infer: (inputs, attrs) => onAxis(inputs, attrs, (n) => n + number(attrs, 'before') + number(attrs, 'after')),
    reference: pad,
    gradient: (g, site) => {
      const axis = axisOf(site.attrs);
      return g.add('slice', [site.dy], { axis, start: number(site.attrs, 'before'), length: at(g.node(at(site.inputs, 0)).shape, axis) });
    },
    samples: [sample([4], { axis: 0, before: 1, after: 2 }), sample([2, 3, 2], { axis: 1, before: 0, after: 3 })],
    tolerance: exact,
    flops: free,
  },
} satisfies Record<string, Op>;
