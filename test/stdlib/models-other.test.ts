/**
 * @file Every model of the standard library with every method, see model-cases.ts: the second half of the models.
 */
import { describe, expect, it } from 'vitest';
import { adapters, casesOf, describeCases, models } from './model-cases.js';

const half = models.slice(Math.ceil(models.length / 2));
const cases = half.flatMap(casesOf);

describe('models', () => {
  it('each has most methods', () =>
    expect(half.filter((m) => cases.filter((c) => c.model === m).length < adapters.length / 2)).toEqual([]));
});

describeCases(cases);
