/**
 * @file Decompositions of a base weight, for initial values that are parts of it: the leading singular triplets, and Householder
 * QR. The matrix is row-major, as a tensor is; results are row-major and in f64.
 */
import { counterRandom } from '../counter-random.js';
import { addScaled, dot, reflector, rotate, symmetricEigen, type Columns } from './symmetric-eigen.js';

/** A ≈ U diag(S) Vᵀ with the largest singular values, in descending order. The sign of each pair of vectors is free. */
export interface Svd {
  /** [m, rank]. */
  readonly u: Float64Array<ArrayBuffer>;
  readonly s: Float64Array<ArrayBuffer>;
  /** [rank, n]. */
  readonly vt: Float64Array<ArrayBuffer>;
}

/** A = Q R. */
export interface Qr {
  /** [m, take]. */
  readonly q: Float64Array<ArrayBuffer>;
  /** [take, n]. */
  readonly r: Float64Array<ArrayBuffer>;
}

/** Vectors beyond the wanted ones that a Krylov space carries in each block. */
const OVERSAMPLING = 8;
/** A triplet counts as found when |Aᵀu − σ v| is below this part of σ₁. */
const TOLERANCE = 1e-8;

/**
 * The `rank` leading singular triplets of a matrix [m, n].
 *
 * Where many are wanted, or the matrix is small, all are computed: eigenvectors of AᵀA, made orthogonal to machine precision by
 * one-sided Jacobi rotations of A's columns. Errors are some 1e-15 σ₁ in singular values and in U diag(S) Vᵀ, and vectors are
 * orthonormal to 1e-12. Where few are wanted a block Krylov space grows from a fixed random block (Golub–Kahan with full
 * reorthogonalisation) until every wanted triplet has |Aᵀu − σ v| ≤ 1e-8 σ₁ (A v = σ u holds to rounding): singular values are then
 * within (1e-8 σ₁)² over the gap to the next singular value, vectors within 1e-8 σ₁ over it, and both orthonormal to 1e-12. The
 * 32 bits of the weight itself move vectors by up to 6e-8 σ₁ over the gap. The result is a function of the matrix alone.
 */
export function truncatedSvd(matrix: ArrayLike<number>, m: number, n: number, rank: number): Svd {
  const few = 6 * (rank + OVERSAMPLING) < Math.min(m, n);
  const found = (few ? krylov(matrix, m, n, rank) : undefined) ?? dense(columnsOf(matrix, m, n, m < n), m < n);
  return { u: rowMajor(found.u.slice(0, rank), m), s: Float64Array.from(found.s.slice(0, rank)), vt: stacked(found.v.slice(0, rank), n) };
}

/**
 * Q [m, take] and R [take, n] of the reduced QR decomposition: its first `take` columns and rows (all of them where left out). Signs
 * are LAPACK's, as `torch.linalg.qr` has them: each diagonal entry of R has the opposite sign of what it replaces, and keeps it
 * where nothing stands below.
 */
export function reducedQr(matrix: ArrayLike<number>, m: number, n: number, take = Math.min(m, n)): Qr {
  const columns = columnsOf(matrix, m, n, false);
  const r = new Float64Array(take * n);
  const reflectors: { readonly v: Float64Array; readonly tau: number }[] = [];
  for (let k = 0; k < take; k++) {
    const v = (columns[k] as Float64Array).slice().fill(0, 0, k);
    const { beta, tau } = reflector(v, k);
    reflectors.push({ v, tau });
    r[k * n + k] = beta;
    for (let j = k + 1; j < n; j++) {
      const column = columns[j] as Float64Array;
      if (tau !== 0) addScaled(column, -tau * dot(column, v, k), v, k);
      r[k * n + j] = column[k] as number;
    }
  }
  const q = Array.from({ length: take }, (_, j) => new Float64Array(m).fill(1, j, j + 1));
  for (let k = take - 1; k >= 0; k--) {
    const { v, tau } = reflectors[k] as { v: Float64Array; tau: number };
    if (tau !== 0) for (const column of q.slice(k)) addScaled(column, -tau * dot(column, v, k), v, k);
  }
  return { q: rowMajor(q, m), r };
}

/** Singular triplets as columns, descending. */
interface Triplets {
  readonly u: Columns;
  readonly s: readonly number[];
  readonly v: Columns;
}

