/**
 * @file Every op of the table against central differences, for every sample of its record and every real operand.
 */
import { describe, expect, it } from 'vitest';
import { createGraph } from '../../compiler/graph/builder.js';
import { gradient } from '../../compiler/graph/grad.js';
import type { Graph, Output } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import { elements, showShape, type Sample } from '../../compiler/ops/op.js';
import { opNames, ops, type OpName } from '../../compiler/ops/ops.js';
import { differences, relativeError } from './differences.js';
import { createRandom, sampleFeeds, sampleNode } from './samples.js';

const tolerance = 1e-6;

/** loss = Σ y·c for one op, with the gradients of its real operands as outputs `g0`, `g1`, … */
function lossGraph(op: OpName, sample: Sample): Graph {
  const g = createGraph();
  const { node, inputs } = sampleNode(g, op, sample);
  const real = g.node(node).dtype === 'f32' ? node : g.add('cast', [node], { dtype: 'f32' });
  const shape = g.node(real).shape;
  const weighted = g.add('mul', [real, g.add('input', [], { name: 'c', shape, dtype: 'f32' })]);
  const loss = g.add('sum', [weighted], { axes: shape.map((_, i) => i) });
  const wanted = inputs.filter((id) => g.node(id).dtype === 'f32');
  const grads = gradient(g, loss, wanted);
  const outputs: Output[] = wanted.map((id, i) => ({
    name: `g:${String(g.node(id).attrs['name'])}`,
    node: grads[i] ?? g.constant(0, g.node(id).shape),
    mode: 'value',
  }));
  return g.finish([{ name: 'loss', node: loss, mode: 'value' }, ...outputs]);
}

const cases = opNames.flatMap((op) =>
  ops[op].samples.flatMap((sample) => {
    const label = `${op} ${sample.types.map((t) => t.dtype + showShape(t.shape)).join(' ')} ${JSON.stringify(sample.attrs, (_, v: unknown) => (v instanceof Float64Array ? [...v] : v))}`;
    return sample.types.some((t) => t.dtype === 'f32') ? [{ label, op, sample }] : [];
  }),
);

describe('gradient against central differences', () => {
  it.each(cases)('$label', ({ op, sample }) => {
    const graph = lossGraph(op, sample);
    expect(verify(graph)).toEqual([]);
    const feeds = sampleFeeds(sample, 7);
    const c = graph.nodes.find((n) => n.attrs['name'] === 'c');
    feeds.set(
      'c',
      Float64Array.from({ length: elements(c?.shape ?? []) }, createRandom(11)).map((v) => v + 0.5),
    );
    const values = interpret(graph, feeds);
    for (const [key, value] of values) {
      if (key === 'loss') continue;
      const moved = differences(graph, feeds, key.slice(2));
      const expected = ops[op].stops ? moved.fill(0) : moved;
      expect(relativeError(value, expected)).toBeLessThan(tolerance);
      const perturbed = value.map((v, i) => (i === 0 ? v + 1e-4 * Math.max(1, Math.abs(v)) : v));
      expect(relativeError(perturbed, expected), 'negative control').toBeGreaterThan(tolerance);
    }
  });
});
