/**
 * @file The registered overrides, each in a file of `overrides/`. `test/kernels/overrides.test.ts` compares each with what it replaces, on its own samples.
 */
import type { Override } from './override.js';
import { scatterLists } from './overrides/scatter-lists.js';

/** Every override, in the order in which they are tried. */
export const overrides: readonly Override[] = [scatterLists];
