/**
 * @file Values of the expressions that the host works out before a step, so that a schedule can be looked at before it runs. The runtime has
 * its own evaluator, since it shares nothing with the compiler but the form of a Program; a test compares the two.
 */
import type { ScalarExpr, ScalarOp } from '../compiler/plan/program.js';

const ops: { readonly [K in ScalarOp]: (a: number, b: number, c: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a - b * Math.floor(a / b),
  pow: (a, b) => a ** b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  neg: (a) => -a,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  cos: Math.cos,
  sin: Math.sin,
  floor: Math.floor,
  ceil: Math.ceil,
  less: (a, b) => Number(a < b),
  equal: (a, b) => Number(a === b),
  not: (a) => Number(a === 0),
  and: (a, b) => Number(a !== 0 && b !== 0),
  or: (a, b) => Number(a !== 0 || b !== 0),
  select: (a, b, c) => (a !== 0 ? b : c),
};

/** Names of the operations. */
export const scalarOps = Object.keys(ops) as readonly ScalarOp[];

/** The value of an expression; not a number where a variable has no value. */
export function scalarValue(expr: ScalarExpr, variables: { readonly [name: string]: number }): number {
  if (typeof expr === 'number') return expr;
  if ('var' in expr) return variables[expr.var] ?? NaN;
  const [a = NaN, b = NaN, c = NaN] = expr.args.map((arg) => scalarValue(arg, variables));
  return ops[expr.op](a, b, c);
}
