/**
 * @file Scalar rules: identities of elementwise arithmetic over the real numbers, folding of what is one number
 * everywhere, and computing what is repeated before it is repeated.
 */
import { at, elements, sameShape, type NodeId } from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';
import { filled, isSingle, operand, reshaped, source, uniformOperand, type Candidate, type Rewriter, type Rule } from './rule.js';

/** An op of numbers is the number; results that are not finite stay as they are, so that they arise where they were written. */
const foldUniform: Rule = (r, c) => {
  const values = c.inputs.map((_, i) => uniformOperand(r, c, i));
  if (values.some((v) => v === undefined)) return undefined;
  const one = { shape: [], dtype: c.dtype };
  const types = c.inputs.map((_, i) => ({ shape: [], dtype: operand(r, c, i).dtype }));
  const value = ops[c.op].reference({
    inputs: values.map((v) => Float64Array.of(v as number)),
    types,
    attrs: c.attrs,
    out: one,
    feed: () => new Float64Array(1),
  })[0] as number;
  return Number.isFinite(value) ? filled(r, c, value) : undefined;
};

/** f(broadcast x, broadcast y) = broadcast f(x, y): on the smallest shape that holds all operands, [] if it is one element. */
const hoistBroadcast: Rule = (r, c) => {
  if (c.shape.length === 0) return undefined;
  const sources = c.inputs.map((id) => source(r, id));
  const joint = c.shape.map((_, axis) => Math.max(...sources.map((s) => at(s.shape, axis))));
  if (sameShape(joint, c.shape) && !isSingle(joint)) return undefined;
  const narrow = isSingle(joint) ? [] : joint;
  const inputs = sources.map((s) => (isSingle(joint) ? reshaped(r, s.node, []) : r.emit('broadcast', [s.node], { shape: joint })));
  const small = r.emit(c.op, inputs, c.attrs);
  const wide = reshaped(r, small, isSingle(narrow) ? c.shape.map(() => 1) : narrow);
  return r.emit('broadcast', [wide], { shape: c.shape });
};

const negated = (r: Rewriter, id: NodeId): NodeId | undefined => {
  const node = r.g.node(id);
  return node.op === 'neg' ? at(node.inputs, 0) : undefined;
};

/** `op(x, number)`: x and the number. */
function withNumber(r: Rewriter, id: NodeId, op: OpName): { readonly x: NodeId; readonly value: number } | undefined {
  const node = r.g.node(id);
  if (node.op !== op) return undefined;
  const value = uniformOperand(r, { ...node, op: node.op }, 1);
  return value === undefined ? undefined : { x: at(node.inputs, 0), value };
}

const neg: Rule = (r, c) => {
  const x = at(c.inputs, 0);
  const inner = r.g.node(x);
  if (inner.op === 'neg') return at(inner.inputs, 0);
  if (inner.op === 'sub') return r.emit('sub', [at(inner.inputs, 1), at(inner.inputs, 0)]);
  const scaled = withNumber(r, x, 'mul');
  return scaled && c.dtype === 'f32' ? r.emit('mul', [scaled.x, filled(r, c, -scaled.value)]) : undefined;
};

const add: Rule = (r, c) => {
  const [x, y] = c.inputs as readonly [NodeId, NodeId];
  const b = uniformOperand(r, c, 1);
  if (b === 0) return x;
  if (uniformOperand(r, c, 0) !== undefined) return r.emit('add', [y, x]);
  const [minusX, minusY] = [negated(r, x), negated(r, y)];
  if (minusY !== undefined) return r.emit('sub', [x, minusY]);
  if (minusX !== undefined) return r.emit('sub', [y, minusX]);
  const inner = b === undefined ? undefined : withNumber(r, x, 'add');
  return inner && b !== undefined ? r.emit('add', [inner.x, filled(r, c, inner.value + b)]) : undefined;
};

const sub: Rule = (r, c) => {
  const [x, y] = c.inputs as readonly [NodeId, NodeId];
  if (x === y) return filled(r, c, 0);
  const b = uniformOperand(r, c, 1);
  if (b !== undefined) return b === 0 ? x : r.emit('add', [x, filled(r, c, -b)]);
  if (uniformOperand(r, c, 0) === 0) return r.emit('neg', [y]);
  const minusY = negated(r, y);
  return minusY === undefined ? undefined : r.emit('add', [x, minusY]);
};

