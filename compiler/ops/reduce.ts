/**
 * @file Reductions: axes go away. `argmax` gives the first of equal largest elements; the gradient of `amax` is shared
 * equally among them.
 */
import {
  at,
  elements,
  strides,
  type Call,
  type Domain,
  type Emitter,
  type NodeId,
  type Op,
  type Sample,
  type Site,
  type ValueType,
} from './op.js';

function reducedShape(shape: readonly number[], axes: readonly number[]): number[] | string {
  if (axes.some((a, i) => a >= shape.length || axes.indexOf(a) !== i))
    return `axes [${axes.join(', ')}] are not different axes of [${shape.join(', ')}]`;
  return shape.filter((_, i) => !axes.includes(i));
}

function infer([input]: readonly ValueType[], axes: readonly number[]): ValueType | string {
  const { shape, dtype } = input as ValueType;
  if (dtype !== 'f32') return `the operand must be real, not ${dtype}`;
  const out = reducedShape(shape, axes);
  return typeof out === 'string' ? out : { shape: out, dtype };
}

/** Combines the elements that share an output index, in row-major order. */
function reduce(call: Call, start: number, combine: (a: number, b: number) => number): Float64Array {
  const shape = at(call.types, 0).shape;
  const axes = call.attrs['axes'] as readonly number[];
  const kept = strides(call.out.shape);
  let next = 0;
  const step = shape.map((_, i) => (axes.includes(i) ? 0 : at(kept, next++)));
  const out = new Float64Array(elements(call.out.shape)).fill(start);
  const input = at(call.inputs, 0);
  if (axes.length === 1 && axes[0] === shape.length - 1) {
    const width = at(shape, shape.length - 1);
    for (let row = 0, i = 0; row < out.length; row += 1) {
      let value = start;
      for (const end = i + width; i < end; i += 1) value = combine(value, input[i] as number);
      out[row] = value;
    }
    return out;
  }
  const index = new Array<number>(shape.length).fill(0);
  let target = 0;
  for (let i = 0; i < input.length; i += 1) {
    out[target] = combine(out[target] as number, input[i] as number);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = at(index, axis) + 1;
      target += at(step, axis);
      if (at(index, axis) < at(shape, axis)) break;
      target -= at(step, axis) * at(shape, axis);
      index[axis] = 0;
    }
  }
  return out;
}

/** A reduced value with its axes put back and repeated. */
function restore(g: Emitter, node: NodeId, site: Site): NodeId {
  const shape = g.node(at(site.inputs, 0)).shape;
  const axes = site.attrs['axes'] as readonly number[];
  const kept = g.add('reshape', [node], { shape: shape.map((n, i) => (axes.includes(i) ? 1 : n)) });
  return g.add('broadcast', [kept], { shape });
}

const samplesOf = (domain: Domain): readonly Sample[] =>
  [
    { shape: [7], axes: [0] },
    { shape: [3, 5], axes: [1] },
    { shape: [3, 5], axes: [0] },
    { shape: [2, 3, 4], axes: [0, 2] },
  ].map(({ shape, axes }) => ({ types: [{ shape, dtype: 'f32' }], domains: [domain], attrs: { axes } }));

function argmax(call: Call): Float64Array {
  const width = at(at(call.types, 0).shape, at(call.types, 0).shape.length - 1);
  const input = at(call.inputs, 0);
  return new Float64Array(elements(call.out.shape)).map((_, row) => {
    let best = 0;
    for (let i = 1; i < width; i += 1) if ((input[row * width + i] as number) > (input[row * width + best] as number)) best = i;
    return best;
  });
}

/** Sums along the last axis, of a value that has no other or is summed along it alone. */
function singleSums(call: Call): Float64Array {
  const { shape } = at(call.types, 0);
  const axes = call.attrs['axes'] as readonly number[];
  if (axes.length !== 1 || axes[0] !== shape.length - 1) return reduce(call, 0, (a, b) => a + b);
  const width = at(shape, shape.length - 1);
  const input = at(call.inputs, 0);
  return new Float64Array(elements(call.out.shape)).map((_, row) => singleSum(input.subarray(row * width, (row + 1) * width)));
}

const mostLanes = 8;
const columns = 4;
const levels = 4;

