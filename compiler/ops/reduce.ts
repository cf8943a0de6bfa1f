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

/** The reductions. */
export const reductionOps = {
  sum: {
    name: 'sum',
    doc: 'Sum over axes, which go away.',
    kind: 'reduction',
    arity: 1,
    attrs: { axes: 'axes' },
    infer: (inputs, attrs) => infer(inputs, attrs['axes'] as readonly number[]),
    reference: (call) => reduce(call, 0, (a, b) => a + b),
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
