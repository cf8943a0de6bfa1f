/**
 * @file Elementwise ops: operands of one shape, one scalar function. A comparison gives f32 0 or 1; `select` takes a
 * condition that holds where it is not 0. Where two branches meet (max, min, abs at 0) the gradient is one-sided: at a tie
 * `max` and `min` pass it to their second operand, so that max(x, 0) has gradient 0 at 0.
 */
import { erf, erfWgsl, expWgsl, powWgsl, tanhWgsl } from './functions.js';
import {
  at,
  elements,
  sameShape,
  showShape,
  type DType,
  type Domain,
  type Emitter,
  type NodeId,
  type Op,
  type Sample,
  type Site,
  type Tolerance,
  type ValueType,
} from './op.js';

interface Scalar {
  readonly name: string;
  readonly doc: string;
  /** `f32` only, or `any` one element type. */
  readonly takes: 'f32' | 'any';
  /** Result: the operands' element type, or f32. */
  readonly gives: 'same' | 'f32';
  readonly value: (...args: number[]) => number;
  readonly wgsl: (...args: string[]) => string;
  readonly prelude?: readonly string[];
  readonly gradient: readonly (((g: Emitter, site: Site) => NodeId) | undefined)[];
  readonly domains: readonly Domain[];
  readonly tolerance?: Tolerance;
}

const any: Domain = { low: -3, high: 3 };
const positive: Domain = { low: 0.3, high: 4 };
const untied: Domain = { low: -3, high: 3, avoid: 'ties' };
const few: Domain = { low: -1, high: 1, whole: true };
const rounded: Tolerance = { relative: 2 ** -23, absolute: 0 };

const sampleShapes: readonly (readonly number[])[] = [[], [7], [3, 5]];

function elementwiseSamples(domains: readonly Domain[], dtypes: readonly DType[]): Sample[] {
  return dtypes.flatMap((dtype) =>
    sampleShapes.map((shape) => ({
      types: domains.map(() => ({ shape, dtype })),
      domains: domains.map((d) => (dtype === 'i32' ? { low: Math.floor(d.low) - 5, high: Math.ceil(d.high) + 5, whole: true } : d)),
      attrs: {},
    })),
  );
}

function oneShape(inputs: readonly ValueType[]): string | undefined {
  const first = at(inputs, 0).shape;
  const other = inputs.find((v) => !sameShape(v.shape, first));
  return other && `the operands have different shapes: ${showShape(first)} and ${showShape(other.shape)}`;
}

function infer(scalar: Scalar, inputs: readonly ValueType[]): ValueType | string {
  const first = at(inputs, 0);
  const other = inputs.find((v) => v.dtype !== first.dtype);
  if (other) return `the operands have different element types: ${first.dtype} and ${other.dtype}`;
  if (scalar.takes === 'f32' && first.dtype !== 'f32') return `the operands must be real, not ${first.dtype}`;
  return oneShape(inputs) ?? { shape: first.shape, dtype: scalar.gives === 'same' ? first.dtype : 'f32' };
}

/** Numbers without their fraction, within 32 bits. */
function wholeNumbers(x: Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += 1) {
    const v = x[i] as number;
    out[i] = v > -(2 ** 31) && v < 2 ** 31 ? v | 0 : Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.trunc(v)));
  }
  return out;
}

/** The commonest ops in loops of their own: a loop that calls any function takes ten times as long. */
const loops: Readonly<Record<string, (a: Float64Array, b: Float64Array, out: Float64Array) => void>> = {
  add: (a, b, out) => {
    for (let i = 0; i < out.length; i += 1) out[i] = (a[i] as number) + (b[i] as number);
  },
  sub: (a, b, out) => {
    for (let i = 0; i < out.length; i += 1) out[i] = (a[i] as number) - (b[i] as number);
  },
  mul: (a, b, out) => {
    for (let i = 0; i < out.length; i += 1) out[i] = (a[i] as number) * (b[i] as number);
  },
  less: (a, b, out) => {
    for (let i = 0; i < out.length; i += 1) out[i] = (a[i] as number) < (b[i] as number) ? 1 : 0;
  },
};

