/**
 * @file Intervals of a run in optimiser steps, and how often something happens.
 */
import type { Interval } from '../compiler/spec/spec.js';
import type { ExperimentContext } from './rule.js';

/** An interval in steps. */
export const inSteps = ({ steps }: ExperimentContext, every: Interval): number =>
  every.unit === 'epochs' ? every.count * steps.perEpoch : every.count;

/** Evaluations after the first step; the last step is always followed by one. */
export function evaluations(c: ExperimentContext): number {
  const { eval_every: every } = c.resolved.spec.tune;
  const { total } = c.steps;
  if (c.resolved.spec.data.eval === null) return 0;
  return every === null ? 1 : Math.ceil(total / inSteps(c, every));
}

/** `1 step`, `12 steps`. */
export const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
