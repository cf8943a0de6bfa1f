/**
 * @file Samples: what tests draw from the op table. Any test over all ops (gradients, WGSL on a device) takes its graphs
 * and numbers from here, so that a new op is tested without a new line.
 */
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import type { Graph, NodeId } from '../../compiler/graph/graph.js';
import { elements, type Domain, type Sample } from '../../compiler/ops/op.js';
import type { OpName } from '../../compiler/ops/ops.js';

/** A small deterministic generator of uniform numbers in [0, 1) (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One number of a domain; `rank` of `count` keeps numbers apart where ties must be avoided. */
function drawOne(domain: Domain, random: () => number, rank: number, count: number): number {
  const span = domain.high - domain.low;
  if (domain.whole) return domain.low + Math.min(span, Math.floor(random() * (span + 1)));
  const x = domain.low + span * random();
  switch (domain.avoid) {
    case 'ties':
      return domain.low + (span * (rank + 0.3 + 0.4 * random())) / count;
    case 'zero':
      return Math.abs(x) < 0.05 ? x + 0.1 * (x < 0 ? -1 : 1) : x;
    case 'integers':
      return Math.floor(x) + 0.1 + 0.8 * (x - Math.floor(x));
    case undefined:
      return x;
    default:
      return domain.avoid satisfies never;
  }
}

/** Numbers for the operands of a sample, exact in f32. */
export function drawInputs(sample: Sample, seed: number): Float64Array[] {
  const random = createRandom(seed);
  const sizes = sample.types.map((t) => elements(t.shape));
  const total = sizes.reduce((a, b) => a + b, 0);
  const ranks = Array.from({ length: total }, (_, i) => i);
  for (let i = total - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [ranks[i], ranks[j]] = [ranks[j] as number, ranks[i] as number];
  }
  return sizes.map((n, i) =>
    Float64Array.from({ length: n }, () => Math.fround(drawOne(sample.domains[i] as Domain, random, ranks.pop() as number, total))),
  );
}

/** The op of a sample over inputs named `x0`, `x1`, … (leaves that read a name read theirs). */
export function sampleNode(g: GraphBuilder, op: OpName, sample: Sample): { readonly node: NodeId; readonly inputs: readonly NodeId[] } {
  const inputs = sample.types.map((t, i) => g.add('input', [], { name: `x${i}`, shape: t.shape, dtype: t.dtype }));
  return { node: g.add(op, inputs, sample.attrs), inputs };
}

/** A graph with the one op of a sample as its output `y`. */
export function sampleGraph(op: OpName, sample: Sample): Graph {
  const g = createGraph();
  return g.finish([{ name: 'y', node: sampleNode(g, op, sample).node, mode: 'value' }]);
}

/** Values by name for a sample, also for a leaf that reads a name. */
export function sampleFeeds(sample: Sample, seed: number): Map<string, Float64Array> {
  const feeds = new Map(drawInputs(sample, seed).map((data, i) => [`x${i}`, data]));
  const name = sample.attrs['name'];
  if (typeof name === 'string')
    feeds.set(name, Float64Array.from({ length: elements(sample.attrs['shape'] as readonly number[]) }, createRandom(seed)));
  return feeds;
}
