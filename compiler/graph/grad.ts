/**
 * @file Grad: reverse mode. Walks back from a scalar loss and adds, to the same builder, the gradient with respect to the
 * wanted nodes. Only values on a path from a wanted node are visited, so nothing frozen gets a gradient; `stop_gradient`
 * and whole numbers end a path. Contributions of several uses are added.
 */
import { Bug } from '../bug.js';
import { at, showShape } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import type { GraphBuilder } from './builder.js';
import type { NodeId } from './graph.js';

/** The gradient of `loss` (one number, or the sum of its elements) for each wanted node; undefined where it does not depend on it.
 * Simplify afterwards with `stops: 'drop'` (`stop_gradient` has served): the rules leave ones and zeros behind. */
export function gradient(g: GraphBuilder, loss: NodeId, wanted: readonly NodeId[]): (NodeId | undefined)[] {
  const reached = dependents(g, loss, wanted);
  const adjoint: (NodeId | undefined)[] = [];
  if (reached[loss]) adjoint[loss] = g.constant(1, g.node(loss).shape);
  for (let id = loss; id >= 0; id -= 1) {
    const dy = adjoint[id];
    if (dy === undefined) continue;
    const node = g.node(id);
    const site = { inputs: node.inputs, output: id, attrs: node.attrs, dy };
    node.inputs.forEach((input, index) => {
      if (!reached[input]) return;
      const part = ops[node.op].gradient(g, site, index);
      if (part === undefined) return;
      const given = g.node(part).shape;
      const own = g.node(input).shape;
      if (given.join() !== own.join())
        throw new Bug(`the gradient of ${node.op} has shape ${showShape(given)} for an operand of shape ${showShape(own)}`);
      const before = adjoint[input];
      adjoint[input] = before === undefined ? part : g.add('add', [before, part]);
    });
  }
  return wanted.map((id) => adjoint[id]);
}

/** Which nodes up to `end` depend on the wanted ones through real numbers that the gradient may pass. */
export function dependents(g: Pick<GraphBuilder, 'node'>, end: NodeId, wanted: readonly NodeId[]): boolean[] {
  const reached = new Array<boolean>(end + 1).fill(false);
  for (const id of wanted) if (id <= end) reached[id] = true;
  for (let id = 0; id <= end; id += 1) {
    const node = g.node(id);
    if (reached[id]) continue;
    reached[id] =
      !ops[node.op].stops && node.dtype === 'f32' && node.inputs.some((input) => at(reached, input) && g.node(input).dtype === 'f32');
  }
  return reached;
}
