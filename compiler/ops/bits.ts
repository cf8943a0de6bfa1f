/**
 * @file Bits: elementwise ops that take numbers apart and put them together, for values that are stored in fewer than 32 bits.
 * Whole numbers are 32-bit patterns here; what is taken out of one is unsigned.
 */
import { at, elements, sameShape, showShape, type DType, type Domain, type Op, type ValueType } from './op.js';

interface BitOp {
  readonly name: string;
  readonly doc: string;
  readonly takes: readonly DType[];
  readonly gives: DType;
  readonly value: (a: number, b: number) => number;
  readonly wgsl: (a: string, b: string) => string;
  readonly domains: readonly Domain[];
}

const shapes: readonly (readonly number[])[] = [[7], [3, 5]];

function define(bit: BitOp): Op {
  const infer = (inputs: readonly ValueType[]): ValueType | string => {
    const { shape } = at(inputs, 0);
    const wrong = inputs.findIndex((v, i) => v.dtype !== bit.takes[i]);
    if (wrong >= 0) return `operand ${wrong} must be ${String(bit.takes[wrong])}, not ${at(inputs, wrong).dtype}`;
    const other = inputs.find((v) => !sameShape(v.shape, shape));
    return other ? `the operands have different shapes: ${showShape(shape)} and ${showShape(other.shape)}` : { shape, dtype: bit.gives };
  };
  return {
    name: bit.name,
    doc: bit.doc,
    kind: 'elementwise',
    arity: bit.takes.length,
    attrs: {},
    infer,
    reference: ({ inputs, out }) => {
      const result = new Float64Array(elements(out.shape));
      const a = at(inputs, 0);
      const b = inputs[1] ?? a;
      for (let i = 0; i < result.length; i += 1) result[i] = bit.value(a[i] as number, b[i] as number);
      return result;
    },
    wgsl: (args) => bit.wgsl(args[0] as string, args[1] ?? ''),
    gradient: () => undefined,
    ...(bit.takes.includes('f32') ? { stops: true as const } : {}),
    samples: shapes.map((shape) => ({ types: bit.takes.map((dtype) => ({ shape, dtype })), domains: bit.domains, attrs: {} })),
    tolerance: { relative: 0, absolute: 0 },
    flops: (_, out) => elements(out.shape),
  };
}

const word: Domain = { low: -(2 ** 24), high: 2 ** 24, whole: true };
/** Patterns of 16 bits without those of infinities and what is no number. */
const finite16: Domain = { low: 0, high: 0x7bff, whole: true };
const real: Domain = { low: -3, high: 3 };

const scratch = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The value of a 16-bit float (IEEE 754 binary16). */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The nearest 16-bit float, ties to even; beyond the largest it is infinite. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // The exponent as f32 has it: a logarithm would be wrong beside powers of two, and slow.
  const exponent = Math.max(-14, ((bitsOf(size) >>> 23) & 255) - 127);
  const step = 2 ** (exponent - 10);
  const scaled = size / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const whole = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  // A fraction that rounds up to 2048 carries into the exponent, which is what adding does.
  return size === 0 ? sign : sign | (exponent === -14 && whole < 1024 ? whole : (exponent + 14) * 1024 + whole);
}

/** The upper half of an f32 (bfloat16), to nearest, ties to even. */
export function toBrain(value: number): number {
  const bits = bitsOf(value);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The ops on bits. */
export const bitOps = {
  shift_right: define({
    name: 'shift_right',
    doc: 'The bits of a whole number moved down by 0 to 31 places; zeros come in above.',
    takes: ['i32', 'i32'],
    gives: 'i32',
    value: (a, b) => (a >>> b) | 0,
    wgsl: (a, b) => `bitcast<i32>(bitcast<u32>(${a}) >> bitcast<u32>(${b}))`,
    domains: [word, { low: 0, high: 31, whole: true }],
  }),
  bit_and: define({
    name: 'bit_and',
    doc: 'The bits that two whole numbers share.',
    takes: ['i32', 'i32'],
    gives: 'i32',
    value: (a, b) => a & b,
    wgsl: (a, b) => `(${a} & ${b})`,
    domains: [word, word],
  }),
  round_f32: define({
    name: 'round_f32',
    doc: 'The nearest number that f32 holds: nothing on a device, but a formula for the host can say where f32 rounds.',
    takes: ['f32'],
    gives: 'f32',
    value: Math.fround,
    wgsl: (a) => a,
    domains: [real],
  }),
  from_f16: define({
    name: 'from_f16',
    doc: 'The value of a 16-bit float (IEEE 754 binary16) by its bits.',
    takes: ['i32'],
    gives: 'f32',
    value: fromHalf,
    wgsl: (a) => `unpack2x16float(bitcast<u32>(${a})).x`,
    domains: [finite16],
  }),
  to_f16: define({
    name: 'to_f16',
    doc: 'The bits of the nearest 16-bit float.',
    takes: ['f32'],
    gives: 'i32',
    value: toHalf,
    wgsl: (a) => `bitcast<i32>(pack2x16float(vec2<f32>(${a}, 0.0)) & 0xffffu)`,
    domains: [real],
  }),
  from_bf16: define({
    name: 'from_bf16',
    doc: 'The value of a bfloat16 by its bits: the upper half of an f32.',
    takes: ['i32'],
    gives: 'f32',
    value: (a) => floatOf(a << 16),
    wgsl: (a) => `bitcast<f32>(bitcast<u32>(${a}) << 16u)`,
    domains: [finite16],
  }),
  to_bf16: define({
    name: 'to_bf16',
    doc: 'The bits of the nearest bfloat16.',
    takes: ['f32'],
    gives: 'i32',
    value: toBrain,
    wgsl: (a) => `bitcast<i32>((bitcast<u32>(${a}) + 0x7fffu + ((bitcast<u32>(${a}) >> 16u) & 1u)) >> 16u)`,
    domains: [real],
  }),
} satisfies Record<string, Op>;