/** Every triplet of a matrix with at least as many rows as columns (given transposed where it had fewer). */
function dense(a: Columns, transposed: boolean): Triplets {
  const { vectors: v } = symmetricEigen(gram(a));
  const u = v.map((vector) => combination(a, vector));
  jacobi(u, v);
  const norms = u.map((column) => Math.sqrt(dot(column, column)));
  const order = Array.from(norms.keys()).sort((i, j) => (norms[j] as number) - (norms[i] as number));
  const s = order.map((i) => norms[i] as number);
  const left = order.map((i) => u[i] as Float64Array<ArrayBuffer>);
  left.forEach((column, i) => normalise(column, s[i] as number, left.slice(0, i), (s[0] as number) * column.length * Number.EPSILON));
  const right = order.map((i) => v[i] as Float64Array<ArrayBuffer>);
  return transposed ? { u: right, s, v: left } : { u: left, s, v: right };
}

/** Makes a column one of length 1; where it is nothing but rounding, any that is orthogonal to those before. */
function normalise(column: Float64Array, norm: number, before: Columns, nothing: number): void {
  if (norm > nothing) {
    for (let i = 0; i < column.length; i++) column[i] = (column[i] as number) / norm;
    return;
  }
  for (let axis = 0; axis < column.length; axis++) {
    column.fill(0).fill(1, axis, axis + 1);
    orthogonalise(column, before);
    const rest = Math.sqrt(dot(column, column));
    if (rest < 0.5 / Math.sqrt(column.length)) continue;
    for (let i = 0; i < column.length; i++) column[i] = (column[i] as number) / rest;
    orthogonalise(column, before);
    return;
  }
}

/** One-sided Jacobi (Hestenes, 1958): rotates pairs of columns, and the columns of `v` along, until all are orthogonal. */
function jacobi(columns: Columns, v: Columns): void {
  const at = (i: number): Float64Array => columns[i] as Float64Array;
  const tolerance = Number.EPSILON * Math.sqrt(columns[0]?.length ?? 1);
  const squares = Float64Array.from(columns, (column) => dot(column, column));
  const nothing = squares.reduce((a, b) => Math.max(a, b), 0) * (Number.EPSILON * columns.length) ** 2;
  for (let sweep = 0, turned = true; turned && sweep < 30; sweep++) {
    turned = false;
    for (let p = 0; p < columns.length - 1; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [a, b] = [squares[p] as number, squares[q] as number];
        if (a <= nothing || b <= nothing) continue;
        const c = dot(at(p), at(q));
        if (Math.abs(c) <= tolerance * Math.sqrt(a * b)) continue;
        turned = true;
        const zeta = (b - a) / (2 * c);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, t);
        rotate(at(p), at(q), cosine, cosine * t);
        rotate(v[p] as Float64Array, v[q] as Float64Array, cosine, cosine * t);
        squares[p] = dot(at(p), at(p));
        squares[q] = dot(at(q), at(q));
      }
    }
  }
}

/** The leading triplets from a block Krylov space; undefined where the space would become most of the whole. */
function krylov(matrix: ArrayLike<number>, m: number, n: number, rank: number): Triplets | undefined {
  const width = rank + OVERSAMPLING;
  const most = Math.floor(Math.min(m, n) * 0.6);
  const random = counterRandom(0, 'singular vectors');
  let drawn = 0;
  const draw = (length: number): Float64Array<ArrayBuffer> => Float64Array.from({ length }, () => random.normal(drawn++));
  // A V = U P exactly, P = `coefficients` by columns; AᵀU = V Pᵀ + (next block) · tail.
  const u: Float64Array<ArrayBuffer>[] = [];
  const v: Float64Array<ArrayBuffer>[] = [];
  const coefficients: number[][] = [];
  let block: Columns = Array.from({ length: width }, () => draw(n)).map((x, i, all) => unit(x, all.slice(0, i), draw).vector);
  let check = 3;
  for (let step = 1; ; step++) {
    v.push(...block);
    const fresh = times(matrix, m, n, block).map((x) => {
      const { vector, along, norm } = unit(x, u, draw);
      coefficients.push([...along, norm]);
      u.push(vector);
      return vector;
    });
    const tail: number[][] = [];
    const next: Float64Array<ArrayBuffer>[] = [];
    for (const x of transposeTimes(matrix, m, n, fresh)) {
      const { vector, along, norm } = unit(x, [...v, ...next], draw);
      tail.push([...along.slice(v.length), norm]);
      next.push(vector);
    }
    block = next;
    const last = v.length + width > most;
    if (step < check && !last) continue;
    check = Math.ceil(step * 1.2);
    const size = v.length;
    const small = dense(
      coefficients.map((column) => Float64Array.from({ length: size }, (_, i) => column[i] ?? 0)),
      false,
    );
    const wanted = small.u.slice(0, rank);
    const worst = Math.max(...wanted.map((x) => residual(x, tail, size - width)));
    if (worst <= TOLERANCE * (small.s[0] as number)) {
      return { u: wanted.map((x) => combination(u, x)), s: small.s, v: small.v.slice(0, rank).map((x) => combination(v, x)) };
    }
    if (last) return undefined;
  }
}

