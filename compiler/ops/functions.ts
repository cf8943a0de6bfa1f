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

/**
 * WGSL function `exp_f32`, within 1.5e-7: the built-in one may be off by 3 + 2|x| units in the last place, and by as much to one side.
 * x = n ln 2 + r, a polynomial for e^r (Cephes), and 2^n in two steps, so that only results overflow. Of the two parts of ln 2 (Cody &
 * Waite) the small one comes last, as a factor: drivers join sums that hold both.
 */
export const expWgsl = `fn exp_f32(value: f32) -> f32 {
  let x = select(value, 89.0, value > 89.0);
  let n = clamp(round(x * 1.44269504), -126.0, 128.0);
  let r = fma(n, -0.693145752, x);
  var p = 1.9875691500e-4;
  p = fma(p, r, 1.3981999507e-3);
  p = fma(p, r, 8.3334519073e-3);
  p = fma(p, r, 4.1665795894e-2);
  p = fma(p, r, 1.6666665459e-1);
  p = fma(p, r, 5.0000001201e-1);
  var e = fma(p * r, r, r) + 1.0;
  e = fma(e, n * -1.42860677e-6, e);
  let low = i32(n) >> 1u;
  let high = i32(n) - low;
  return select(e * bitcast<f32>((low + 127) << 23u) * bitcast<f32>((high + 127) << 23u), 0.0, x < -87.3);
}
`;

/** WGSL function `erf_f32`. */
export const erfWgsl = `fn erf_f32(x: f32) -> f32 {
  let t = min(abs(x), 4.0);
  let s = t * t;
  var r = fma(-1.72853470e-5, t, 3.83197126e-4);
  r = fma(r, s, fma(-3.88396438e-3, t, 2.42546219e-2));
  r = fma(r, t, -1.06777877e-1);
  r = fma(r, t, -6.34846687e-1);
  r = fma(r, t, -1.28717512e-1);
  let far = 1.0 - exp_f32(fma(r, t, -t));
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
  let far = 1.0 - 2.0 / (exp_f32(2.0 * t) + 1.0);
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
