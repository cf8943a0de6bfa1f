/**
 * @file Numbers of a report as they are read: quantities with their units, signed differences, short numbers for axes.
 */
import { showQuantity } from '../comparison-text.js';
import type { Cell, Quantity } from '../comparison.js';

const labels: Readonly<Record<string, string>> = {
  time: 'training time, s',
  rate: 'tokens per second',
  trainable: 'trainable parameters',
  adapter: 'adapter on disk',
  memory: 'planned memory',
  allocated: 'allocated memory',
  host: 'host memory',
  energy: 'energy, J',
};

/** What a quantity is called in a report. */
export const labelOf = (q: Quantity): string => labels[q.name] ?? q.title;

/** Whether a quantity was measured by an evaluation, and is no cost. */
export const isMetric = (q: Quantity): boolean => !(q.name in labels);

/** Whether a quantity is counted in bytes. */
export const inBytes = (q: Quantity): boolean => /bytes$/.test(q.title);

const proper = (text: string): string => text.replace(/^-/, '\u2212');

/** A number of a quantity without its sign: costs with as many digits as are worth reading. */
function digits(q: Quantity, value: number): string {
  if (q.name === 'time' || q.name === 'energy') return value.toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return q.name === 'rate' ? Math.round(value).toLocaleString('en') : showQuantity(q, value);
}

/** A value of a quantity. */
export const showValue = (q: Quantity, value: number): string => proper(digits(q, value));

/** Mean and standard deviation. */
export function showMean(q: Quantity, { summary: s }: Cell): string {
  if (s === null) return '\u2013';
  return s.sd === null || s.sd === 0 ? showValue(q, s.mean) : `${showValue(q, s.mean)} ± ${digits(q, s.sd)}`;
}

/** A value with its sign. */
export const showSigned = (q: Quantity, value: number): string =>
  `${value > 0 ? '+' : value < 0 ? '\u2212' : ''}${digits(q, Math.abs(value))}`;

/** A difference with its interval. */
export function showDifference(q: Quantity, { difference: d }: Cell): string {
  if (d === null) return '';
  return d.interval === null
    ? showSigned(q, d.mean)
    : `${showSigned(q, d.mean)} [${showSigned(q, d.interval.low)}, ${showSigned(q, d.interval.high)}]`;
}

/** A number with a comma at each thousand. */
export const grouped = (n: number): string => proper(n.toLocaleString('en', { maximumFractionDigits: 3 }));

/** A short number for an axis: `1.5k`, `20M`, `4 MiB`. */
export function showTick(value: number, bytes = false): string {
  const base = bytes ? 1024 : 1000;
  const units = bytes ? [' B', ' KiB', ' MiB', ' GiB', ' TiB'] : ['', 'k', 'M', 'G', 'T'];
  let at = 0;
  let size = Math.abs(value);
  while (size >= base && at < units.length - 1) {
    size /= base;
    at += 1;
  }
  const digits = at === 0 && size !== 0 && size < 1e-3 ? size.toExponential(0) : String(Number(size.toPrecision(3)));
  return `${value < 0 ? '\u2212' : ''}${digits}${units[at]}`;
}

/** A value on a curve, with four digits that count. */
export const showPoint = (value: number): string =>
  proper(Number.isInteger(value) ? grouped(value) : Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(3) : value.toFixed(4));

/** By what share a number grew or shrank; empty where that cannot be said. */
export function shareOf(before: number | null, after: number | null): string {
  if (before === null || after === null || before === 0 || before === after) return '';
  const percent = (100 * (after - before)) / before;
  return `${percent > 0 ? '+' : '\u2212'}${Math.abs(percent) >= 100 ? Math.abs(percent).toFixed(0) : Math.abs(percent).toPrecision(2)} %`;
}