/** |Aᵀu − σ v| of a triplet of the small problem: what its left vector has along the next block. */
function residual(left: Float64Array, tail: readonly (readonly number[])[], from: number): number {
  const along = new Float64Array(tail.length);
  tail.forEach((row, i) => row.forEach((x, j) => (along[j] = (along[j] as number) + x * (left[from + i] as number))));
  return Math.sqrt(dot(along, along));
}

/** x as `along` · basis + `norm` · vector, vector of length 1 and orthogonal to the basis; a random one where nothing is left of x. */
function unit(
  x: Float64Array<ArrayBuffer>,
  basis: Columns,
  draw: (length: number) => Float64Array<ArrayBuffer>,
): { readonly vector: Float64Array<ArrayBuffer>; readonly along: readonly number[]; readonly norm: number } {
  const whole = Math.sqrt(dot(x, x));
  const along = orthogonalise(x, basis);
  const norm = Math.sqrt(dot(x, x));
  if (norm <= whole * 1e-14) return { vector: unit(draw(x.length), basis, draw).vector, along, norm: 0 };
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) / norm;
  // Where much cancelled, rounding along the basis is left.
  if (norm < whole * 1e-3) orthogonalise(x, basis);
  return { vector: x, along, norm };
}

/** Takes away what x has along an orthonormal basis, twice; gives how much that was. */
function orthogonalise(x: Float64Array, basis: Columns): number[] {
  const along = new Array<number>(basis.length).fill(0);
  for (let pass = 0; pass < 2; pass++) {
    basis.forEach((b, i) => {
      const part = dot(x, b);
      along[i] = (along[i] as number) + part;
      addScaled(x, -part, b);
    });
  }
  return along;
}

/** Σ weights[i] columns[i]. */
function combination(columns: Columns, weights: Float64Array): Float64Array<ArrayBuffer> {
  const sum = new Float64Array(columns[0]?.length ?? 0);
  columns.forEach((column, i) => addScaled(sum, weights[i] as number, column));
  return sum;
}

/** AᵀA. */
function gram(a: Columns): Columns {
  const g = a.map(() => new Float64Array(a.length));
  a.forEach((x, i) => {
    for (let j = i; j < a.length; j++) (g[j] as Float64Array)[i] = (g[i] as Float64Array)[j] = dot(x, a[j] as Float64Array);
  });
  return g;
}

/** A x for each x. */
function times(matrix: ArrayLike<number>, m: number, n: number, xs: Columns): Float64Array<ArrayBuffer>[] {
  const out = xs.map(() => new Float64Array(m));
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) row[j] = matrix[i * n + j] as number;
    xs.forEach((x, k) => ((out[k] as Float64Array)[i] = dot(row, x)));
  }
  return out;
}

/** Aᵀ y for each y. */
function transposeTimes(matrix: ArrayLike<number>, m: number, n: number, ys: Columns): Float64Array<ArrayBuffer>[] {
  const out = ys.map(() => new Float64Array(n));
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) row[j] = matrix[i * n + j] as number;
    ys.forEach((y, k) => addScaled(out[k] as Float64Array, y[i] as number, row));
  }
  return out;
}

/** The columns of a row-major matrix, or its rows. */
function columnsOf(matrix: ArrayLike<number>, m: number, n: number, rows: boolean): Columns {
  if (rows) return Array.from({ length: m }, (_, i) => Float64Array.from({ length: n }, (_, j) => matrix[i * n + j] as number));
  return Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => matrix[i * n + j] as number));
}

/** Columns of length m as a row-major matrix. */
function rowMajor(columns: Columns, m: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(m * columns.length);
  columns.forEach((column, j) => column.forEach((x, i) => (out[i * columns.length + j] = x)));
  return out;
}

/** Rows of length n as a row-major matrix. */
function stacked(rows: Columns, n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rows.length * n);
  rows.forEach((row, i) => out.set(row, i * n));
  return out;
}
