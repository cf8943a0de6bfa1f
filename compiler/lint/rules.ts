/**
 * @file Every rule. Written by scripts/generate-rules.mjs from the files in `rules/`; do not edit.
 */
import type { Rule } from './rule.js';
import { rule as warmupTooLong } from './rules/warmup-too-long.js';

/** Every rule, in the order of the codes. */
export const rules: readonly Rule[] = [warmupTooLong];
