/**
 * @file Decompositions: QR against torch.linalg.qr (signs included), singular triplets against matrices made of known ones, on both
 * sides of the choice between all triplets and a Krylov space.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { counterRandom } from '../../runtime/counter-random.js';
import { reducedQr, truncatedSvd, type Svd } from '../../runtime/host/decompose.js';
import { symmetricEigen } from '../../runtime/host/symmetric-eigen.js';

const golden = JSON.parse(readFileSync(new URL('host-golden.json', import.meta.url), 'utf8')) as {
  qr: { matrix: { shape: [number, number]; data: number[] }; q: number[]; r: number[] }[];
};

/** Row-major a [m, k] times b [k, n]. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++)
      for (let j = 0; j < n; j++) out[i * n + j] = (out[i * n + j] as number) + (a[i * k + l] as number) * (b[l * n + j] as number);
  return out;
}

function transposed(a: ArrayLike<number>, m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, i) => a[(i % m) * n + Math.floor(i / m)] as number);
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(Math.abs(a.length - b.length), ...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))));
const identity = (n: number): Float64Array => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
const normal = (length: number, name: string): Float64Array => {
  const random = counterRandom(1, name);
  return Float64Array.from({ length }, (_, i) => random.normal(i));
};

/** A matrix [m, n] with these singular values. */
function withSpectrum(m: number, n: number, spectrum: readonly number[]): Float64Array {
  const k = spectrum.length;
  const { q: u } = reducedQr(normal(m * k, 'u'), m, k);
  const { q: v } = reducedQr(normal(n * k, 'v'), n, k);
  return product(
    u.map((x, i) => x * (spectrum[i % k] as number)),
    transposed(v, n, k),
    m,
    k,
    n,
  );
}

/** Largest of the errors of A v = σ u, Aᵀu = σ v and of the products of vectors, over σ₁. */
function faults(a: ArrayLike<number>, m: number, n: number, { u, s, vt }: Svd): number {
  const rank = s.length;
  const us = u.map((x, i) => x * (s[i % rank] as number));
  const sv = vt.map((x, i) => x * (s[Math.floor(i / n)] as number));
  return Math.max(
    distance(product(a, transposed(vt, rank, n), m, n, rank), us) / (s[0] as number),
    distance(product(transposed(u, m, rank), a, rank, m, n), sv) / (s[0] as number),
    distance(product(transposed(u, m, rank), u, rank, m, rank), identity(rank)),
    distance(product(vt, transposed(vt, rank, n), rank, n, rank), identity(rank)),
  );
}

describe('QR', () => {
  it.each(golden.qr)('of [$matrix.shape] is LAPACK’s, signs included', ({ matrix, q, r }) => {
    const [m, n] = matrix.shape;
    const found = reducedQr(matrix.data, m, n);
    expect(distance(found.q, q)).toBeLessThan(1e-13);
    expect(distance(found.r, r)).toBeLessThan(1e-13);
    const turned = found.r.map((x) => -x);
    expect(distance(turned, r), 'negative control: signs').toBeGreaterThan(1e-3);
  });

  it('gives the first columns and rows alone', () => {
    const a = normal(20 * 30, 'a');
    const all = reducedQr(a, 20, 30);
    const some = reducedQr(a, 20, 30, 5);
    expect(distance(some.r, all.r.slice(0, 5 * 30))).toBeLessThan(1e-13);
    expect(
      distance(
        some.q,
        all.q.filter((_, i) => i % 20 < 5),
      ),
    ).toBeLessThan(1e-13);
  });
});

describe('eigenvectors', () => {
  it('belong to their values', () => {
    const n = 31;
    const a = normal(n * n, 'a');
    const g = product(transposed(a, n, n), a, n, n, n);
    const { values, vectors } = symmetricEigen(Array.from({ length: n }, (_, j) => g.slice(j * n, (j + 1) * n)));
    expect([...values].sort((x, y) => y - x)).toEqual(values);
    vectors.forEach((v, i) => {
      const scaled = v.map((x) => x * (values[i] as number));
      expect(distance(product(g, v, n, n, 1), scaled)).toBeLessThan(1e-12 * (values[0] as number));
      expect(
        distance(
          product(g, v, n, n, 1),
          scaled.map((x) => x * (1 + 1e-6)),
        ),
      ).toBeGreaterThan(1e-12 * (values[i] as number));
    });
  });
});

describe('singular triplets', () => {
  it.each([
    { m: 40, n: 17, rank: 17 },
    { m: 17, n: 40, rank: 5 },
    { m: 1, n: 9, rank: 1 },
    { m: 9, n: 1, rank: 1 },
    { m: 64, n: 64, rank: 64 },
  ])('of a random [$m, $n]: all, $rank of them given', ({ m, n, rank }) => {
    const a = normal(m * n, 'a');
    const svd = truncatedSvd(a, m, n, rank);
    expect([...svd.s].sort((x, y) => y - x)).toEqual([...svd.s]);
    expect(faults(a, m, n, svd)).toBeLessThan(1e-12);
    expect(faults(a, m, n, { ...svd, s: svd.s.map((x) => x * (1 + 1e-6)) }), 'negative control').toBeGreaterThan(1e-8);
  });

  it('have the values the matrix was made with, small ones too', () => {
    const spectrum = Array.from({ length: 24 }, (_, i) => 10 ** (-i / 2));
    const { s } = truncatedSvd(withSpectrum(50, 30, spectrum), 50, 30, 30);
    spectrum.forEach((value, i) => expect(Math.abs((s[i] as number) - value)).toBeLessThan(2e-15 * 10));
    expect(Math.max(...s.slice(24))).toBeLessThan(1e-14);
  });

  it('are orthonormal where the matrix has fewer than are wanted', () => {
    const a = withSpectrum(12, 20, [3, 2, 1]);
    expect(faults(a, 12, 20, truncatedSvd(a, 12, 20, 12))).toBeLessThan(1e-12);
    const { u, s } = truncatedSvd(new Float64Array(12), 4, 3, 3);
    expect([...s]).toEqual([0, 0, 0]);
    expect(distance(product(transposed(u, 4, 3), u, 3, 4, 3), identity(3))).toBeLessThan(1e-12);
  });

  it.each([
    { m: 300, n: 200, note: 'decaying', spectrum: Array.from({ length: 200 }, (_, i) => (i + 1) ** -0.7) },
    { m: 200, n: 300, note: 'with repeated values', spectrum: Array.from({ length: 200 }, (_, i) => 0.8 ** Math.floor(i / 3)) },
    { m: 260, n: 260, note: 'all equal', spectrum: new Array<number>(260).fill(2) },
  ])('of a large matrix, $note, come from a Krylov space', ({ m, n, spectrum }) => {
    const rank = 6;
    const a = withSpectrum(m, n, spectrum);
    const svd = truncatedSvd(a, m, n, rank);
    for (let i = 0; i < rank; i++)
      expect(Math.abs((svd.s[i] as number) - (spectrum[i] as number))).toBeLessThan(1e-10 * (spectrum[0] as number));
    expect(faults(a, m, n, svd)).toBeLessThan(1e-8);
    expect(faults(a, m, n, { ...svd, vt: svd.vt.map((x, i) => (i < n ? -x : x)) }), 'negative control').toBeGreaterThan(0.01);
    expect([...truncatedSvd(a, m, n, rank).u], 'the same again').toEqual([...svd.u]);
  });

  it('of a flat spectrum are as good, though all are computed then', () => {
    const a = normal(150 * 150, 'a');
    expect(faults(a, 150, 150, truncatedSvd(a, 150, 150, 8))).toBeLessThan(1e-8);
  });
});
