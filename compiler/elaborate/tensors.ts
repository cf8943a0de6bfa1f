/**
 * @file Tensor arithmetic of the language over the graph: numbers become constants, shapes broadcast as in NumPy (aligned at
 * the last axis), and products take any number of leading axes.
 */
import type { Span } from '../../grammar/diagnostics.js';
import type { GraphBuilder } from '../graph/builder.js';
import type { DType, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/ops.js';
import type { ScalarExpr } from '../plan/program.js';
import type { Elaboration } from './elaboration.js';
import { stop } from './stop.js';
import { describe, type Value } from './value.js';

/** The graph under construction; an error where there is none. */
export function graphOf(e: Elaboration, span: Span): GraphBuilder {
  return e.graph ?? stop('PEFT0201', span, 'a tensor cannot be computed here: only numbers, strings and lists are known');
}

/** The shape of a node. */
export const shapeOf = (g: GraphBuilder, node: NodeId): readonly number[] => g.node(node).shape;

/** A shape as it is written. */
export const showShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** A value as a node: numbers and booleans become constants, nested lists tables, host numbers scalar inputs. */
export function toNode(e: Elaboration, value: Value, span: Span, dtype: DType = 'f32'): NodeId {
  const g = graphOf(e, span);
  switch (value.kind) {
    case 'tensor':
      return value.node;
    case 'effective':
      return stop('PEFT0202', span, 'the effective weight cannot be used here');
    case 'number':
      return g.add('const', [], { value: value.value, dtype });
    case 'bool':
      return g.add('const', [], { value: value.value ? 1 : 0, dtype });
    case 'host':
      return hostNode(e, g, value.expr);
    case 'list': {
      const shape: number[] = [];
      const data: number[] = [];
      flatten(value, 0, shape, data, span);
      const whole = everyInteger(value);
      return g.add('table', [], { data: Float64Array.from(data), shape, dtype: whole ? 'i32' : 'f32' });
    }
    default:
      return stop('PEFT0203', span, `a tensor is needed here, not ${describe(value)}`);
  }
}

function everyInteger(value: Value): boolean {
  if (value.kind === 'list') return value.items.every(everyInteger);
  return value.kind === 'number' && value.integer;
}

function flatten(value: Value, depth: number, shape: number[], data: number[], span: Span): void {
  if (value.kind === 'list') {
    if (shape.length === depth) shape.push(value.items.length);
    if (shape[depth] !== value.items.length) stop('PEFT0204', span, 'the rows of a nested list have different lengths');
    for (const item of value.items) flatten(item, depth + 1, shape, data, span);
    return;
  }
  if (value.kind !== 'number' || depth !== shape.length)
    stop('PEFT0204', span, 'a nested list of numbers must have the same depth everywhere');
  data.push(value.value);
}

function hostNode(e: Elaboration, g: GraphBuilder, expr: ScalarExpr): NodeId {
  const key = JSON.stringify(expr);
  let name: string | undefined;
  for (const [known, other] of e.hosts) if (JSON.stringify(other) === key) name = known;
  if (name === undefined) {
    name = `host.${e.hosts.size}`;
    e.hosts.set(name, expr);
  }
  return g.add('input', [], { name, shape: [], dtype: 'f32' });
}

/** The node expanded to a shape; axes align at the last. */
export function expand(g: GraphBuilder, node: NodeId, shape: readonly number[], span: Span): NodeId {
  const own = shapeOf(g, node);
  if (own.length === shape.length && own.every((n, i) => n === shape[i])) return node;
  const padded = [...new Array<number>(Math.max(0, shape.length - own.length)).fill(1), ...own];
  if (padded.length !== shape.length || !padded.every((n, i) => n === shape[i] || n === 1)) {
    stop('PEFT0301', span, `shapes ${showShape(own)} and ${showShape(shape)} do not fit together`);
  }
  const wide = padded.length === own.length ? node : g.add('reshape', [node], { shape: padded });
  return padded.every((n, i) => n === shape[i]) ? wide : g.add('broadcast', [wide], { shape });
}

/** The common shape of two. */
export function commonShape(a: readonly number[], b: readonly number[], span: Span): number[] {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i += 1) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      stop('PEFT0301', span, `shapes ${showShape(a)} and ${showShape(b)} do not fit together: axis ${i} is ${x} here and ${y} there`);
    out.push(Math.max(x, y));
  }
  return out;
}

