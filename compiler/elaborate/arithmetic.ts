/**
 * @file Operators over values: numbers with units, host numbers, tensors, strings, lists.
 */
import type { BinaryOperator } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { ScalarExpr, ScalarOp } from '../plan/program.js';
import type { Elaboration } from './elaboration.js';
import { stop } from './stop.js';
import { elementwise, graphOf, product, toNode, transpose } from './tensors.js';
import { bool, describe, kindName, type NumberValue, type Value } from './value.js';

const tensorOps: Partial<Record<BinaryOperator, 'add' | 'sub' | 'mul' | 'div' | 'pow'>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '**': 'pow',
};
const hostOps: Partial<Record<BinaryOperator, ScalarOp>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '**': 'pow',
  '<': 'less',
  '==': 'equal',
};

/** Whether a value is a tensor, or the weight of an adapted site. */
export const isTensorLike = (v: Value): boolean => v.kind === 'tensor' || v.kind === 'effective';

/** A number or host number as a scalar expression. */
export function toScalar(value: Value, span: Span): ScalarExpr {
  if (value.kind === 'number') return value.value;
  if (value.kind === 'bool') return value.value ? 1 : 0;
  if (value.kind === 'host') return value.expr;
  return stop('PEFT0205', span, `a number is needed here, not ${describe(value)}`);
}

/** `left op right`. */
export function binary(e: Elaboration, op: BinaryOperator, left: Value, right: Value, span: Span): Value {
  if (op === '==' || op === '!=') {
    if (left.kind === 'host' || right.kind === 'host') return hostCompare(op, left, right, span);
    if (isTensorLike(left) || isTensorLike(right)) return stop('PEFT0206', span, 'tensors are compared with equal(a, b) and less(a, b)');
    return bool(same(left, right) === (op === '=='));
  }
  if (op === 'in') {
    if (right.kind !== 'list') return stop('PEFT0207', span, `in needs a list on its right, not ${describe(right)}`);
    return bool(right.items.some((item) => same(left, item)));
  }
  if (op === '@') return multiply(e, left, right, span);
  if (op === '..' || op === '??' || op === 'and' || op === 'or') return stop('PEFT0208', span, `${op} cannot stand here`);
  if (left.kind === 'host' || right.kind === 'host') {
    if (!isTensorLike(left) && !isTensorLike(right)) return hostBinary(op, left, right, span);
  }
  if (left.kind === 'number' && right.kind === 'number') return numbers(op, left, right, span);
  if (op === '+' && left.kind === 'string' && right.kind === 'string') return { kind: 'string', value: left.value + right.value };
  const name = tensorOps[op];
  if (name !== undefined && (isTensorLike(left) || isTensorLike(right) || left.kind === 'list' || right.kind === 'list'))
    return elementwise(e, name, [left, right], span);
  return stop('PEFT0209', span, `${op} does not work between ${kindName(left)} and ${kindName(right)}`);
}

function hostCompare(op: '==' | '!=', left: Value, right: Value, span: Span): Value {
  const equal: ScalarExpr = { op: 'equal', args: [toScalar(left, span), toScalar(right, span)] };
  return { kind: 'host', expr: op === '==' ? equal : { op: 'not', args: [equal] } };
}

function hostBinary(op: BinaryOperator, left: Value, right: Value, span: Span): Value {
  const a = toScalar(left, span);
  const b = toScalar(right, span);
  if (op === '>') return { kind: 'host', expr: { op: 'less', args: [b, a] } };
  if (op === '>=') return { kind: 'host', expr: { op: 'not', args: [{ op: 'less', args: [a, b] }] } };
  if (op === '<=') return { kind: 'host', expr: { op: 'not', args: [{ op: 'less', args: [b, a] }] } };
  const name = hostOps[op];
  if (name === undefined) return stop('PEFT0208', span, `${op} does not work on numbers of the running step`);
  return { kind: 'host', expr: { op: name, args: [a, b] } };
}

/** Numbers: a sum needs one unit on both sides, a product keeps the only unit there is, comparisons need the same unit or none. */
function numbers(op: BinaryOperator, a: NumberValue, b: NumberValue, span: Span): Value {
  const x = a.value;
  const y = b.value;
  const whole = a.integer && b.integer;
  const hard = (u: NumberValue): boolean => u.unit !== undefined && u.unit !== 'ratio';
  if ((hard(a) || hard(b)) && a.unit !== b.unit && !['*', '/', '<', '<=', '>', '>='].includes(op)) {
    return stop('PEFT0210', span, `${op} does not work between ${kindName(a)} and ${kindName(b)}`);
  }
  const result = (value: number, integer: boolean): Value => {
    if (!Number.isFinite(value)) return stop('PEFT0211', span, `the result of ${x} ${op} ${y} is not a finite number`);
    return {
      kind: 'number',
      value,
      integer,
      ...(hard(a) && op !== '/'
        ? { unit: a.unit as NonNullable<NumberValue['unit']> }
        : hard(b) && op === '*'
          ? { unit: b.unit as NonNullable<NumberValue['unit']> }
          : {}),
    };
  };
  switch (op) {
    case '+':
      return result(x + y, whole);
    case '-':
      return result(x - y, whole);
    case '*':
      return result(x * y, whole);
    case '/':
      return result(x / y, whole && Number.isInteger(x / y));
    case '%':
      return result(x - y * Math.floor(x / y), whole);
    case '**':
      return result(x ** y, whole && y >= 0);
    case '<':
      return bool(x < y);
    case '<=':
      return bool(x <= y);
    case '>':
      return bool(x > y);
    case '>=':
      return bool(x >= y);
    default:
      return stop('PEFT0208', span, `${op} does not work on numbers`);
  }
}

/** Structural equality of compile-time values. */
export function same(a: Value, b: Value): boolean {
  if (a.kind === 'number' && b.kind === 'number') return a.value === b.value;
  if (a.kind === 'string' && b.kind === 'string') return a.value === b.value;
  if (a.kind === 'bool' && b.kind === 'bool') return a.value === b.value;
  if (a.kind === 'list' && b.kind === 'list')
    return a.items.length === b.items.length && a.items.every((x, i) => same(x, b.items[i] as Value));
  return a.kind === 'none' && b.kind === 'none';
}

/** `-x` and `not x`. */
export function unary(e: Elaboration, op: '-' | 'not', operand: Value, span: Span): Value {
  if (op === 'not') {
    if (operand.kind === 'bool') return bool(!operand.value);
    if (operand.kind === 'host') return { kind: 'host', expr: { op: 'not', args: [operand.expr] } };
    return stop('PEFT0212', span, `not needs true or false, not ${describe(operand)}`);
  }
  if (operand.kind === 'number') return { ...operand, value: -operand.value };
  if (operand.kind === 'host') return { kind: 'host', expr: { op: 'neg', args: [operand.expr] } };
  return elementwise(e, 'neg', [operand], span);
}

/** Matrix product; with the effective weight of an adapted site on the right, see `adapted` in adapter.ts. */
function multiply(e: Elaboration, left: Value, right: Value, span: Span): Value {
  if (left.kind === 'effective' || right.kind === 'effective')
    return stop('PEFT0202', span, 'the effective weight can only be multiplied from the left by an activation');
  const g = graphOf(e, span);
  return { kind: 'tensor', node: product(g, toNode(e, left, span), toNode(e, right, span), span) };
}

/** `x.T`. */
export function transposed(e: Elaboration, value: Value, span: Span): Value {
  if (value.kind === 'effective') return { ...value, transposed: !value.transposed };
  return { kind: 'tensor', node: transpose(graphOf(e, span), toNode(e, value, span), span) };
}
