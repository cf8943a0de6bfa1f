/**
 * @file AdamW with its state in 8 bits against the rule of bitsandbytes, written here once more: state decoded, a step of AdamW in full
 * precision, the new state in blocks of 256 with the nearest codes of the dynamic maps.
 */
import { describe, expect, it } from 'vitest';
import { updateGraph } from '../../compiler/driver/update.js';
import { flat, layoutOf } from '../../compiler/driver/layout.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { dynamicMap } from '../../runtime/weights/bitsandbytes.js';
import { createRandom } from '../ops/samples.js';
import { resolved } from './experiment.js';
import { evaluateScalar } from '../../runtime/scalars.js';

const [lr, decay, beta1, beta2, eps, block] = [0.02, 0.1, 0.9, 0.999, 1e-8, 256];

interface Coded {
  readonly codes: readonly number[];
  readonly absmax: readonly number[];
}

function decode({ codes, absmax }: Coded, map: Float32Array): number[] {
  return codes.map((code, i) => (map[code] as number) * (absmax[Math.floor(i / block)] as number));
}

function encode(values: readonly number[], map: Float32Array): Coded {
  const absmax: number[] = [];
  for (let from = 0; from < values.length; from += block) absmax.push(Math.max(...values.slice(from, from + block).map(Math.abs)));
  const nearest = (x: number): number => {
    let best = 0;
    map.forEach((value, code) => {
      if (Math.abs(value - x) < Math.abs((map[best] as number) - x)) best = code;
    });
    return best;
  };
  const codes = values.map((x, i) => {
    const peak = absmax[Math.floor(i / block)] as number;
    return nearest(peak === 0 ? 0 : Math.fround(x * Math.fround(1 / peak)));
  });
  return { codes, absmax };
}

const words = (codes: readonly number[]): Float64Array =>
  Float64Array.from({ length: codes.length / 4 }, (_, i) =>
    codes.slice(4 * i, 4 * i + 4).reduce((sum, code, k) => sum + code * 256 ** k, 0),
  );
const signed = dynamicMap(true);
const unsigned = dynamicMap(false);

describe('AdamW with state in 8 bits', () => {
  const r = resolved(`experiment test {
  base llama from scratch("models/llama") with (vocab_size: 600) for causal()
  train head
  data { train: tsv("train.tsv") text: "text" max_length: 6 tokens }
  tune { optimizer: adamw8bit(lr: ${lr}, weight_decay: ${decay}) schedule: constant() clip: none }
}`);
  const layout = layoutOf(r);
  const tensor = flat.trained(0);
  const n = layout.groups[0]?.elements ?? 0;

  it('keeps large tensors so, blocks beginning with them', () => {
    expect(n).toBeGreaterThanOrEqual(4096);
    expect(n % block).toBe(0);
    const bytes = layout.persistent
      .filter((p) => p.kind === 'optimizer')
      .reduce((sum, p) => sum + 4 * p.shape.reduce((a, b) => a * b, 1), 0);
    expect(bytes).toBe(2 * (n + (4 * n) / block));
  });

  it('three steps, code by code', () => {
    const entry = updateGraph(r, layout);
    const random = createRandom(3);
    let p = Array.from({ length: n }, () => random() - 0.5);
    let m: Coded = { codes: new Array<number>(n).fill(0), absmax: new Array<number>(n / block).fill(0) };
    let v = m;
    for (let step = 0; step < 3; step += 1) {
      // Gradients of many sizes; one block has none.
      const g = p.map((_, i) => (i < block ? 0 : (random() - 0.5) * 10 ** -Math.floor(6 * random())));
      const feeds = new Map<string, Float64Array>([
        ...[...entry.hosts].map(([name, expr]) => [name, Float64Array.of(evaluateScalar(expr, { step, total: 10 }))] as const),
        [tensor, Float64Array.from(p)],
        [flat.gradient(0), Float64Array.from(g)],
        [flat.loss, Float64Array.of(1)],
        [flat.count, Float64Array.of(1)],
        ...(['m', 'v'] as const).flatMap((name): [string, Float64Array][] => {
          const kept = name === 'm' ? m : v;
          const key = flat.state(0, name);
          return [
            [`${key}/codes`, words(kept.codes)],
            [`${key}/absmax`, Float64Array.from(kept.absmax)],
          ];
        }),
      ]);
      const made = interpret(entry.graph, feeds);
      const m1 = decode(m, signed).map((x, i) => beta1 * x + (1 - beta1) * (g[i] as number));
      const v1 = decode(v, unsigned).map((x, i) => beta2 * x + (1 - beta2) * (g[i] as number) ** 2);
      const rate = lr / (1 - beta1 ** (step + 1));
      p = p.map(
        (x, i) =>
          x * (1 - lr * decay) - (rate * (m1[i] as number)) / (Math.sqrt(v1[i] as number) / Math.sqrt(1 - beta2 ** (step + 1)) + eps),
      );
      [m, v] = [encode(m1, signed), encode(v1, unsigned)];
      const trained = made.get('trained.0') as Float64Array;
      expect(Math.max(...p.map((x, i) => Math.abs(x - (trained[i] as number))))).toBeLessThan(1e-12);
      expect(Array.from(made.get('state.0.m.codes') as Float64Array, (x) => x >>> 0)).toEqual([...words(m.codes)]);
      expect(Array.from(made.get('state.0.v.codes') as Float64Array, (x) => x >>> 0)).toEqual([...words(v.codes)]);
      (made.get('state.0.v.absmax') as Float64Array).forEach((x, i) => expect(x).toBeCloseTo(v.absmax[i] as number, 15));
      p = [...trained];
    }
    // The codes say something: they are not all one.
    expect(new Set(m.codes).size).toBeGreaterThan(50);
  });
});
