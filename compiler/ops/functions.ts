/**
 * @file The error function, twice and independently: f64 to about 1e-15 for the reference, f32 WGSL for kernels.
 *
 * f64: below 2, erf x = 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all positive; from 2 on, 1 - erfc x
 * with the continued fraction erfc x = e^(-x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))).
 * WGSL: below 0.93 an odd polynomial with x split off, so that small arguments keep their relative accuracy; beyond, 1 -
 * exp of a polynomial (coefficients by Juffa, minimax in f32).
 */

/** erf in f64. */
export function erf(x: number): number {
  const t = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (t >= 6) return Math.sign(x);
  return Math.sign(x) * (t < 2 ? series(t) : 1 - tail(t));
}

function series(x: number): number {
  const square = 2 * x * x;
  let term = x;
  let sum = x;
  for (let n = 3; term > sum * 1e-18; n += 2) {
    term *= square / n;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function tail(x: number): number {
  let fraction = x;
  for (let n = 60; n > 0; n -= 1) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** WGSL function `erf_f32`. */
export const erfWgsl = `fn erf_f32(x: f32) -> f32 {
  let t = min(abs(x), 4.0);
  let s = t * t;
  var r = fma(-1.72853470e-5, t, 3.83197126e-4);
  r = fma(r, s, fma(-3.88396438e-3, t, 2.42546219e-2));
  r = fma(r, t, -1.06777877e-1);
  r = fma(r, t, -6.34846687e-1);
  r = fma(r, t, -1.28717512e-1);
  let far = 1.0 - exp(fma(r, t, -t));
  var q = -5.96761703e-4;
  q = fma(q, s, 4.99119423e-3);
  q = fma(q, s, -2.67681349e-2);
  q = fma(q, s, 1.12819925e-1);
  q = fma(q, s, -3.76125336e-1);
  q = fma(q, s, 1.28379166e-1);
  let near = fma(q, t, t);
  return select(near, far, t > 0.927734375) * select(1.0, -1.0, x < 0.0);
}
`;

/** WGSL function `tanh_f32`: an odd polynomial near 0 (Cephes), 1 - 2/(e^2|x| + 1) beyond; no overflow for large |x|. */
export const tanhWgsl = `fn tanh_f32(x: f32) -> f32 {
  let t = min(abs(x), 15.0);
  let z = t * t;
  let p = ((((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z;
  let near = fma(p, t, t);
  let far = 1.0 - 2.0 / (exp(2.0 * t) + 1.0);
  return select(near, far, t > 0.625) * select(1.0, -1.0, x < 0.0);
}
`;

/** WGSL function `pow_f32`: positive bases, and any base with a whole exponent. */
export const powWgsl = `fn pow_f32(x: f32, y: f32) -> f32 {
  let magnitude = select(pow(abs(x), y), select(0.0, 1.0, y == 0.0), x == 0.0 && y >= 0.0);
  let odd = abs(y - 2.0 * floor(y * 0.5)) == 1.0;
  return select(magnitude, -magnitude, x < 0.0 && odd);
}
`;
