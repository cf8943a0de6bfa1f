/**
 * @file Numbers that the host works out before a step (learning rate, bias corrections, seeds): expressions of a Program
 * evaluated in f64, then rounded once to the 32-bit word that the shader reads.
 */
import type { Entry, ScalarExpr, ScalarOp } from '../compiler/plan/program.js';
import { DeviceError } from './device-error.js';

/** The variables that a run of an entry gives a value: `step`, `total`, `lr`, `seed`, … */
export type Variables = Readonly<Record<string, number>>;

/** The value of an expression; throws for a variable that has no value. */
export function evaluateScalar(expr: ScalarExpr, variables: Variables): number {
  if (typeof expr === 'number') return expr;
  if ('var' in expr) {
    const value = Object.hasOwn(variables, expr.var) ? variables[expr.var] : undefined;
    if (value === undefined) throw new DeviceError('misuse', `the variable ${expr.var} has no value`);
    return value;
  }
  return apply(
    expr.op,
    expr.args.map((arg) => evaluateScalar(arg, variables)),
  );
}

/** Writes the scalars of an entry into `words`, the content of the scalars buffer. */
export function writeScalars(entry: Pick<Entry, 'scalars'>, variables: Variables, words: DataView): void {
  for (const slot of entry.scalars) {
    const value = evaluateScalar(slot.expr, variables);
    switch (slot.dtype) {
      case 'f32':
        words.setFloat32(slot.offset, value, true);
        break;
      case 'u32':
        // Modulo 2^32, as a seed of more bits is meant.
        words.setUint32(slot.offset, modulo(Math.floor(value), 2 ** 32), true);
        break;
      default:
        slot.dtype satisfies never;
    }
  }
}

const ARITY: { readonly [K in ScalarOp]: number } = {
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  mod: 2,
  pow: 2,
  min: 2,
  max: 2,
  neg: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  cos: 1,
  sin: 1,
  floor: 1,
  ceil: 1,
  less: 2,
  equal: 2,
  not: 1,
  and: 2,
  or: 2,
  select: 3,
};

function apply(op: ScalarOp, args: readonly number[]): number {
  if (args.length !== ARITY[op]) throw new DeviceError('misuse', `${op} takes ${ARITY[op]} arguments, not ${args.length}`);
  const [a = 0, b = 0, c = 0] = args;
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return a / b;
    case 'mod':
      return modulo(a, b);
    case 'pow':
      return a ** b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'neg':
      return -a;
    case 'sqrt':
      return Math.sqrt(a);
    case 'exp':
      return Math.exp(a);
    case 'log':
      return Math.log(a);
    case 'cos':
      return Math.cos(a);
    case 'sin':
      return Math.sin(a);
    case 'floor':
      return Math.floor(a);
    case 'ceil':
      return Math.ceil(a);
    case 'less':
      return Number(a < b);
    case 'equal':
      return Number(a === b);
    case 'not':
      return Number(a === 0);
    case 'and':
      return Number(a !== 0 && b !== 0);
    case 'or':
      return Number(a !== 0 || b !== 0);
    case 'select':
      return a !== 0 ? b : c;
    default:
      return op satisfies never;
  }
}

/** The remainder with the sign of the divisor: `mod` of the language. */
function modulo(a: number, b: number): number {
  return a - b * Math.floor(a / b);
}
