/**
 * @file Leaves: values that come from outside the graph or from nothing but their attributes.
 */
import { at, elements, type Attrs, type Call, type Op, type Sample, type ValueType } from './op.js';
import { randomKey, randomUniform } from './random.js';

const typed = (attrs: Attrs): ValueType => ({
  shape: attrs['shape'] as readonly number[],
  dtype: (attrs['dtype'] ?? 'f32') as ValueType['dtype'],
});
const none = (): undefined => undefined;
const free = (): number => 0;
const exact = { relative: 0, absolute: 0 };
const samples = (...attrs: readonly Attrs[]): readonly Sample[] => attrs.map((a) => ({ types: [], domains: [], attrs: a }));

function named(name: string, doc: string): Op {
  return {
    name,
    doc,
    kind: 'leaf',
    arity: 0,
    attrs: { name: 'name', shape: 'shape', dtype: 'dtype' },
    infer: (_, attrs) => typed(attrs),
    reference: (call) => call.feed(call.attrs['name'] as string),
    gradient: none,
    samples: samples({ name: 'x', shape: [2, 3], dtype: 'f32' }, { name: 'x', shape: [], dtype: 'f32' }),
    tolerance: exact,
    flops: free,
  };
}

function iota(call: Call): Float64Array {
  const shape = call.out.shape;
  const axis = call.attrs['axis'] as number;
  const size = at(shape, axis);
  const inner = elements(shape.slice(axis + 1));
  const out = new Float64Array(elements(shape));
  for (let i = 0; i < out.length; i += 1) out[i] = Math.floor(i / inner) % size;
  return out;
}

function random(call: Call): Float64Array {
  const key = randomKey(at(at(call.inputs, 0), 0), call.attrs['stream'] as number);
  const out = new Float64Array(elements(call.out.shape));
  for (let i = 0; i < out.length; i += 1) out[i] = randomUniform(key, i);
  return out;
}

/** The leaf ops. */
export const leafOps = {
  const: {
    name: 'const',
    doc: 'One number; its shape is [].',
    kind: 'leaf',
    arity: 0,
    attrs: { value: 'number', dtype: 'dtype' },
    infer: (_, attrs) => {
      const type = typed({ ...attrs, shape: [] });
      return type.dtype === 'i32' && !Number.isInteger(attrs['value']) ? `value ${String(attrs['value'])} is not a whole number` : type;
    },
    reference: (call) => Float64Array.of(call.attrs['value'] as number),
    gradient: none,
    samples: samples({ value: 1.5, dtype: 'f32' }, { value: -3, dtype: 'i32' }),
    tolerance: { relative: 2 ** -24, absolute: 0 },
    flops: free,
  },
  table: {
    name: 'table',
    doc: 'A constant tensor, with its elements in row-major order.',
    kind: 'leaf',
    arity: 0,
    attrs: { data: 'data', shape: 'shape', dtype: 'dtype' },
    infer: (_, attrs) => {
      const type = typed(attrs);
      const data = attrs['data'] as Float64Array;
      return data.length === elements(type.shape) ? type : `${data.length} numbers do not fill the shape [${type.shape.join(', ')}]`;
    },
    reference: (call) => call.attrs['data'] as Float64Array,
    gradient: none,
    samples: samples({ data: Float64Array.of(1, 2.5, -3, 4, 0, 6), shape: [2, 3], dtype: 'f32' }),
    tolerance: { relative: 2 ** -24, absolute: 0 },
    flops: free,
  },
  input: named('input', 'A tensor that the host writes before each run; of shape [], a number that the host computes.'),
  tensor: named('tensor', 'A persistent tensor: a weight, something trained, or the state of an optimiser.'),
  iota: {
    name: 'iota',
    doc: 'The index along one axis, repeated over the others.',
    kind: 'leaf',
    arity: 0,
    attrs: { axis: 'count', shape: 'shape', dtype: 'dtype' },
    infer: (_, attrs) => {
      const type = typed(attrs);
      return (attrs['axis'] as number) < type.shape.length
        ? type
        : `axis ${String(attrs['axis'])} is not an axis of [${type.shape.join(', ')}]`;
    },
    reference: iota,
    gradient: none,
    samples: samples({ axis: 0, shape: [4], dtype: 'f32' }, { axis: 1, shape: [2, 3, 2], dtype: 'i32' }),
    tolerance: exact,
    flops: free,
  },
  random: {
    name: 'random',
    doc: 'Uniform numbers in [0, 1) from the hash of seed, stream and flat index; the operand is the seed.',
    kind: 'leaf',
    arity: 1,
    attrs: { stream: 'count', shape: 'shape' },
    infer: ([seed], attrs) => (seed?.dtype === 'i32' && seed.shape.length === 0 ? typed(attrs) : 'the seed must be one whole number'),
    reference: random,
    gradient: none,
    samples: [{ types: [{ shape: [], dtype: 'i32' }], domains: [{ low: 0, high: 1e6, whole: true }], attrs: { stream: 3, shape: [5, 7] } }],
    tolerance: exact,
    flops: free,
  },
} satisfies Record<string, Op>;