const mul: Rule = (r, c) => {
  const [x, y] = c.inputs as readonly [NodeId, NodeId];
  const b = uniformOperand(r, c, 1);
  if (b === undefined) {
    if (uniformOperand(r, c, 0) !== undefined) return r.emit('mul', [y, x]);
    const [minusX, minusY] = [negated(r, x), negated(r, y)];
    return minusX !== undefined && minusY !== undefined ? r.emit('mul', [minusX, minusY]) : gatherScales(r, c);
  }
  if (b === 1) return x;
  if (b === 0) return filled(r, c, 0);
  if (b === -1) return r.emit('neg', [x]);
  const minusX = negated(r, x);
  if (minusX !== undefined) return r.emit('mul', [minusX, filled(r, c, -b)]);
  const inner = withNumber(r, x, 'mul');
  return inner ? r.emit('mul', [inner.x, filled(r, c, inner.value * b)]) : undefined;
};

/** (x · a) · b = x · (a · b) where a and b are repeated over an axis together. */
const gatherScales: Rule = (r, c) => {
  const [left, b] = c.inputs as readonly [NodeId, NodeId];
  const inner = r.g.node(left);
  if (inner.op !== 'mul' || c.dtype !== 'f32') return undefined;
  const [x, a] = inner.inputs as readonly [NodeId, NodeId];
  const [sa, sb] = [source(r, a).shape, source(r, b).shape];
  const small =
    elements(sa) < elements(c.shape) &&
    elements(sb) < elements(c.shape) &&
    c.shape.some((n, i) => n > 1 && at(sa, i) === 1 && at(sb, i) === 1);
  return small ? r.emit('mul', [x, r.emit('mul', [a, b])]) : undefined;
};

const div: Rule = (r, c) => {
  const x = at(c.inputs, 0);
  const b = uniformOperand(r, c, 1);
  if (uniformOperand(r, c, 0) === 0) return filled(r, c, 0);
  if (b === undefined || b === 0) return undefined;
  if (b === 1) return x;
  const scaled = withNumber(r, x, 'mul');
  if (scaled) return r.emit('mul', [scaled.x, filled(r, c, scaled.value / b)]);
  const divided = withNumber(r, x, 'div');
  return divided ? r.emit('div', [divided.x, filled(r, c, divided.value * b)]) : undefined;
};

const pow: Rule = (r, c) => {
  const x = at(c.inputs, 0);
  switch (uniformOperand(r, c, 1)) {
    case 0:
      return filled(r, c, 1);
    case 0.5:
      return r.emit('sqrt', [x]);
    case 1:
      return x;
    case 2:
      return r.emit('mul', [x, x]);
    default:
      return undefined;
  }
};

const select: Rule = (r, c) => {
  const [, yes, no] = c.inputs as readonly [NodeId, NodeId, NodeId];
  const condition = uniformOperand(r, c, 0);
  if (condition !== undefined) return condition === 0 ? no : yes;
  return yes === no ? yes : undefined;
};

const sameOperands: Rule = (_, c) => (c.inputs[0] === c.inputs[1] ? c.inputs[0] : undefined);

const cast: Rule = (r, c) => (operand(r, c).dtype === c.dtype ? c.inputs[0] : undefined);

const specific: { readonly [K in OpName]?: Rule } = { neg, add, sub, mul, div, pow, select, max: sameOperands, min: sameOperands, cast };

/** The scalar rules that concern an op, in the order they are tried. */
export function scalarRules(op: OpName): readonly Rule[] {
  if (ops[op].kind !== 'elementwise') return [];
  const own = specific[op];
  return own ? [foldUniform, own, hoistBroadcast] : [foldUniform, hoistBroadcast];
}

/** Removes what only the gradient looks at. */
export const dropStop: Rule = (_: Rewriter, c: Candidate) => (c.op === 'stop_gradient' ? c.inputs[0] : undefined);
