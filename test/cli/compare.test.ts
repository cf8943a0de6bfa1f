/**
 * @file Methods side by side: statistics against known values, grouping by meaning, pairing by seed, and every format.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupHash, type RunResult } from '../../cli/runs.js';
import { interval, studentQuantile, summary, verdict } from '../../cli/statistics.js';
import { resolveAll } from '../spec/experiments.js';
import { inFolder } from './surroundings.js';

describe('statistics', () => {
  it.each([
    // Quantiles of Student's t as tables give them.
    [0.975, 1, 12.7062],
    [0.975, 2, 4.30265],
    [0.975, 4, 2.77645],
    [0.95, 10, 1.81246],
    [0.995, 30, 2.75],
    [0.975, 1000, 1.96234],
  ])('t(%d, %d)', (p, freedom, expected) => expect(studentQuantile(p, freedom)).toBeCloseTo(expected, 4));

  it('says what few values say', () => {
    expect(summary([1, 2, 3])).toEqual({ n: 3, mean: 2, sd: 1, low: 1, high: 3 });
    expect(summary([4]).sd).toBe(null);
    const found = interval([1, 2, 3], 0.95);
    expect(found?.low).toBeCloseTo(2 - 4.30265 / Math.sqrt(3), 4);
    expect(interval([1], 0.95)).toBe(undefined);
    expect(verdict([0.1, 0.11, 0.12], 'higher', 0.95, 0)).toBe('better');
    expect(verdict([0.1, 0.11, 0.12], 'lower', 0.95, 0)).toBe('worse');
    expect(verdict([0.1, 0.11, 0.12], 'higher', 0.95, 0.2)).toBe('within noise');
    expect(verdict([0.1, -0.1, 0.02], 'higher', 0.95, 0)).toBe('within noise');
    expect(verdict([0.1], 'higher', 0.95, 0)).toBe('too few seeds');
  });
});

const text = (name: string, rank: number, seed: number): string => `import std.adapters.lora
experiment ${name} {
  base bert from "models/bert" for classify(labels: 2)
  adapt attention with lora(rank: ${rank})
  train head
  data { train: tsv("train.tsv") text: "text" label: "label" }
  tune { optimizer: adamw(lr: 1e-3) seed: ${seed} }
}`;

/** The files of a run that never was. */
function write(folder: string, name: string, rank: number, seed: number, accuracy: number, seconds: number): void {
  const { spec } = [...resolveAll(text(name, rank, seed)).values()][0] as { spec: import('../../compiler/spec/spec.js').Spec };
  const place = join(folder, 'runs', `${name}_${rank}_${seed}`);
  mkdirSync(place, { recursive: true });
  const result: RunResult = {
    format: 'peft-result',
    version: 1,
    experiment: name,
    hash: 'x',
    group: groupHash(spec),
    seed,
    steps: 10,
    seconds,
    tokens: 1000,
    trainable: 100 * rank,
    parameters: 5000,
    adapterBytes: 2048,
    plannedBytes: 4096,
    allocatedBytes: 4096,
    hostBytes: 1e6,
    joules: null,
    device: 'none',
    best: null,
    bestStep: null,
    before: null,
    after: { loss: 1 - accuracy, accuracy },
    kept: { loss: 1 - accuracy, accuracy },
    finished: `2026-01-0${seed + 1}T00:00:00.000Z`,
  };
  writeFileSync(join(place, 'result.json'), JSON.stringify(result));
  writeFileSync(join(place, 'spec.lock.json'), JSON.stringify({ format: 'peft-lock', version: 2, spec }));
}

describe('peft compare', () => {
  const runs = (folder: string): void => {
    for (const seed of [0, 1, 2]) {
      write(folder, `small_${seed}`, 2, seed, 0.7 + 0.01 * seed, 10);
      write(folder, `large_${seed}`, 4, seed, 0.8 + 0.011 * seed, 10 + (seed - 1));
    }
  };

  it('takes runs that differ in the seed alone for one method', () =>
    inFolder({}, async (folder, peft) => {
      runs(folder);
      const told = await peft(['compare', 'runs', '--by', 'accuracy,time,trainable,adapter', '--baseline', 'small']);
      expect(told.code).toBe(0);
      expect(told.out).toMatch(/^large {3}0 1 2 {2}0\.8110 ± 0\.0110 +10\.0 ± 1\.0000 +400 +2\sKiB$/m);
      expect(told.out).toMatch(/^small {3}0 1 2 {2}0\.7100 ± 0\.0100/m);
      expect(told.out).toMatch(/^large +\+0\.1010 \[\+0\.0985, \+0\.1035\] better +0\.0000 \[-2\.4841, \+2\.4841\] within noise/m);
      const json = JSON.parse((await peft(['compare', 'runs', '--format', 'json'])).out) as {
        methods: { name: string; seeds: number[]; quantities: Record<string, { values: number[]; mean: number }> }[];
      };
      expect(json.methods.map((m) => [m.name, m.seeds])).toEqual([
        ['large', [0, 1, 2]],
        ['small', [0, 1, 2]],
      ]);
      expect(json.methods[1]?.quantities['accuracy']?.values).toEqual([0.7, 0.71, 0.72]);
      expect(json.methods[0]?.quantities).not.toHaveProperty('energy');
      const csv = (await peft(['compare', 'runs', '--format', 'csv', '--by', 'accuracy'])).out.split('\n');
      expect(csv[0]).toBe('method,seed,folder,accuracy');
      expect(csv).toHaveLength(8);
      expect((await peft(['compare', 'runs', '--format', 'md'])).out).toContain('| **large** | 0, 1, 2 |');
    }));

  it('counts a run that was run again once, and says what is not there', () =>
    inFolder({ 'empty/x': '' }, async (folder, peft) => {
      write(folder, 'one', 2, 0, 0.5, 1);
      write(folder, 'two', 2, 0, 0.6, 1);
      const told = JSON.parse((await peft(['compare', 'runs', '--format', 'json'])).out) as { methods: { seeds: number[] }[] };
      expect(told.methods.map((m) => m.seeds)).toEqual([[0]]);
      expect((await peft(['compare', 'runs', '--by', 'speed'])).err).toContain('these runs have no speed');
      expect((await peft(['compare', 'runs', '--baseline', 'nobody'])).err).toContain('there is no method nobody');
      expect((await peft(['compare', 'empty'])).err).toContain('holds no run that is done');
      expect((await peft(['compare', 'gone'])).err).toContain('gone is no folder');
      expect((await peft(['compare', 'runs', '--confidence', '2'])).err).toContain('--confidence must be between 0 and 1');
    }));
});
