/**
 * @file Sum rules: reductions over what is repeated, of size 1, or already reduced; factors move out of sums.
 */
import { at, sameShape, type NodeId } from '../ops/op.js';
import type { OpName } from '../ops/ops.js';
import { filled, matchedAxes, operand, reshaped, source, uniformOperand, type Candidate, type Rewriter, type Rule } from './rule.js';

const axesOf = (c: Pick<Candidate, 'attrs'>): readonly number[] => c.attrs['axes'] as readonly number[];

/** The node without its axes of size 1 among those that are reduced. */
const dropSingleAxes: Rule = (r, c) => {
  const { shape } = operand(r, c);
  const axes = axesOf(c);
  if (axes.every((a) => at(shape, a) !== 1)) return axes.length === 0 ? c.inputs[0] : undefined;
  const gone = (i: number): boolean => axes.includes(i) && at(shape, i) === 1;
  const kept = shape.flatMap((_, i) => (gone(i) ? [] : [i]));
  const narrow = reshaped(
    r,
    at(c.inputs, 0),
    kept.map((i) => at(shape, i)),
  );
  return r.emit(c.op, [narrow], { axes: kept.flatMap((i, position) => (axes.includes(i) ? [position] : [])) });
};

/** Reducing a reduction is one reduction. */
const merge: Rule = (r, c) => {
  const inner = operand(r, c);
  if (inner.op !== c.op) return undefined;
  const first = axesOf(inner);
  const shape = r.g.node(at(inner.inputs, 0)).shape;
  const left = shape.flatMap((_, i) => (first.includes(i) ? [] : [i]));
  return r.emit(c.op, inner.inputs, { axes: [...first, ...axesOf(c).map((a) => at(left, a))].sort((a, b) => a - b) });
};

/** Reducing over a repeated axis: once, and times their number for a sum. */
const repeated: Rule = (r, c) => {
  const input = operand(r, c);
  if (input.op !== 'broadcast') return undefined;
  const inner = source(r, at(c.inputs, 0));
  const axes = axesOf(c);
  const once = input.shape.map((n, i) => (axes.includes(i) && at(inner.shape, i) === 1 ? 1 : n));
  if (sameShape(once, input.shape)) return undefined;
  const reduced = r.emit(c.op, [r.emit('broadcast', [inner.node], { shape: once })], c.attrs);
  const count = input.shape.reduce((n, size, i) => n * (size / at(once, i)), 1);
  return c.op === 'sum' ? r.emit('mul', [reduced, filled(r, c, count)]) : reduced;
};

/** A sum over an axis of a reshape that only adds or removes axes of size 1 elsewhere is the sum of its operand. */
const throughSingleAxes: Rule = (r, c) => {
  const input = operand(r, c);
  if (input.op !== 'reshape') return undefined;
  const inner = r.g.node(at(input.inputs, 0)).shape;
  const pairs = matchedAxes(inner, input.shape);
  if (pairs === undefined) return undefined;
  const axes = axesOf(c).map((a) => pairs.find(([, to]) => to === a)?.[0]);
  return axes.some((a) => a === undefined) ? undefined : reshaped(r, r.emit(c.op, input.inputs, { axes: axes as number[] }), c.shape);
};

const factor: Rule = (r, c) => {
  if (c.op !== 'sum') return undefined;
  const input = operand(r, c);
  if (input.op === 'neg') return r.emit('neg', [r.emit('sum', input.inputs, c.attrs)]);
  if (input.op !== 'mul' && input.op !== 'div') return undefined;
  const value = uniformOperand(r, { ...input }, 1);
  return value === undefined ? undefined : r.emit(input.op, [r.emit('sum', [at(input.inputs, 0)], c.attrs), filled(r, c, value)]);
};

/** Factors that the summed axes repeat move out: Σ x · broadcast(s) = s · Σ x, where every summed axis is one of s's repeated
 * ones; divisors likewise. */
const commonFactor: Rule = (r, c) => {
  const input = operand(r, c);
  if (c.op !== 'sum' || (input.op !== 'mul' && input.op !== 'div')) return undefined;
  for (const side of input.op === 'mul' ? [1, 0] : [1]) {
    const s = source(r, at(input.inputs, side));
    if (sameShape(s.shape, input.shape) || axesOf(c).some((a) => at(s.shape, a) !== 1)) continue;
    const rest: NodeId = r.emit('sum', [at(input.inputs, 1 - side)], c.attrs);
    const kept = s.shape.filter((_, i) => !axesOf(c).includes(i));
    return r.emit(input.op, [rest, wide(r, s.node, kept, c.shape)]);
  }
  return undefined;
};

const wide = (r: Rewriter, node: NodeId, kept: readonly number[], shape: readonly number[]): NodeId =>
  r.emit('broadcast', [reshaped(r, node, kept)], { shape });

/** The rules of reductions that concern an op, in the order they are tried. */
export function sumRules(op: OpName): readonly Rule[] {
  return op === 'sum' || op === 'amax' ? [dropSingleAxes, merge, repeated, throughSingleAxes, factor, commonFactor] : [];
}
