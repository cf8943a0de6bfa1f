/**
 * @file A sweep that is killed at two moments and gone on with ends as one that was left alone; points that are done are not run again, a
 * failed one is told. The command runs in processes of its own, from `dist/`. Needs a device.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SweepIndex } from '../../cli/sweep/state.js';
import { inFolder } from '../cli/surroundings.js';

const quickstart = fileURLToPath(new URL('../../examples/quickstart/', import.meta.url));
const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const text = `import std.adapters.lora

experiment small {
  base bert from "${join(quickstart, 'base')}" for classify(labels: 2)
  adapt attention with lora(rank: 2, alpha: 4)
  train head
  data {
    train: tsv("train.tsv", take: 64)
    eval: tsv("test.tsv", take: 16)
    text: "text"
    label: "label"
    max_length: 24 tokens
    buckets: 1
  }
  tune { optimizer: adamw(lr: 3e-3)  epochs: 2  batch: 16  save_every: 1 steps }
}

sweep ranks over small {
  rank in [1, 2]
  seed in [0, 1]
}
`;
const files = {
  'a.peft': text,
  ...Object.fromEntries(['train.tsv', 'test.tsv'].map((name) => [name, readFileSync(join(quickstart, name))])),
};

/** Runs the sweep until it ends, or kills it as soon as \`enough\` says so. */
function sweep(folder: string, out: string, enough: () => boolean, more: readonly string[] = []): Promise<number | null> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, 'sweep', 'a.peft', '--out', out, ...more], { cwd: folder, stdio: 'ignore' });
    const watch = setInterval(() => enough() && child.kill('SIGKILL'), 20);
    child.on('close', (code) => {
      clearInterval(watch);
      done(code);
    });
  });
}

const indexOf = (folder: string): SweepIndex => JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8')) as SweepIndex;
const adaptersOf = (folder: string): Map<string, Buffer> =>
  new Map(indexOf(folder).points.map((p) => [p.hash, readFileSync(join(folder, p.folder, 'adapter_model.safetensors'))]));
const found = (folder: string, name: string): number =>
  existsSync(folder) ? readdirSync(folder).filter((entry) => existsSync(join(folder, entry, name))).length : 0;

describe('a sweep', () => {
  it(
    'that is killed twice ends as one that was not',
    () =>
      inFolder(files, async (folder, peft) => {
        expect(await sweep(folder, 'whole', () => false, ['--jobs', '2'])).toBe(0);
        const broken = join(folder, 'broken');
        // Once in the middle of a point, once between points.
        expect(await sweep(folder, 'broken', () => found(broken, 'checkpoint.safetensors') > 0)).toBe(null);
        expect(found(broken, 'result.json')).toBe(0);
        expect(await sweep(folder, 'broken', () => found(broken, 'result.json') > 1)).toBe(null);
        const finished = found(broken, 'result.json');
        expect(finished).toBeGreaterThan(1);
        const times = (): Map<string, number> =>
          new Map(
            readdirSync(broken).flatMap((entry) => {
              const path = join(broken, entry, 'result.json');
              return existsSync(path) ? [[entry, statSync(path).mtimeMs] as const] : [];
            }),
          );
        const before = times();
        expect(await sweep(folder, 'broken', () => false)).toBe(0);
        for (const [entry, time] of before) expect(times().get(entry), 'a point that was done is not run again').toBe(time);
        expect(indexOf(broken)).toEqual(indexOf(join(folder, 'whole')));
        const [own, wanted] = [adaptersOf(broken), adaptersOf(join(folder, 'whole'))];
        expect(own.size).toBe(4);
        for (const [hash, bytes] of wanted) expect(own.get(hash)?.equals(bytes), hash).toBe(true);
        const status = await peft(['sweep', 'a.peft', '--out', 'broken', '--status', '--format', 'json']);
        expect((JSON.parse(status.out) as { points: { state: string }[] }).points.map((p) => p.state)).toEqual([
          'done',
          'done',
          'done',
          'done',
        ]);
        // The points are methods with seeds.
        const compared = await peft(['compare', 'broken', '--by', 'accuracy', '--format', 'json']);
        expect((JSON.parse(compared.out) as { methods: { seeds: number[] }[] }).methods.map((m) => m.seeds)).toEqual([
          [0, 1],
          [0, 1],
        ]);
      }),
    240_000,
  );

  it('checks every point before the first, and tells what failed at the end', () =>
    inFolder({ ...files, 'bad.peft': text.replace('rank in [1, 2]', 'rank in [1, 900]') }, async (folder, peft) => {
      const told = await peft(['sweep', 'bad.peft']);
      expect(told.code).toBe(1);
      expect(told.err).toContain('rank 900 is above min(in, out)');
      expect(told.err).toContain('in the point rank=900 seed=0');
      expect(existsSync(join(folder, 'runs'))).toBe(false);
      expect((await peft(['sweep', 'a.peft', '--sweep', 'rank'])).err).toContain('did you mean ranks?');
      expect((await peft(['sweep', 'a.peft', '--jobs', '0'])).err).toContain('--jobs must be a whole number');
      const listed = await peft(['sweep', 'a.peft', '--expand']);
      expect(listed.out.split('\n').map((line) => line.slice(0, 13))).toEqual([
        'rank=1 seed=0',
        'rank=1 seed=1',
        'rank=2 seed=0',
        'rank=2 seed=1',
        '',
      ]);
    }));
});
