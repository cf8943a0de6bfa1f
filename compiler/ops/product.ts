/**
 * @file The matrix product over equal leading axes.
 */
import { at, elements, sameShape, showShape, type Call, type Emitter, type NodeId, type Op, type Sample, type ValueType } from './op.js';

/** Rows of b are added into rows of the result: both are read in order, which is what a CPU likes. */
function matmul({ inputs, types, out }: Call): Float64Array {
  const [a, b] = inputs as readonly [Float64Array, Float64Array];
  const shape = at(types, 0).shape;
  const m = at(shape, shape.length - 2);
  const k = at(shape, shape.length - 1);
  const n = at(out.shape, out.shape.length - 1);
  const result = new Float64Array(elements(out.shape));
  for (let batch = 0; batch * m * k < a.length; batch += 1) {
    for (let k0 = 0; k0 < k; k0 += 64) {
      const k1 = Math.min(k, k0 + 64);
      for (let i = 0; i < m; i += 1) {
        const row = (batch * m + i) * n;
        for (let p = k0; p < k1; p += 1) {
          const scale = a[(batch * m + i) * k + p] as number;
          const from = (batch * k + p) * n;
          for (let j = 0; j < n; j += 1) result[row + j] = (result[row + j] as number) + scale * (b[from + j] as number);
        }
      }
    }
  }
  return result;
}

function transpose(g: Emitter, node: NodeId): NodeId {
  const rank = g.node(node).shape.length;
  return g.add('permute', [node], { perm: Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
}

function sample(a: readonly number[], b: readonly number[]): Sample {
  const domain = { low: -2, high: 2 };
  return {
    types: [
      { shape: a, dtype: 'f32' },
      { shape: b, dtype: 'f32' },
    ],
    domains: [domain, domain],
    attrs: {},
  };
}

/** The product. */
export const productOps = {
  matmul: {
    name: 'matmul',
    doc: 'Matrix product: […batch, m, k] and […batch, k, n] give […batch, m, n].',
    kind: 'product',
    arity: 2,
    attrs: {},
    infer: (inputs) => {
      const [a, b] = inputs as readonly [ValueType, ValueType];
      if (a.dtype !== 'f32' || b.dtype !== 'f32') return 'the operands must be real';
      const fits = a.shape.length >= 2 && sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)) && a.shape.at(-1) === b.shape.at(-2);
      return fits
        ? { shape: [...a.shape.slice(0, -1), at(b.shape, b.shape.length - 1)], dtype: 'f32' }
        : `${showShape(a.shape)} and ${showShape(b.shape)} have no product`;
    },
    reference: matmul,
    gradient: (g, site, index) => {
      const [a, b] = site.inputs as readonly [NodeId, NodeId];
      return index === 0 ? g.add('matmul', [site.dy, transpose(g, b)]) : g.add('matmul', [transpose(g, a), site.dy]);
    },
    samples: [sample([3, 5], [5, 4]), sample([1, 7], [7, 1]), sample([2, 3, 4], [2, 4, 2]), sample([2, 2, 1, 3], [2, 2, 3, 2])],
    tolerance: { relative: 2 ** -23, absolute: 0, accumulates: true },
    flops: ([a], out) => 2 * elements(out.shape) * at((a as ValueType).shape, (a as ValueType).shape.length - 1),
  },
} satisfies Record<string, Op>;
