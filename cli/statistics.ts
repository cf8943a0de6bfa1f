/**
 * @file Statistics of few runs: mean, spread, and the paired difference of two methods over the same seeds with a confidence interval (Student's t).
 */

/** Mean and sample standard deviation; the deviation of one value is not known. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  readonly sd: number | null;
  readonly low: number;
  readonly high: number;
}

/** The summary of some values, of which there is one at least. */
export function summary(values: readonly number[]): Summary {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const sd = n < 2 ? null : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1));
  return { n, mean, sd, low: Math.min(...values), high: Math.max(...values) };
}

/** A mean with the interval that holds the true one with a confidence, from n values; undefined for fewer than two. */
export function interval(values: readonly number[], confidence: number): { readonly low: number; readonly high: number } | undefined {
  const { n, mean, sd } = summary(values);
  if (sd === null) return undefined;
  const half = (studentQuantile(1 - (1 - confidence) / 2, n - 1) * sd) / Math.sqrt(n);
  return { low: mean - half, high: mean + half };
}

/** What a difference says, in words. */
export type Verdict = 'better' | 'worse' | 'within noise' | 'too few seeds';

/** The verdict on paired differences: the interval must lie on one side of zero, and the mean be at least `least` away from it. */
export function verdict(differences: readonly number[], better: 'higher' | 'lower', confidence: number, least: number): Verdict {
  const found = differences.length === 0 ? undefined : interval(differences, confidence);
  if (found === undefined) return 'too few seeds';
  const mean = summary(differences).mean;
  if ((found.low <= 0 && found.high >= 0) || Math.abs(mean) < least) return 'within noise';
  return mean > 0 === (better === 'higher') ? 'better' : 'worse';
}

/** The value below which Student's t with `freedom` degrees of freedom lies with probability p, 0.5 <= p < 1. */
export function studentQuantile(p: number, freedom: number): number {
  let low = 0;
  let high = 1;
  while (studentCdf(high, freedom) < p) high *= 2;
  for (let i = 0; i < 200; i += 1) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Probability that Student's t lies below x >= 0. */
function studentCdf(x: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + x * x), freedom / 2, 0.5) / 2;
}

/** Regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and Stegun, 26.5.8). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  // From the last term back.
  let fraction = 1;
  for (let m = 200; m > 0; m -= 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    fraction = 1 + even / fraction;
    const k = m - 1;
    const odd = (-(a + k) * (a + b + k) * x) / ((a + 2 * k) * (a + 2 * k + 1));
    fraction = 1 + odd / fraction;
  }
  return front / fraction;
}

/** Logarithm of the gamma function for x > 0: Stirling's series after shifting x above 10. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 10) {
    shift -= Math.log(y);
    y += 1;
  }
  const z = 1 / (y * y);
  return shift + (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / y;
}