/** A sum in f32 as PyTorch's CPU kernel adds a row (8 lanes, in 4 columns of lanes, each cascaded in 4 levels), in one thread. */
export function singleSum(x: ArrayLike<number>): number {
  const f = Math.fround;
  const value = (i: number): number => x[i] as number;
  const lanes = x.length < mostLanes ? 1 : mostLanes;
  const vectors = Math.floor(x.length / lanes);
  const rows = Math.floor(vectors / columns);
  const power = Math.max(4, Math.ceil(Math.log2(Math.max(1, rows)) / levels));
  const step = 2 ** power;
  const width = lanes * columns;
  const sums = Array.from({ length: levels }, () => new Float32Array(width));
  const [first] = sums as [Float32Array, ...Float32Array[]];
  let row = 0;
  const add = (): void => {
    for (let c = 0; c < width; c += 1) first[c] = (first[c] as number) + value(row * width + c);
    row += 1;
  };
  while (row + step <= rows) {
    for (let j = 0; j < step; j += 1) add();
    for (let level = 1; level < levels; level += 1) {
      const [to, from] = [sums[level] as Float32Array, sums[level - 1] as Float32Array];
      for (let c = 0; c < width; c += 1) to[c] = (to[c] as number) + (from[c] as number);
      from.fill(0);
      if ((row & ((step - 1) << (level * power))) !== 0) break;
    }
  }
  while (row < rows) add();
  for (let level = 1; level < levels; level += 1)
    for (let c = 0; c < width; c += 1) first[c] = (first[c] as number) + ((sums[level] as Float32Array)[c] as number);
  // Vectors that fill no row go to the first column; then the columns are added, what fills no vector, and the lanes.
  for (let v = rows * columns; v < vectors; v += 1)
    for (let l = 0; l < lanes; l += 1) first[l] = (first[l] as number) + value(v * lanes + l);
  for (let c = 1; c < columns; c += 1)
    for (let l = 0; l < lanes; l += 1) first[l] = (first[l] as number) + (first[c * lanes + l] as number);
  let sum = 0;
  for (let i = vectors * lanes; i < x.length; i += 1) sum = f(sum + value(i));
  for (let l = 0; l < lanes; l += 1) sum = f(sum + (first[l] as number));
  return sum;
}

/** The reductions. */
export const reductionOps = {
  sum: {
    name: 'sum',
    doc: 'Sum over axes, which go away. `single`: of one axis, each addition rounded to f32, in the order PyTorch has on the processor; a device adds in an order of its own.',
    kind: 'reduction',
    arity: 1,
    attrs: { axes: 'axes', single: 'flag' },
    infer: (inputs, attrs) => infer(inputs, attrs['axes'] as readonly number[]),
    reference: (call) => (call.attrs['single'] === 1 ? singleSums(call) : reduce(call, 0, (a, b) => a + b)),
    gradient: (g, site) => restore(g, site.dy, site),
    samples: samplesOf({ low: -3, high: 3 }),
    tolerance: { relative: 2 ** -23, absolute: 0, accumulates: true },
    flops: ([input]) => elements((input as ValueType).shape),
  },
  amax: {
    name: 'amax',
    doc: 'Largest element over axes, which go away.',
    kind: 'reduction',
    arity: 1,
    attrs: { axes: 'axes' },
    infer: (inputs, attrs) => infer(inputs, attrs['axes'] as readonly number[]),
    reference: (call) => reduce(call, -Infinity, Math.max),
    gradient: (g, site) => {
      const hit = g.add('equal', [at(site.inputs, 0), restore(g, site.output, site)]);
      const share = g.add('div', [site.dy, g.add('sum', [hit], site.attrs)]);
      return g.add('mul', [hit, restore(g, share, site)]);
    },
    samples: samplesOf({ low: -3, high: 3, avoid: 'ties' }),
    tolerance: { relative: 0, absolute: 0 },
    flops: ([input]) => elements((input as ValueType).shape),
  },
  argmax: {
    name: 'argmax',
    doc: 'Index of the first largest element along the last axis, which goes away.',
    kind: 'reduction',
    arity: 1,
    attrs: {},
    infer: ([input]) => {
      const { shape, dtype } = input as ValueType;
      if (dtype !== 'f32') return `the operand must be real, not ${dtype}`;
      return shape.length === 0 ? 'the operand has no axis' : { shape: shape.slice(0, -1), dtype: 'i32' };
    },
    reference: argmax,
    gradient: () => undefined,
    samples: [[7], [3, 5], [2, 3, 4]].map((shape) => ({
      types: [{ shape, dtype: 'f32' }],
      domains: [{ low: -3, high: 3, avoid: 'ties' }],
      attrs: {},
    })),
    tolerance: { relative: 0, absolute: 0 },
    flops: ([input]) => elements((input as ValueType).shape),
  },
} satisfies Record<string, Op>;