/** Elementwise op over values, broadcast to their common shape; i32 and f32 mix as f32. */
export function elementwise(e: Elaboration, op: OpName, values: readonly Value[], span: Span): Value {
  const g = graphOf(e, span);
  const isInt = (v: Value): boolean => v.kind === 'tensor' && g.node(v.node).dtype === 'i32';
  const isTensor = (v: Value): boolean => v.kind === 'tensor' || v.kind === 'list';
  const comparison = op === 'equal' || op === 'less';
  const allInt =
    values.some(isInt) && values.every((v) => isInt(v) || (v.kind === 'number' && v.integer) || (v.kind === 'list' && everyInteger(v)));
  const operands = op === 'select' ? values.slice(1) : values;
  const keepInt =
    op === 'select'
      ? operands.some(isInt) && operands.every((v) => isInt(v) || (v.kind === 'number' && v.integer))
      : allInt && (comparison || ['add', 'sub', 'mul', 'min', 'max', 'neg', 'abs'].includes(op));
  const nodes = values.map((v, i) => {
    const wantInt = op === 'select' && i === 0 ? false : keepInt;
    const node = toNode(e, v, span, wantInt ? 'i32' : 'f32');
    return !wantInt && g.node(node).dtype === 'i32' ? g.add('cast', [node], { dtype: 'f32' }) : node;
  });
  let shape: readonly number[] = [];
  for (const node of nodes) shape = commonShape(shape, shapeOf(g, node), span);
  if (!values.some(isTensor)) shape = [];
  return {
    kind: 'tensor',
    node: g.add(
      op,
      nodes.map((n) => expand(g, n, shape, span)),
      {},
    ),
  };
}

/** a @ b: the last axis of a with the last but one of b; leading axes broadcast, and a matrix b serves every leading axis of a at once. */
export function product(g: GraphBuilder, a: NodeId, b: NodeId, span: Span): NodeId {
  const sa = shapeOf(g, a);
  const sb = shapeOf(g, b);
  if (sa.length < 2 || sb.length < 2)
    stop('PEFT0302', span, `a product needs at least two axes on both sides, not ${showShape(sa)} @ ${showShape(sb)}`);
  const k = sa[sa.length - 1] as number;
  if (k !== sb[sb.length - 2])
    stop('PEFT0303', span, `the inner sizes of ${showShape(sa)} @ ${showShape(sb)} differ: ${k} and ${sb[sb.length - 2]}`);
  const n = sb[sb.length - 1] as number;
  if (sb.length === 2) {
    if (sa.length === 2) return g.add('matmul', [a, b], {});
    const rows = sa.slice(0, -1).reduce((x, y) => x * y, 1);
    const flat = g.add('reshape', [a], { shape: [rows, k] });
    return g.add('reshape', [g.add('matmul', [flat, b], {})], { shape: [...sa.slice(0, -1), n] });
  }
  const batch = commonShape(sa.slice(0, -2), sb.slice(0, -2), span);
  const left = expand(g, a, [...batch, ...sa.slice(-2)], span);
  const right = expand(g, b, [...batch, ...sb.slice(-2)], span);
  return g.add('matmul', [left, right], {});
}

/** The last two axes swapped. */
export function transpose(g: GraphBuilder, node: NodeId, span: Span): NodeId {
  const rank = shapeOf(g, node).length;
  if (rank < 2) stop('PEFT0302', span, `a transpose needs at least two axes, not ${showShape(shapeOf(g, node))}`);
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return g.add('permute', [node], { perm });
}
