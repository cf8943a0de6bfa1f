/**
 * @file Curves: what the log of a run says over its steps, and runs of several seeds as one curve with a band.
 */
import { summary } from '../statistics.js';
import type { LogLine } from '../runs.js';

/** A point of one run. */
export interface Point {
  readonly step: number;
  /** Tokens trained on, and seconds since the run began, evaluations included. */
  readonly tokens: number;
  readonly seconds: number;
  readonly value: number;
}

/** A point of a method: over its seeds, at the same step. */
export interface MeanPoint {
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
}

/** What the horizontal axis may show. */
export const axes = ['steps', 'tokens', 'seconds'] as const;

/** One of `axes`. */
export type Axis = (typeof axes)[number];

/** Where a point lies on an axis. */
export const placeOf = (point: MeanPoint, axis: Axis): number => (axis === 'steps' ? point.step : point[axis]);

/** Fields of a line that are no value of a curve. */
const bookkeeping = ['kind', 'step', 'epoch', 'tokens', 'seconds', 'examples', 'skipped', 'best'];

/** Names of the values that the lines of a kind have, in the order in which they come up. */
export function namesIn(logs: readonly (readonly LogLine[])[], kind: LogLine['kind']): string[] {
  const names = new Set<string>();
  for (const log of logs)
    for (const line of log)
      if (line.kind === kind)
        for (const [name, value] of Object.entries(line)) if (typeof value === 'number' && !bookkeeping.includes(name)) names.add(name);
  return [...names];
}

/**
 * One value over a run. A run that was resumed counts tokens and seconds anew, and may repeat steps: the later lines stand, and what came before is
 * added. An evaluation has no clock of its own and lies where the last step before it lies.
 */
export function trackOf(log: readonly LogLine[], kind: LogLine['kind'], name: string): Point[] {
  const points: Point[] = [];
  const steps: Omit<Point, 'value'>[] = [];
  let added = { tokens: 0, seconds: 0 };
  let counted = 0;
  const drop = (list: { readonly step: number }[], from: number): void => {
    while ((list.at(-1)?.step ?? -1) >= from) list.pop();
  };
  for (const line of log) {
    if (line.kind === 'step') {
      const tokens = line.tokens ?? 0;
      if (tokens < counted || line.step <= (steps.at(-1)?.step ?? 0)) {
        drop(steps, line.step);
        drop(points, line.step);
        const last = steps.at(-1);
        added = { tokens: last?.tokens ?? 0, seconds: last?.seconds ?? 0 };
      }
      counted = tokens;
      steps.push({ step: line.step, tokens: added.tokens + tokens, seconds: added.seconds + line.seconds });
    }
    const value = line[name];
    if (line.kind !== kind || typeof value !== 'number' || !Number.isFinite(value)) continue;
    const at = steps.at(-1) ?? { tokens: 0, seconds: 0 };
    drop(points, line.step);
    points.push({ step: line.step, tokens: at.tokens, seconds: at.seconds, value });
  }
  return points;
}

/** How many steps become one point, so that a curve has no more than `most` points. */
export function windowOf(tracks: readonly (readonly Point[])[], most: number): number {
  return Math.max(1, Math.ceil(Math.max(0, ...tracks.map((t) => t.length)) / most));
}

/** Every `window` points as one: their means. What is left over at the end is one more. */
export function condense(track: readonly Point[], window: number): Point[] {
  if (window <= 1) return [...track];
  const mean = (part: readonly Point[], of: (p: Point) => number): number => part.reduce((sum, p) => sum + of(p), 0) / part.length;
  return Array.from({ length: Math.ceil(track.length / window) }, (_, i) => track.slice(i * window, (i + 1) * window)).map((part) => ({
    step: mean(part, (p) => p.step),
    tokens: mean(part, (p) => p.tokens),
    seconds: mean(part, (p) => p.seconds),
    value: mean(part, (p) => p.value),
  }));
}

/** The runs of a method as one curve: at each step the mean of the seeds that have it, and their least and greatest value. */
export function overSeeds(tracks: readonly (readonly Point[])[]): MeanPoint[] {
  const bySteps = new Map<number, Point[]>();
  for (const point of tracks.flat()) bySteps.set(point.step, [...(bySteps.get(point.step) ?? []), point]);
  return [...bySteps]
    .sort(([a], [b]) => a - b)
    .map(([step, points]) => {
      const { mean, low, high, n } = summary(points.map((p) => p.value));
      const of = (axis: 'tokens' | 'seconds'): number => summary(points.map((p) => p[axis])).mean;
      return { step, tokens: of('tokens'), seconds: of('seconds'), mean, low, high, seeds: n };
    });
}
