/**
 * @file Learning rates: the rate of an experiment, what its schedule makes of it, and whether a band of rates says anything about its
 * optimiser.
 */
import { learningRate } from '../compiler/elaborate/optimizer.js';
import { attempt } from '../compiler/elaborate/stop.js';
import type { ExperimentContext } from './rule.js';
import { scalarValue } from './scalars.js';

/** An argument of the optimiser that is a number. */
export function optimizerNumber({ resolved }: ExperimentContext, name: string): number | undefined {
  const value = resolved.optimizer.args.get(name);
  return value?.kind === 'number' ? value.value : undefined;
}

/** The learning rate before the schedule. */
export const rateOf = (c: ExperimentContext): number => optimizerNumber(c, 'lr') ?? 0;

/** Whether the optimiser divides by the size of past gradients, so that a rate means the same for every loss. */
export const isAdaptive = (c: ExperimentContext): boolean => optimizerNumber(c, 'beta2') !== undefined;

/** A rate as one writes it: 2e-4. */
export function showRate(rate: number): string {
  const short = Number(rate.toPrecision(4));
  return short > 0 && short < 0.1 ? short.toExponential() : String(short);
}

/** At most so many steps are looked at. */
const mostSteps = 128;

const known = new WeakMap<ExperimentContext, readonly number[]>();

/** The factors of the schedule at steps spread over the run, from the first to the last; none where they cannot be worked out. */
export function scheduleFactors(c: ExperimentContext): readonly number[] {
  const before = known.get(c);
  if (before !== undefined) return before;
  const factors = factorsOf(c);
  known.set(c, factors);
  return factors;
}

function factorsOf(c: ExperimentContext): readonly number[] {
  const { total } = c.steps;
  const expr = attempt([], () => learningRate(c.resolved.optimizer, c.resolved.schedule));
  if (expr === undefined) return [];
  const rate = rateOf(c);
  const count = Math.min(total, mostSteps);
  const stepAt = (i: number): number => (count < 2 ? 0 : Math.round((i * (total - 1)) / (count - 1)));
  return Array.from({ length: count }, (_, i) => scalarValue(expr, { step: stepAt(i), total }) / rate).filter(Number.isFinite);
}
