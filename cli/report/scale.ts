/**
 * @file Scales of axes: values to the unit interval, with round ticks; linear, or logarithmic where values span more than a hundredfold.
 */

/** An axis. */
export interface Scale {
  readonly kind: 'linear' | 'log';
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  /** Where a value lies: 0 at the low end, 1 at the high end; values outside are moved to the end. */
  readonly at: (value: number) => number;
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));

/** A linear scale over a range, widened to round ticks, of which there are about `count`; bytes have round ticks in binary units. */
export function linearScale(low: number, high: number, count: number, bytes = false): Scale {
  const spread = high > low ? high - low : Math.abs(high) || 1;
  const step = roundStep(spread / count, bytes);
  // A hair of tolerance: 0.3 / 0.1 is a little less than three.
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [from, to] = [ticks[0] as number, ticks[ticks.length - 1] as number];
  return { kind: 'linear', low: from, high: to, ticks, at: (v) => clamp((v - from) / (to - from)) };
}

function roundStep(step: number, bytes: boolean): number {
  const unit = bytes ? 1024 ** Math.max(0, Math.floor(Math.log(step) / Math.log(1024))) : 1;
  const power = 10 ** Math.floor(Math.log10(step / unit));
  const least = [1, 2, 5, 10].find((m) => m * power * unit >= step * (1 - 1e-9)) ?? 10;
  return least * power * unit;
}

/** A logarithmic scale over positive values, widened to powers of ten (of two, for bytes: of 1024 where they span much). */
export function logScale(low: number, high: number, bytes = false): Scale {
  const base = bytes ? (high / low > 1024 ** 2 ? 1024 : 16) : 10;
  const log = (v: number): number => Math.log(v) / Math.log(base);
  const first = Math.floor(log(low) + 1e-9);
  const last = Math.max(Math.ceil(log(high) - 1e-9), first + 1);
  // Twelve ticks at most: wider spans take every second power, or every third.
  const every = Math.ceil((last - first) / 8);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .filter((power) => (power - first) % every === 0)
    .map((power) => Number((base ** power).toPrecision(12)));
  const [from, to] = [base ** first, base ** last];
  return { kind: 'log', low: from, high: to, ticks, at: (v) => clamp(v <= 0 ? 0 : (log(v) - first) / (last - first)) };
}

/** Whether values span so much that a linear axis would hide the small ones. */
export function spansFar(values: readonly number[]): boolean {
  const least = Math.min(...values);
  return values.length > 0 && least > 0 && Math.max(...values) / least > 100;
}