function map(name: string, fn: (...args: number[]) => number, inputs: readonly Float64Array[], out: ValueType): Float64Array {
  const n = elements(out.shape);
  const result = new Float64Array(n);
  const [a, b] = inputs as readonly [Float64Array, Float64Array];
  const loop = loops[name];
  if (loop !== undefined) loop(a, b, result);
  else if (inputs.length === 1) for (let i = 0; i < n; i += 1) result[i] = fn(a[i] as number);
  else for (let i = 0; i < n; i += 1) result[i] = fn(a[i] as number, b[i] as number);
  if (out.dtype === 'i32') for (let i = 0; i < n; i += 1) result[i] = (result[i] as number) | 0;
  return result;
}

function define(scalar: Scalar): Op {
  return {
    name: scalar.name,
    doc: scalar.doc,
    kind: 'elementwise',
    arity: scalar.domains.length,
    attrs: {},
    infer: (inputs) => infer(scalar, inputs),
    reference: (call) => map(scalar.name, scalar.value, call.inputs, call.out),
    wgsl: (args) => scalar.wgsl(...args),
    ...(scalar.prelude === undefined ? {} : { prelude: scalar.prelude }),
    gradient: (g, site, index) => scalar.gradient[index]?.(g, site),
    samples: elementwiseSamples(scalar.domains, scalar.takes === 'f32' ? ['f32'] : ['f32', 'i32']),
    tolerance: scalar.tolerance ?? rounded,
    flops: (_, out) => elements(out.shape),
  };
}

const x = (s: Site): NodeId => at(s.inputs, 0);
const y = (s: Site): NodeId => at(s.inputs, 1);
const like = (g: Emitter, s: Site, value: number): NodeId => g.constant(value, g.node(s.output).shape);
const mul = (g: Emitter, a: NodeId, b: NodeId): NodeId => g.add('mul', [a, b]);
const when = (g: Emitter, s: Site, condition: NodeId): NodeId => g.add('select', [condition, s.dy, like(g, s, 0)]);
const unless = (g: Emitter, s: Site, condition: NodeId): NodeId => g.add('select', [condition, like(g, s, 0), s.dy]);

