/**
 * @file Memory that an experiment takes whatever its batches are: the bytes of what outlives a step, and the bits of a format.
 */
import { layoutOf, pageElements, type Layout } from '../compiler/driver/layout.js';
import type { FormatInstance } from '../compiler/elaborate/format.js';
import type { Persistent } from '../compiler/plan/persistent.js';
import type { ExperimentContext } from './rule.js';

/** What every device binds at once: the default limit of WebGPU. */
export const bindingLimit = 2 ** 27;

/** Number of elements of a shape. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Bytes of a tensor. */
export const bytesOf = ({ shape, dtype }: Pick<Persistent, 'shape' | 'dtype'>): number => elementsOf(shape) * (dtype === 'f16' ? 2 : 4);

/** The layout with as little on the device as the experiment allows. */
function smallest(c: ExperimentContext): Layout {
  const { precision, paging } = c.resolved.spec.tune;
  if (precision === 'f32' && paging === 'none') return c.layout();
  return layoutOf(c.resolved, bindingLimit, { narrow: precision === 'f16', ...(paging === 'none' ? {} : { pageElements }) });
}

/** Bytes of weights, of what is trained, of its gradient and of the optimiser's state: no plan takes fewer. */
export const leastBytes = (c: ExperimentContext): number =>
  smallest(c).persistent.reduce((sum, p) => (p.within === undefined ? sum + bytesOf(p) : sum), 0);

/** Bits that a format takes for each element of its weight, scales included. */
export const bitsOf = (f: FormatInstance): number =>
  (32 * f.parts.reduce((sum, p) => sum + elementsOf(p.shape), 0)) / elementsOf(f.weight.shape);
