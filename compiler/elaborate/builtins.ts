/**
 * @file Builtin functions: one record each, with its documentation. They are the primitive operations of the graph in the
 * dress of the language, and a few functions on numbers, lists and shapes. Everything else is written in `stdlib/`.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { Bug } from '../bug.js';
import type { DType, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/ops.js';
import type { ScalarOp } from '../plan/program.js';
import { adaptedRows } from './adapter.js';
import { isTensorLike, toScalar } from './arithmetic.js';
import type { Elaboration } from './elaboration.js';
import { tooMany, unknownArgument, type EvaluatedArgument } from './arguments.js';
import { stop } from './stop.js';
import { commonShape, elementwise, expand, graphOf, shapeOf, toNode, transpose } from './tensors.js';
import { bool, describe, float, integer, type Value } from './value.js';

interface Builtin {
  readonly doc: string;
  /** Parameter names; a name with `?` may be left out. */
  readonly params: readonly string[];
  readonly run: (e: Elaboration, args: ReadonlyMap<string, Value>, span: Span) => Value;
}

const get = (args: ReadonlyMap<string, Value>, name: string): Value => args.get(name) as Value;

function int(args: ReadonlyMap<string, Value>, name: string, span: Span, fallback?: number): number {
  const value = args.get(name);
  if (value === undefined && fallback !== undefined) return fallback;
  if (value?.kind === 'number' && Number.isInteger(value.value)) return value.value;
  return stop('PEFT0230', span, `${name} must be a whole number, not ${value ? describe(value) : 'left out'}`);
}

function ints(args: ReadonlyMap<string, Value>, name: string, span: Span): number[] {
  const value = args.get(name);
  if (value?.kind !== 'list') return stop('PEFT0230', span, `${name} must be a list of whole numbers`);
  return value.items.map((item) =>
    item.kind === 'number' && Number.isInteger(item.value)
      ? item.value
      : stop('PEFT0230', span, `${name} must hold whole numbers, not ${describe(item)}`),
  );
}

/** Functions of one number that work on numbers, host numbers and tensors alike. */
function scalarFunction(op: OpName, doc: string, f: (x: number) => number, host?: ScalarOp): Builtin {
  return {
    doc,
    params: ['x'],
    run: (e, args, span) => {
      const x = get(args, 'x');
      if (x.kind === 'number') {
        const value = f(x.value);
        if (!Number.isFinite(value)) stop('PEFT0211', span, `the result of ${op}(${x.value}) is not a finite number`);
        return op === 'floor' || (op === 'abs' && x.integer) ? integer(value) : float(value);
      }
      if (x.kind === 'host' && host !== undefined) return { kind: 'host', expr: { op: host, args: [x.expr] } };
      return elementwise(e, op, [x], span);
    },
  };
}

function pairFunction(op: 'min' | 'max', doc: string, f: (x: number, y: number) => number): Builtin {
  return {
    doc,
    params: ['a', 'b'],
    run: (e, args, span) => {
      const a = get(args, 'a');
      const b = get(args, 'b');
      if (a.kind === 'number' && b.kind === 'number')
        return { kind: 'number', value: f(a.value, b.value), integer: a.integer && b.integer, ...(a.unit ? { unit: a.unit } : {}) };
      if (isTensorLike(a) || isTensorLike(b) || a.kind === 'list' || b.kind === 'list') return elementwise(e, op, [a, b], span);
      return { kind: 'host', expr: { op, args: [toScalar(a, span), toScalar(b, span)] } };
    },
  };
}

const axisOf = (axis: number, rank: number, span: Span): number => {
  const at = axis < 0 ? rank + axis : axis;
  if (at < 0 || at >= rank) stop('PEFT0309', span, `axis ${axis} is outside a tensor of ${rank} axes`);
  return at;
};

function reduction(op: 'sum' | 'amax', doc: string): Builtin {
  return {
    doc,
    params: ['x', 'axis?', 'keep?', ...(op === 'sum' ? ['single?'] : [])],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      let x = toNode(e, get(args, 'x'), span);
      if (g.node(x).dtype === 'i32') x = g.add('cast', [x], { dtype: 'f32' });
      const shape = shapeOf(g, x);
      if (shape.length === 0) return { kind: 'tensor', node: x };
      const axis = axisOf(int(args, 'axis', span, -1), shape.length, span);
      const keep = args.get('keep');
      const single = args.get('single');
      const out = g.add(op, [x], { axes: [axis], ...(single?.kind === 'bool' && single.value ? { single: 1 } : {}) });
      if (keep?.kind === 'bool' && !keep.value) return { kind: 'tensor', node: out };
      return { kind: 'tensor', node: g.add('reshape', [out], { shape: shape.map((n, i) => (i === axis ? 1 : n)) }) };
    },
  };
}