/** The elementwise ops. */
export const elementwiseOps = {
  neg: define({
    name: 'neg',
    doc: '-x.',
    takes: 'any',
    gives: 'same',
    domains: [any],
    value: (a) => -a,
    wgsl: (a) => `(-${a})`,
    gradient: [(g, s) => g.add('neg', [s.dy])],
  }),
  exp: define({
    name: 'exp',
    doc: 'eˣ.',
    takes: 'f32',
    gives: 'same',
    domains: [any],
    tolerance: { relative: 2e-6, absolute: 0 },
    value: Math.exp,
    wgsl: (a) => `exp_f32(${a})`,
    prelude: [expWgsl],
    gradient: [(g, s) => mul(g, s.dy, s.output)],
  }),
  log: define({
    name: 'log',
    doc: 'Natural logarithm.',
    takes: 'f32',
    gives: 'same',
    domains: [positive],
    tolerance: { relative: 5e-7, absolute: 5e-7 },
    value: Math.log,
    wgsl: (a) => `log(${a})`,
    gradient: [(g, s) => g.add('div', [s.dy, x(s)])],
  }),
  sqrt: define({
    name: 'sqrt',
    doc: 'Square root.',
    takes: 'f32',
    gives: 'same',
    domains: [positive],
    tolerance: { relative: 5e-7, absolute: 0 },
    value: Math.sqrt,
    wgsl: (a) => `sqrt(${a})`,
    gradient: [(g, s) => g.add('div', [mul(g, s.dy, like(g, s, 0.5)), s.output])],
  }),
  tanh: define({
    name: 'tanh',
    doc: 'Hyperbolic tangent.',
    takes: 'f32',
    gives: 'same',
    domains: [any],
    tolerance: { relative: 2e-6, absolute: 0 },
    value: Math.tanh,
    wgsl: (a) => `tanh_f32(${a})`,
    prelude: [expWgsl, tanhWgsl],
    gradient: [(g, s) => mul(g, s.dy, g.add('sub', [like(g, s, 1), mul(g, s.output, s.output)]))],
  }),
  erf: define({
    name: 'erf',
    doc: 'Error function.',
    takes: 'f32',
    gives: 'same',
    domains: [any],
    tolerance: { relative: 1e-6, absolute: 0 },
    value: erf,
    wgsl: (a) => `erf_f32(${a})`,
    prelude: [expWgsl, erfWgsl],
    gradient: [(g, s) => mul(g, s.dy, mul(g, g.add('exp', [g.add('neg', [mul(g, x(s), x(s))])]), like(g, s, 2 / Math.sqrt(Math.PI))))],
  }),
  sin: define({
    name: 'sin',
    doc: 'Sine; kernels are accurate to 2⁻¹¹ within ±π, as WGSL promises.',
    takes: 'f32',
    gives: 'same',
    domains: [any],
    tolerance: { relative: 0, absolute: 2 ** -11 },
    value: Math.sin,
    wgsl: (a) => `sin(${a})`,
    gradient: [(g, s) => mul(g, s.dy, g.add('cos', [x(s)]))],
  }),
  cos: define({
    name: 'cos',
    doc: 'Cosine; kernels are accurate to 2⁻¹¹ within ±π, as WGSL promises.',
    takes: 'f32',
    gives: 'same',
    domains: [any],
    tolerance: { relative: 0, absolute: 2 ** -11 },
    value: Math.cos,
    wgsl: (a) => `cos(${a})`,
    gradient: [(g, s) => g.add('neg', [mul(g, s.dy, g.add('sin', [x(s)]))])],
  }),
  floor: define({
    name: 'floor',
    doc: 'Largest whole number not above x.',
    takes: 'f32',
    gives: 'same',
    domains: [{ ...any, avoid: 'integers' }],
    value: Math.floor,
    wgsl: (a) => `floor(${a})`,
    gradient: [undefined],
  }),
  abs: define({
    name: 'abs',
    doc: '|x|.',
    takes: 'any',
    gives: 'same',
    domains: [{ ...any, avoid: 'zero' }],
    value: Math.abs,
    wgsl: (a) => `abs(${a})`,
    gradient: [
      (g, s) => g.add('sub', [when(g, s, g.add('less', [like(g, s, 0), x(s)])), when(g, s, g.add('less', [x(s), like(g, s, 0)]))]),
    ],
  }),
  add: define({
    name: 'add',
    doc: 'x + y.',
    takes: 'any',
    gives: 'same',
    domains: [any, any],
    value: (a, b) => a + b,
    wgsl: (a, b) => `(${a} + ${b})`,
    gradient: [(_, s) => s.dy, (_, s) => s.dy],
  }),
  sub: define({
    name: 'sub',
    doc: 'x - y.',
    takes: 'any',
    gives: 'same',
    domains: [any, any],
    value: (a, b) => a - b,
    wgsl: (a, b) => `(${a} - ${b})`,
    gradient: [(_, s) => s.dy, (g, s) => g.add('neg', [s.dy])],
  }),
  mul: define({
    name: 'mul',
    doc: 'x · y.',
    takes: 'any',
    gives: 'same',
    domains: [any, any],
    value: (a, b) => a * b,
    wgsl: (a, b) => `(${a} * ${b})`,
    gradient: [(g, s) => mul(g, s.dy, y(s)), (g, s) => mul(g, s.dy, x(s))],
  }),
  div: define({
    name: 'div',
    doc: 'x / y.',
    takes: 'f32',
    gives: 'same',
    domains: [any, positive],
    tolerance: { relative: 5e-7, absolute: 0 },
    value: (a, b) => a / b,
    wgsl: (a, b) => `(${a} / ${b})`,
    gradient: [(g, s) => g.add('div', [s.dy, y(s)]), (g, s) => g.add('neg', [g.add('div', [mul(g, s.dy, s.output), y(s)])])],
  }),
  max: define({
    name: 'max',
    doc: 'The larger of x and y.',
    takes: 'any',
    gives: 'same',
    domains: [untied, untied],
    value: Math.max,
    wgsl: (a, b) => `max(${a}, ${b})`,
    gradient: [(g, s) => when(g, s, g.add('less', [y(s), x(s)])), (g, s) => unless(g, s, g.add('less', [y(s), x(s)]))],
  }),
  min: define({
    name: 'min',
    doc: 'The smaller of x and y.',
    takes: 'any',
    gives: 'same',
    domains: [untied, untied],
    value: Math.min,
    wgsl: (a, b) => `min(${a}, ${b})`,
    gradient: [(g, s) => when(g, s, g.add('less', [x(s), y(s)])), (g, s) => unless(g, s, g.add('less', [x(s), y(s)]))],
  }),
  pow: define({
    name: 'pow',
    doc: 'xʸ, for x > 0, or any x where y is whole.',
    takes: 'f32',
    gives: 'same',
    domains: [positive, any],
    tolerance: { relative: 1e-5, absolute: 0 },
    value: (a, b) => a ** b,
    wgsl: (a, b) => `pow_f32(${a}, ${b})`,
    prelude: [powWgsl],
    gradient: [
      (g, s) => mul(g, s.dy, mul(g, y(s), g.add('pow', [x(s), g.add('sub', [y(s), like(g, s, 1)])]))),
      (g, s) => mul(g, s.dy, mul(g, s.output, g.add('log', [x(s)]))),
    ],
  }),
  less: define({
    name: 'less',
    doc: '1 where x < y, else 0.',
    takes: 'any',
    gives: 'f32',
    domains: [untied, untied],
    value: (a, b) => (a < b ? 1 : 0),
    wgsl: (a, b) => `select(0.0, 1.0, ${a} < ${b})`,
    gradient: [undefined, undefined],
  }),
  equal: define({
    name: 'equal',
    doc: '1 where x = y, else 0.',
    takes: 'any',
    gives: 'f32',
    domains: [few, few],
    value: (a, b) => (a === b ? 1 : 0),
    wgsl: (a, b) => `select(0.0, 1.0, ${a} == ${b})`,
    gradient: [undefined, undefined],
  }),
  select: {
    name: 'select',
    doc: 'The second operand where the first (real) is not 0, else the third.',
    kind: 'elementwise',
    arity: 3,
    attrs: {},
    infer: (inputs) => {
      const [condition, yes, no] = inputs as readonly [ValueType, ValueType, ValueType];
      if (condition.dtype !== 'f32') return 'the condition must be real';
      if (yes.dtype !== no.dtype) return `the branches have different element types: ${yes.dtype} and ${no.dtype}`;
      return oneShape(inputs) ?? { shape: yes.shape, dtype: yes.dtype };
    },
    reference: ({ inputs, out }) => {
      const [condition, yes, no] = inputs as readonly [Float64Array, Float64Array, Float64Array];
      return new Float64Array(elements(out.shape)).map((_, i) => at(condition[i] === 0 ? no : yes, i));
    },
    wgsl: ([condition, yes, no]) => `select(${no}, ${yes}, ${condition} != 0.0)`,
    gradient: (g, s, index) => (index === 0 ? undefined : (index === 1 ? when : unless)(g, s, x(s))),
    samples: (['f32', 'i32'] as const).flatMap((dtype) =>
      sampleShapes.map((shape) => ({
        types: [
          { shape, dtype: 'f32' as const },
          { shape, dtype },
          { shape, dtype },
        ],
        domains: [{ low: 0, high: 1, whole: true }, any, any].map((d, i) =>
          i > 0 && dtype === 'i32' ? { low: -9, high: 9, whole: true } : d,
        ),
        attrs: {},
      })),
    ),
    tolerance: rounded,
    flops: (_, out) => elements(out.shape),
  },
  cast: {
    name: 'cast',
    doc: 'Changes the element type; towards whole numbers it cuts off the fraction.',
    kind: 'elementwise',
    arity: 1,
    attrs: { dtype: 'dtype' },
    infer: ([a], attrs) => ({ shape: (a as ValueType).shape, dtype: attrs['dtype'] as DType }),
    reference: ({ inputs, out }) => (out.dtype === 'f32' ? at(inputs, 0) : wholeNumbers(at(inputs, 0))),
    wgsl: ([a], out) => `${out}(${a})`,
    gradient: (g, s) => (g.node(s.output).dtype === 'f32' ? s.dy : undefined),
    samples: [
      { types: [{ shape: [9], dtype: 'i32' }], domains: [{ low: -50, high: 50, whole: true }], attrs: { dtype: 'f32' } },
      { types: [{ shape: [9], dtype: 'f32' }], domains: [{ low: -50, high: 50, avoid: 'integers' }], attrs: { dtype: 'i32' } },
      { types: [{ shape: [2, 3], dtype: 'f32' }], domains: [any], attrs: { dtype: 'f32' } },
    ],
    tolerance: rounded,
    flops: () => 0,
  },
  stop_gradient: {
    name: 'stop_gradient',
    doc: 'x itself, treated as a constant by the gradient.',
    kind: 'elementwise',
    arity: 1,
    attrs: {},
    infer: ([a]) => a as ValueType,
    reference: ({ inputs }) => at(inputs, 0),
    wgsl: ([a]) => a as string,
    gradient: () => undefined,
    stops: true,
    samples: [{ types: [{ shape: [2, 3], dtype: 'f32' }], domains: [any], attrs: {} }],
    tolerance: { relative: 0, absolute: 0 },
    flops: () => 0,
  },
} satisfies Record<string, Op>;
