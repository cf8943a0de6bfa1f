/**
 * @file Eigenvalues and eigenvectors of a symmetric matrix in f64: Householder reflections make it tridiagonal, QR steps with
 * Wilkinson's shift make that diagonal (Golub and Van Loan, Matrix Computations, 8.3). Vectors are held as columns, one array each.
 */

/** Vectors of equal length: the columns of a matrix. */
export type Columns = readonly Float64Array<ArrayBuffer>[];

/** Eigenvalues in descending order, and the eigenvector of each. */
export interface Eigen {
  readonly values: readonly number[];
  readonly vectors: Columns;
}

/** Σ a[i] b[i]. */
export function dot(a: Float64Array, b: Float64Array, from = 0): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = from;
  for (; i + 4 <= a.length; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (; i < a.length; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

/** y += factor · x. */
export function addScaled(y: Float64Array, factor: number, x: Float64Array, from = 0): void {
  let i = from;
  for (; i + 4 <= y.length; i += 4) {
    y[i] = (y[i] as number) + factor * (x[i] as number);
    y[i + 1] = (y[i + 1] as number) + factor * (x[i + 1] as number);
    y[i + 2] = (y[i + 2] as number) + factor * (x[i + 2] as number);
    y[i + 3] = (y[i + 3] as number) + factor * (x[i + 3] as number);
  }
  for (; i < y.length; i++) y[i] = (y[i] as number) + factor * (x[i] as number);
}

/** (p, q) ← (c p − s q, s p + c q): a plane rotation. */
export function rotate(p: Float64Array, q: Float64Array, c: number, s: number): void {
  for (let i = 0; i < p.length; i++) {
    const x = p[i] as number;
    const y = q[i] as number;
    p[i] = c * x - s * y;
    q[i] = s * x + c * y;
  }
}

/** Eigenvalues and eigenvectors of a symmetric matrix, given by its columns; they are overwritten. */
export function symmetricEigen(a: Columns): Eigen {
  const { diagonal, off, vectors } = tridiagonal(a);
  diagonalise(diagonal, off, vectors);
  const order = Array.from(diagonal.keys()).sort((i, j) => (diagonal[j] as number) - (diagonal[i] as number));
  return { values: order.map((i) => diagonal[i] as number), vectors: order.map((i) => vectors[i] as Float64Array<ArrayBuffer>) };
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** off[i] stands between i and i + 1. */
  readonly off: Float64Array;
  readonly vectors: Columns;
}

/** A = Q T Qᵀ with T tridiagonal, and the columns of Q. */
function tridiagonal(a: Columns): Tridiagonal {
  const n = a.length;
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const reflectors: { readonly v: Float64Array<ArrayBuffer>; readonly tau: number }[] = [];
  for (let k = 0; k < n; k++) {
    const column = a[k] as Float64Array<ArrayBuffer>;
    diagonal[k] = column[k] as number;
    if (k + 1 === n) break;
    const v = column.slice();
    v.fill(0, 0, k + 1);
    const { beta, tau } = reflector(v, k + 1);
    off[k] = beta;
    reflectors.push({ v, tau });
    if (tau === 0) continue;
    // A ← H A H on what is left: with p = τ A v and w = p − ½ τ (pᵀv) v it is A − v wᵀ − w vᵀ.
    const w = new Float64Array(n);
    for (let j = k + 1; j < n; j++) w[j] = tau * dot(a[j] as Float64Array, v, k + 1);
    addScaled(w, -0.5 * tau * dot(w, v, k + 1), v, k + 1);
    for (let j = k + 1; j < n; j++) {
      addScaled(a[j] as Float64Array, -(w[j] as number), v, k + 1);
      addScaled(a[j] as Float64Array, -(v[j] as number), w, k + 1);
    }
  }
  const vectors = Array.from({ length: n }, (_, j) => new Float64Array(n).fill(1, j, j + 1));
  for (let k = reflectors.length - 1; k >= 0; k--) {
    const { v, tau } = reflectors[k] as { v: Float64Array<ArrayBuffer>; tau: number };
    if (tau === 0) continue;
    for (let j = k + 1; j < n; j++) addScaled(vectors[j] as Float64Array, -tau * dot(vectors[j] as Float64Array, v, k + 1), v, k + 1);
  }
  return { diagonal, off, vectors };
}

/**
 * The Householder reflector H = I − τ v vᵀ, v[at] = 1, that maps x[at…] to (β, 0, …), with LAPACK's sign: β has the opposite sign
 * of x[at], and where nothing is below x[at] it stays (τ = 0). `x` becomes v.
 */
export function reflector(x: Float64Array, at: number): { readonly beta: number; readonly tau: number } {
  const alpha = x[at] as number;
  let largest = 0;
  for (let i = at + 1; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i] as number));
  if (largest === 0) return { beta: alpha, tau: 0 };
  const scale = Math.max(largest, Math.abs(alpha));
  let sum = 0;
  for (let i = at; i < x.length; i++) sum += ((x[i] as number) / scale) ** 2;
  const beta = alpha >= 0 && !Object.is(alpha, -0) ? -scale * Math.sqrt(sum) : scale * Math.sqrt(sum);
  x[at] = 1;
  for (let i = at + 1; i < x.length; i++) x[i] = (x[i] as number) / (alpha - beta);
  return { beta, tau: (beta - alpha) / beta };
}

/** QR steps until what is beside the diagonal is nothing to the diagonal; `vectors` turns along. */
function diagonalise(d: Float64Array, e: Float64Array, vectors: Columns): void {
  const n = d.length;
  const at = (x: Float64Array, i: number): number => x[i] as number;
  const small = (i: number): boolean => Math.abs(at(e, i)) <= Number.EPSILON * (Math.abs(at(d, i)) + Math.abs(at(d, i + 1)));
  for (let end = n - 1, steps = 0; end > 0;) {
    if (small(end - 1) || steps > 60) {
      // After so many steps only entries far below the matrix's rounding are left.
      e[end - 1] = 0;
      end--;
      steps = 0;
      continue;
    }
    let start = end - 1;
    while (start > 0 && !small(start - 1)) start--;
    steps++;
    const half = (at(d, end - 1) - at(d, end)) / 2;
    const last = at(e, end - 1);
    const shift = at(d, end) - (last * last) / (half + (half < 0 ? -1 : 1) * Math.hypot(half, last));
    let x = at(d, start) - shift;
    let z = at(e, start);
    for (let k = start; k < end; k++) {
      const r = Math.hypot(x, z);
      const c = r === 0 ? 1 : x / r;
      const s = r === 0 ? 0 : -z / r;
      if (k > start) e[k - 1] = r;
      const [dk, ek, dn] = [at(d, k), at(e, k), at(d, k + 1)];
      d[k] = c * c * dk - 2 * c * s * ek + s * s * dn;
      d[k + 1] = s * s * dk + 2 * c * s * ek + c * c * dn;
      e[k] = c * s * (dk - dn) + (c * c - s * s) * ek;
      if (k + 1 < end) {
        x = at(e, k);
        z = -s * at(e, k + 1);
        e[k + 1] = c * at(e, k + 1);
      }
      rotate(vectors[k] as Float64Array, vectors[k + 1] as Float64Array, c, s);
    }
  }
}