/** A function of the bits of two whole numbers. */
function bits(op: 'shift_right' | 'bit_and', doc: string, params: readonly [string, string]): Builtin {
  return {
    doc,
    params,
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const [a, b] = params.map((p) => toNode(e, get(args, p), span, 'i32')) as [NodeId, NodeId];
      const shape = commonShape(shapeOf(g, a), shapeOf(g, b), span);
      return node(g.add(op, [expand(g, a, shape, span), expand(g, b, shape, span)], {}));
    },
  };
}

/** A change between a number and its 16 bits. */
function halves(op: 'from_f16' | 'to_f16' | 'from_bf16' | 'to_bf16', doc: string, takes: DType): Builtin {
  return { doc, params: ['x'], run: (e, args, span) => node(graphOf(e, span).add(op, [toNode(e, get(args, 'x'), span, takes)], {})) };
}

/** A loop over more is a mistake. */
const longestRange = 65536;

const node = (id: NodeId): Value => ({ kind: 'tensor', node: id });

/** Every builtin function. */
export const builtins: Readonly<Record<string, Builtin>> = {
  exp: scalarFunction('exp', 'e to the power of x.', Math.exp, 'exp'),
  log: scalarFunction('log', 'Natural logarithm of x > 0.', Math.log, 'log'),
  sqrt: scalarFunction('sqrt', 'Square root of x >= 0.', Math.sqrt, 'sqrt'),
  tanh: scalarFunction('tanh', 'Hyperbolic tangent.', Math.tanh),
  erf: scalarFunction('erf', 'Error function; of tensors only.', () => NaN),
  sin: scalarFunction('sin', 'Sine.', Math.sin, 'sin'),
  cos: scalarFunction('cos', 'Cosine.', Math.cos, 'cos'),
  floor: scalarFunction('floor', 'Largest whole number not above x.', Math.floor, 'floor'),
  abs: scalarFunction('abs', 'Absolute value.', Math.abs),
  min: pairFunction('min', 'The smaller of two, element by element.', Math.min),
  max: pairFunction('max', 'The larger of two, element by element.', Math.max),
  ceil: {
    doc: 'Smallest whole number not below x.',
    params: ['x'],
    run: (_e, args, span) => {
      const x = get(args, 'x');
      return x.kind === 'number' ? integer(Math.ceil(x.value)) : { kind: 'host', expr: { op: 'ceil', args: [toScalar(x, span)] } };
    },
  },
  less: {
    doc: '1 where a < b, else 0.',
    params: ['a', 'b'],
    run: (e, args, span) => elementwise(e, 'less', [get(args, 'a'), get(args, 'b')], span),
  },
  equal: {
    doc: '1 where a = b, else 0.',
    params: ['a', 'b'],
    run: (e, args, span) => elementwise(e, 'equal', [get(args, 'a'), get(args, 'b')], span),
  },
  select: {
    doc: 'a where the condition is not 0, else b.',
    params: ['condition', 'a', 'b'],
    run: (e, args, span) => elementwise(e, 'select', [get(args, 'condition'), get(args, 'a'), get(args, 'b')], span),
  },
  sum: reduction(
    'sum',
    'Sum over one axis (the last), which is kept with size 1 unless keep is false; `single: true` adds in f32, in the order PyTorch has, where the host computes it.',
  ),
  amax: reduction('amax', 'Largest element over one axis (the last), which is kept with size 1 unless keep is false.'),
  argmax: {
    doc: 'Index of the largest element of each row; the last axis goes away.',
    params: ['x'],
    run: (e, args, span) => node(graphOf(e, span).add('argmax', [toNode(e, get(args, 'x'), span)], {})),
  },
  reshape: {
    doc: 'The same elements in another shape.',
    params: ['x', 'shape'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const x = toNode(e, get(args, 'x'), span);
      const shape = ints(args, 'shape', span);
      const count = (s: readonly number[]): number => s.reduce((a, b) => a * b, 1);
      if (count(shape) !== count(shapeOf(g, x)))
        stop('PEFT0310', span, `[${shapeOf(g, x).join(', ')}] cannot be reshaped to [${shape.join(', ')}]`);
      return node(g.add('reshape', [x], { shape }));
    },
  },
  permute: {
    doc: 'The axes in another order.',
    params: ['x', 'order'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const x = toNode(e, get(args, 'x'), span);
      const perm = ints(args, 'order', span);
      if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== shapeOf(g, x).length)
        stop('PEFT0310', span, `[${perm.join(', ')}] is not an order of ${shapeOf(g, x).length} axes`);
      return node(g.add('permute', [x], { perm }));
    },
  },
  transpose: {
    doc: 'The last two axes swapped; also written x.T.',
    params: ['x'],
    run: (e, args, span) => node(transpose(graphOf(e, span), toNode(e, get(args, 'x'), span), span)),
  },
  flip: {
    doc: 'One axis in reverse order.',
    params: ['x', 'axis'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const x = toNode(e, get(args, 'x'), span);
      return node(g.add('flip', [x], { axis: axisOf(int(args, 'axis', span), shapeOf(g, x).length, span) }));
    },
  },
  pad: {
    doc: 'Zeros before and after the elements of one axis.',
    params: ['x', 'axis', 'before', 'after'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const x = toNode(e, get(args, 'x'), span);
      return node(
        g.add('pad', [x], {
          axis: axisOf(int(args, 'axis', span), shapeOf(g, x).length, span),
          before: int(args, 'before', span),
          after: int(args, 'after', span),
        }),
      );
    },
  },
  gather: {
    doc: 'Rows of a table by index.',
    params: ['table', 'ids'],
    run: (e, args, span) => {
      const table = get(args, 'table');
      const ids = toNode(e, get(args, 'ids'), span, 'i32');
      return table.kind === 'effective'
        ? adaptedRows(e, table, ids, span)
        : node(graphOf(e, span).add('gather', [toNode(e, table, span), ids], {}));
    },
  },
  scatter: {
    doc: 'A tensor of zeros with so many rows, to which values are added at the rows that ids name; `sorted: true` promises that they ascend.',
    params: ['ids', 'values', 'rows', 'sorted?'],
    run: (e, args, span) => {
      const sorted = args.get('sorted');
      const attrs = { rows: int(args, 'rows', span), ...(sorted?.kind === 'bool' && sorted.value ? { sorted: 1 } : {}) };
      return node(
        graphOf(e, span).add('scatter_add', [toNode(e, get(args, 'ids'), span, 'i32'), toNode(e, get(args, 'values'), span)], attrs),
      );
    },
  },
  stop_gradient: {
    doc: 'The value, treated as a constant by the gradient.',
    params: ['x'],
    run: (e, args, span) => node(graphOf(e, span).add('stop_gradient', [toNode(e, get(args, 'x'), span)], {})),
  },
  iota: {
    doc: '0, 1, …, n-1 as real numbers.',
    params: ['n'],
    run: (e, args, span) => node(graphOf(e, span).add('iota', [], { shape: [int(args, 'n', span)], axis: 0, dtype: 'f32' })),
  },
  iota_int: {
    doc: '0, 1, …, n-1 as whole numbers, to index with.',
    params: ['n'],
    run: (e, args, span) => node(graphOf(e, span).add('iota', [], { shape: [int(args, 'n', span)], axis: 0, dtype: 'i32' })),
  },
  zeros_int: {
    doc: 'Zeros of a shape, as whole numbers.',
    params: ['shape'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const shape = ints(args, 'shape', span);
      const zero = g.add('reshape', [g.add('const', [], { value: 0, dtype: 'i32' })], { shape: shape.map(() => 1) });
      return node(shape.every((n) => n === 1) ? zero : g.add('broadcast', [zero], { shape }));
    },
  },
  cast_int: {
    doc: 'Real numbers as whole numbers.',
    params: ['x'],
    run: (e, args, span) => node(graphOf(e, span).add('cast', [toNode(e, get(args, 'x'), span)], { dtype: 'i32' })),
  },
  f32: {
    doc: 'The nearest number that f32 holds. Nothing changes on a device; it says where a formula that the host computes is rounded.',
    params: ['x'],
    run: (e, args, span) => {
      const x = get(args, 'x');
      if (x.kind === 'number') return float(Math.fround(x.value));
      return node(graphOf(e, span).add('round_f32', [toNode(e, x, span)], {}));
    },
  },
  shift_right: bits('shift_right', 'The bits of whole numbers moved down by so many places; zeros come in above.', ['x', 'places']),
  bit_and: bits('bit_and', 'The bits that two whole numbers share.', ['a', 'b']),
  from_f16: halves('from_f16', 'The value of a 16-bit float (IEEE 754 binary16) by its bits.', 'i32'),
  to_f16: halves('to_f16', 'The bits of the nearest 16-bit float, as a whole number.', 'f32'),
  from_bf16: halves('from_bf16', 'The value of a bfloat16 by its bits.', 'i32'),
  to_bf16: halves('to_bf16', 'The bits of the nearest bfloat16, as a whole number.', 'f32'),
  random: {
    doc: 'Uniform random numbers in [0, 1) of a shape, drawn from the seed and the step.',
    params: ['shape'],
    run: (e, args, span) => {
      const g = graphOf(e, span);
      const seed = g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' });
      e.streams += 1;
      return node(g.add('random', [seed], { stream: e.streams, shape: ints(args, 'shape', span) }));
    },
  },
  shape: {
    doc: 'The sizes of the axes.',
    params: ['x'],
    run: (e, args, span) => ({ kind: 'list', items: shapeOf(graphOf(e, span), toNode(e, get(args, 'x'), span)).map(integer) }),
  },
  dim: {
    doc: 'The size of one axis.',
    params: ['x', 'axis'],
    run: (e, args, span) => {
      const shape = shapeOf(graphOf(e, span), toNode(e, get(args, 'x'), span));
      return integer(shape[axisOf(int(args, 'axis', span), shape.length, span)] as number);
    },
  },
  size: {
    doc: 'The number of elements.',
    params: ['x'],
    run: (e, args, span) => integer(shapeOf(graphOf(e, span), toNode(e, get(args, 'x'), span)).reduce((a, b) => a * b, 1)),
  },
  length: {
    doc: 'The number of items of a list.',
    params: ['x'],
    run: (_e, args, span) => {
      const x = get(args, 'x');
      return x.kind === 'list' ? integer(x.items.length) : stop('PEFT0230', span, `length needs a list, not ${describe(x)}`);
    },
  },
  range: {
    doc: 'The whole numbers from 0 to n - 1 as a list, to loop over.',
    params: ['n'],
    run: (_e, args, span) => {
      const n = int(args, 'n', span);
      if (n < 0 || n > longestRange) return stop('PEFT0230', span, `a range has 0 to ${longestRange} numbers, not ${n}`);
      return { kind: 'list', items: Array.from({ length: n }, (_, i) => integer(i)) };
    },
  },
  is_ratio: {
    doc: 'Whether a number is a share, such as 10%.',
    params: ['x'],
    run: (_e, args) => {
      const x = get(args, 'x');
      return bool(x.kind === 'number' && x.unit === 'ratio');
    },
  },
};

/** Constants known everywhere. */
export const constants: ReadonlyMap<string, Value> = new Map<string, Value>([['pi', float(Math.PI)]]);

/** Calls a builtin with evaluated arguments. */
export function callBuiltin(e: Elaboration, name: string, args: readonly EvaluatedArgument[], span: Span): Value {
  const builtin = builtins[name] as Builtin;
  const params = builtin.params.map((p) => p.replace('?', ''));
  const given = new Map<string, Value>();
  let position = 0;
  for (const arg of args) {
    const param = arg.name ?? params[position++];
    if (param === undefined) tooMany(name, arg.span, params, args.length);
    if (!params.includes(param as string)) unknownArgument(name, arg, params);
    if (given.has(param as string)) stop('PEFT0225', arg.nameSpan ?? arg.span, `${param} is given twice`);
    given.set(param as string, arg.value);
  }
  for (const p of builtin.params) if (!p.endsWith('?') && !given.has(p)) stop('PEFT0226', span, `${name} needs ${p}`);
  try {
    return builtin.run(e, given, span);
  } catch (error) {
    // What the graph's own rules refuse here was asked for by the caller.
    if (error instanceof Bug) return stop('PEFT0311', span, `${name} cannot take this: ${error.message}`);
    throw error;
  }
}
