/**
 * @file placeholder replaced below
 */
import type { Benchmark } from './report.js';
export const benchmark: Benchmark = { summary: '', run: () => Promise.resolve() };
