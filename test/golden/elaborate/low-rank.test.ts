/**
 * @file One linear layer with a method of the standard library, forward and backward, from its text to its graph: the product of
 * the two factors is never formed, nothing frozen has a gradient, and the products cost what the closed form says.
 */
import { describe, expect, it } from 'vitest';
import { trainGraph } from '../../../compiler/driver/graphs.js';
import { layoutOf } from '../../../compiler/driver/layout.js';
import { graphFlops } from '../../../compiler/graph/cost.js';
import { print } from '../../../compiler/graph/print.js';
import { verify } from '../../../compiler/graph/verify.js';
import { resolveLast } from '../../spec/experiments.js';

const [rows, inner, outer, rank] = [4, 24, 20, 2];

const resolved = (adapt: string) =>
  resolveLast(
    `import std.adapters.{lora, dora}

/// One layer over the first token of each text.
model one(vocab_size: Int, width: Int) {
  part words = embedding(vocab_size, width) as "words" role embeddings
  task classify {
    part layer = linear(width, labels) as "layer" role layer
    logits = layer(words(ids)[:, 0])
  }
}

experiment adapted {
  base one from "models/one" for classify(labels: ${outer})
  ${adapt}
  data { train: tsv("train.tsv")  text: "text"  label: "label"  max_length: 3 tokens }
  tune { optimizer: adamw(lr: 1e-3) }
}`,
    { config: { vocab_size: 7, width: inner } },
  );

const graphOf = (adapt: string) => {
  const r = resolved(adapt);
  return trainGraph(r, layoutOf(r), { rows, tokens: 3 }, { dropout: true, readGradients: true }).graph;
};

describe('one layer with trained lengths', () => {
  const graph = graphOf(`adapt layer with dora(rank: ${rank}, alpha: 3)`);

  it('is the golden text', async () => {
    expect(verify(graph)).toEqual([]);
    await expect(print(graph)).toMatchFileSnapshot('./lengths.graph.txt');
  });

  it('never has a matrix of the size of the weight but the weight', () => {
    // The square of W is summed as it is read: the only other value of that size.
    const large = graph.nodes.filter((n) => n.shape.join('x') === `${outer}x${inner}` || n.shape.join('x') === `${inner}x${outer}`);
    expect(large.map((n) => n.op).sort()).toEqual(['mul', 'permute', 'tensor']);
    const square = large.find((n) => n.op === 'mul');
    expect(square?.inputs.map((i) => graph.nodes[i]?.op)).toEqual(['tensor', 'tensor']);
  });

  it('costs what the closed form says', () => {
    // Beside the three products of LoRA and their backward: W Aᵀ, A Aᵀ and B (A Aᵀ) for the norm, which has no gradient.
    const low = 2 * rows * inner * outer + 2 * rows * rank * (inner + outer) + 2 * rows * rank * (2 * outer + inner);
    const norm = 2 * outer * inner * rank + 2 * rank * inner * rank + 2 * outer * rank * rank;
    expect(graphFlops(graph, 'matmul')).toBe(low + norm);
  });
});

describe('one adapted linear layer', () => {
  const graph = graphOf(`adapt layer with lora(rank: ${rank}, alpha: 3)`);

  it('is the golden text', async () => {
    expect(verify(graph)).toEqual([]);
    await expect(print(graph)).toMatchFileSnapshot('./low-rank.graph.txt');
  });

  it('forms neither the product of its factors nor the gradient of a frozen weight', () => {
    const shapes = graph.nodes.filter((n) => n.op === 'matmul').map((n) => n.shape.join('x'));
    expect(shapes).toHaveLength(6);
    expect(shapes).not.toContain(`${outer}x${inner}`);
    expect(shapes).not.toContain(`${inner}x${outer}`);
    expect(graph.outputs.map((o) => o.name)).toEqual(['loss_sum', 'count', 'gradient/layer.lora_A.weight', 'gradient/layer.lora_B.weight']);
  });

  it('costs what the closed form says', () => {
    // Forward: x Wᵀ, x Aᵀ, (x Aᵀ) Bᵀ. Backward: dB = dyᵀ (x Aᵀ), dy B, dA = (dy B)ᵀ x.
    const base = 2 * rows * inner * outer;
    const forward = 2 * rows * rank * (inner + outer);
    const backward = 2 * rows * rank * (2 * outer + inner);
    expect(graphFlops(graph, 'matmul')).toBe(base + forward + backward);
  });

  it('does form the gradient of the weight where that is trained, which the shapes above would show', () => {
    const full = graphOf('train layer');
    const shapes = full.nodes.filter((n) => n.op === 'matmul').map((n) => n.shape.join('x'));
    expect(shapes.some((s) => s === `${outer}x${inner}` || s === `${inner}x${outer}`)).toBe(true);
    expect(graphFlops(full, 'matmul')).toBe(4 * rows * inner * outer);
  });
});
