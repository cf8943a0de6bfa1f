/**
 * @file Weight form: what a matrix expression is made of, as far as the algebra of effective weights can see: sums,
 * scalings by one number or by a vector along an axis, products, transposes. Everything else is an atom.
 */
import { at } from '../ops/op.js';
import { uniformValue, type GraphBuilder } from './builder.js';
import type { NodeId } from './graph.js';

/** The outermost structure of a matrix. */
export type WeightForm =
  | { readonly kind: 'atom' }
  | { readonly kind: 'transpose'; readonly of: NodeId }
  /** Σ ± terms; equal terms of opposite sign are gone, so it may be empty. */
  | { readonly kind: 'sum'; readonly terms: readonly { readonly node: NodeId; readonly minus: boolean }[] }
  /** `of` times or divided by `by`, which is repeated along the axes it does not vary on. */
  | {
      readonly kind: 'scale';
      readonly of: NodeId;
      readonly by: NodeId;
      readonly op: 'mul' | 'div';
      readonly along: 'all' | 'rows' | 'columns';
    }
  | { readonly kind: 'product'; readonly left: NodeId; readonly right: NodeId };

const atom: WeightForm = { kind: 'atom' };

/** The form of a node; atoms are what has no other form and what is not a real matrix. */
export function weightForm(g: Pick<GraphBuilder, 'node'>, id: NodeId): WeightForm {
  const node = g.node(id);
  if (node.shape.length !== 2 || node.dtype !== 'f32') return atom;
  switch (node.op) {
    case 'permute':
      return { kind: 'transpose', of: at(node.inputs, 0) };
    case 'matmul':
      return { kind: 'product', left: at(node.inputs, 0), right: at(node.inputs, 1) };
    case 'add':
    case 'sub':
    case 'neg':
      return { kind: 'sum', terms: cancel(terms(g, id, false)) };
    case 'mul':
      return scaled(g, at(node.inputs, 0), at(node.inputs, 1), 'mul') ?? scaled(g, at(node.inputs, 1), at(node.inputs, 0), 'mul') ?? atom;
    case 'div':
      return scaled(g, at(node.inputs, 0), at(node.inputs, 1), 'div') ?? atom;
    default:
      return atom;
  }
}

interface Term {
  readonly node: NodeId;
  readonly minus: boolean;
}

function terms(g: Pick<GraphBuilder, 'node'>, id: NodeId, minus: boolean): Term[] {
  const node = g.node(id);
  if (node.op !== 'add' && node.op !== 'sub' && node.op !== 'neg') return [{ node: id, minus }];
  return node.inputs.flatMap((input, i) => terms(g, input, (node.op === 'neg' || (node.op === 'sub' && i === 1)) !== minus));
}

function cancel(all: readonly Term[]): Term[] {
  const left: Term[] = [];
  for (const term of all) {
    const opposite = left.findIndex((t) => t.node === term.node && t.minus !== term.minus);
    if (opposite >= 0) left.splice(opposite, 1);
    else left.push(term);
  }
  return left;
}

function scaled(g: Pick<GraphBuilder, 'node'>, of: NodeId, by: NodeId, op: 'mul' | 'div'): WeightForm | undefined {
  if (uniformValue(g, by) !== undefined) return { kind: 'scale', of, by, op, along: 'all' };
  const node = g.node(by);
  if (node.op !== 'broadcast') return undefined;
  const [rows, columns] = g.node(at(node.inputs, 0)).shape as readonly [number, number];
  const along = rows === 1 ? (columns === 1 ? 'all' : 'columns') : 'rows';
  return { kind: 'scale', of, by, op, along };
}
