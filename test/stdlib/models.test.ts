/**
 * @file Every model of the standard library with every method, see model-cases.ts: the first half of the models, and that none is left out.
 */
import { describe, expect, it } from 'vitest';
import { configs, modelTasks } from '../spec/world.js';
import { adapters, casesOf, describeCases, models } from './model-cases.js';

const half = models.slice(0, Math.ceil(models.length / 2));
const cases = half.flatMap(casesOf);

describe('models', () => {
  it('each has a tiny configuration, and no configuration is left over', () =>
    expect([...configs.keys()].sort()).toEqual([...models].sort()));
  it('each can do something', () => expect(models.filter((m) => modelTasks(m).length === 0)).toEqual([]));
  it('every method acts on some model', () =>
    expect(adapters.filter((d) => !cases.some((c) => c.method.startsWith(`${d.name.text}(`))).map((d) => d.name.text)).toEqual([]));
  it('each has most methods', () =>
    expect(half.filter((m) => cases.filter((c) => c.model === m).length < adapters.length / 2)).toEqual([]));
});

describeCases(cases);
