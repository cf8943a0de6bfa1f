/**
 * @file View rules: views of views become one, views that do nothing go away, and repetition moves outwards, so that what
 * is below it is done once.
 */
import { at, sameShape, type NodeId } from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';
import { filled, matchedAxes, operand, reshaped, source, uniformOperand, type Rewriter, type Rule } from './rule.js';

const num = (attrs: Readonly<Record<string, unknown>>, name: string): number => attrs[name] as number;
const perms = (attrs: Readonly<Record<string, unknown>>): readonly number[] => attrs['perm'] as readonly number[];

/** A view of one number repeated is one number repeated; `pad` only where the number is 0. */
const foldUniform: Rule = (r, c) => {
  const value = uniformOperand(r, c, 0);
  return value === undefined || (c.op === 'pad' && value !== 0) ? undefined : filled(r, c, value);
};

const reshape: Rule = (r, c) => {
  const input = operand(r, c);
  if (sameShape(input.shape, c.shape)) return c.inputs[0];
  if (input.op === 'reshape') return r.emit('reshape', input.inputs, c.attrs);
  return input.op === 'broadcast' ? reshapeInside(r, c) : undefined;
};

/** Axes of size 1 come and go below a repetition as well as above it. */
const reshapeInside: Rule = (r, c) => {
  const pairs = matchedAxes(operand(r, c).shape, c.shape);
  if (pairs === undefined) return undefined;
  const inner = source(r, at(c.inputs, 0));
  const narrow = c.shape.map((_, to) => {
    const pair = pairs.find((p) => p[1] === to);
    return pair === undefined ? 1 : at(inner.shape, pair[0]);
  });
  return r.emit('broadcast', [reshaped(r, inner.node, narrow)], { shape: c.shape });
};

const permute: Rule = (r, c) => {
  const input = operand(r, c);
  const perm = perms(c.attrs);
  if (input.op === 'permute') return r.emit('permute', input.inputs, { perm: perm.map((p) => at(perms(input.attrs), p)) });
  const moved = perm.filter((p) => at(input.shape, p) !== 1);
  if (moved.every((p, i) => i === 0 || p > at(moved, i - 1))) return reshaped(r, at(c.inputs, 0), c.shape);
  if (input.op === 'broadcast') return r.emit('broadcast', [r.emit('permute', input.inputs, c.attrs)], { shape: c.shape });
  return input.op === 'matmul' && isTranspose(perm) && r.usedOnce(at(c.inputs, 0))
    ? transposedProduct(r, input.inputs as readonly [NodeId, NodeId], perm)
    : undefined;
};

const isTranspose = (perm: readonly number[]): boolean => perm.every((p, i) => p === (i < perm.length - 2 ? i : 2 * perm.length - 3 - i));

/** (a b)ᵀ = bᵀ aᵀ: the result then lies as it is wanted. */
const transposedProduct = (r: Rewriter, [a, b]: readonly [NodeId, NodeId], perm: readonly number[]): NodeId =>
  r.emit('matmul', [r.emit('permute', [b], { perm }), r.emit('permute', [a], { perm })]);

const broadcast: Rule = (r, c) => {
  const input = operand(r, c);
  if (sameShape(input.shape, c.shape)) return c.inputs[0];
  return input.op === 'broadcast' ? r.emit('broadcast', input.inputs, c.attrs) : undefined;
};

/** A slice or flip of something repeated: along the repeated axis it is only shorter, along others it moves inside. */
const insideBroadcast: Rule = (r, c) => {
  if (operand(r, c).op !== 'broadcast') return undefined;
  const inner = source(r, at(c.inputs, 0));
  const narrow = at(inner.shape, num(c.attrs, 'axis')) === 1 ? inner.node : r.emit(c.op, [inner.node], c.attrs);
  return r.emit('broadcast', [narrow], { shape: c.shape });
};

const slice: Rule = (r, c) => {
  const input = operand(r, c);
  if (sameShape(input.shape, c.shape)) return c.inputs[0];
  const axis = num(c.attrs, 'axis');
  if (!('axis' in input.attrs) || num(input.attrs, 'axis') !== axis) return insideBroadcast(r, c);
  const [start, length] = [num(c.attrs, 'start'), num(c.attrs, 'length')];
  if (input.op === 'slice') return r.emit('slice', input.inputs, { axis, start: start + num(input.attrs, 'start'), length });
  if (input.op !== 'pad') return undefined;
  const from = start - num(input.attrs, 'before');
  const size = at(r.g.node(at(input.inputs, 0)).shape, axis);
  if (from >= size || from + length <= 0) return filled(r, c, 0);
  return from >= 0 && from + length <= size ? r.emit('slice', input.inputs, { axis, start: from, length }) : undefined;
};

const flip: Rule = (r, c) => {
  const input = operand(r, c);
  if (at(c.shape, num(c.attrs, 'axis')) === 1) return c.inputs[0];
  return input.op === 'flip' && num(input.attrs, 'axis') === num(c.attrs, 'axis') ? input.inputs[0] : insideBroadcast(r, c);
};

const pad: Rule = (r, c) => {
  const input = operand(r, c);
  if (sameShape(input.shape, c.shape)) return c.inputs[0];
  if (input.op !== 'pad' || num(input.attrs, 'axis') !== num(c.attrs, 'axis')) return undefined;
  const sum = (name: string): number => num(c.attrs, name) + num(input.attrs, name);
  return r.emit('pad', input.inputs, { axis: num(c.attrs, 'axis'), before: sum('before'), after: sum('after') });
};

/** Rows 0, 1, …, n-1 of a table are a slice of it; one row for every index is a repeated slice. */
const gather: Rule = (r, c) => {
  const [table, ids] = c.inputs as readonly [NodeId, NodeId];
  const rows = at(r.g.node(table).shape, 0);
  const index = r.g.node(ids);
  const rest = r.g.node(table).shape.slice(1);
  if (index.op === 'iota' && index.shape.length === 1 && at(index.shape, 0) <= rows)
    return r.emit('slice', [table], { axis: 0, start: 0, length: at(index.shape, 0) });
  const value = uniformOperand(r, c, 1);
  if (value === undefined || value < 0 || value >= rows) return undefined;
  const row = r.emit('slice', [table], { axis: 0, start: value, length: 1 });
  return r.emit('broadcast', [reshaped(r, row, [...index.shape.map(() => 1), ...rest])], { shape: c.shape });
};

/** The same for adding rows. */
const scatter: Rule = (r, c) => {
  const [ids, values] = c.inputs as readonly [NodeId, NodeId];
  const rows = num(c.attrs, 'rows');
  const index = r.g.node(ids);
  if (index.op === 'iota' && index.shape.length === 1 && at(index.shape, 0) <= rows)
    return r.emit('pad', [values], { axis: 0, before: 0, after: rows - at(index.shape, 0) });
  const value = uniformOperand(r, c, 0);
  if (value === undefined || value < 0 || value >= rows) return undefined;
  const row = reshaped(r, r.emit('sum', [values], { axes: index.shape.map((_, i) => i) }), [1, ...c.shape.slice(1)]);
  return r.emit('pad', [row], { axis: 0, before: value, after: rows - 1 - value });
};

const specific: { readonly [K in OpName]?: Rule } = { reshape, permute, broadcast, slice, flip, pad, gather, scatter_add: scatter };

/** The view rules that concern an op, in the order they are tried. */
export function viewRules(op: OpName): readonly Rule[] {
  const own = specific[op];
  if (own === undefined) return [];
  return ops[op].kind === 'view' ? [foldUniform, own] : [own];
}
