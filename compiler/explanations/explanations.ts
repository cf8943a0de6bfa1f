/**
 * @file Every explanation of a code that is no lint rule, in the order of the codes. `test/golden/error-pages.test.ts` holds them to the codes
 * that the sources use.
 */
import type { Explanation } from './explanation.js';
import { deviceExplanations } from './devices.js';
import { nameExplanations } from './names.js';
import { selectorExplanations } from './selectors.js';
import { syntaxExplanations } from './syntax.js';
import { valueExplanations } from './values.js';

/** Every explanation. */
export const explanations: readonly Explanation[] = [
  ...syntaxExplanations,
  ...nameExplanations,
  ...valueExplanations,
  ...selectorExplanations,
  ...deviceExplanations,
];
