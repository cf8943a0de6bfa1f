/** @file First values: every kind of source, the statistics of the draws, independence of chunks, and wrong readers answered by words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Init, Program, Source } from '../../compiler/plan/program.js';
import { counterRandom, fnv1a } from '../../runtime/counter-random.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { drawElements, initialise, type CheckpointReader } from '../../runtime/init.js';
import { softwareTarget } from '../kernels/targets.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => {
  device.close();
});

/** A Program that only holds tensors of `n` f32 elements with the given sources. */
function holding(n: number, sources: Readonly<Record<string, Source>>): Program {
  const room = Math.ceil((n * 4) / 256) * 256;
  const tensors = Object.entries(sources).map(([name, source], i) => ({
    name,
    dtype: 'f32' as const,
    shape: [n],
    buffer: 0,
    offset: i * room,
    bytes: n * 4,
    source,
  }));
  return {
    format: 'peft-program',
    version: 1,
    target: softwareTarget,
    buffers: [{ name: 'weights', kind: 'weights', bytes: room * tensors.length }],
    tensors,
    shaders: [],
    entries: [],
    uniforms: '',
  };
}

async function withTensors(n: number, sources: Readonly<Record<string, Source>>, use: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(device, holding(n, sources));
  try {
    await use(session);
  } finally {
    session.close();
  }
}

const uniform: Init = { kind: 'uniform', low: -0.5, high: 0.25 };
const normal: Init = { kind: 'normal', mean: 1, std: 0.02 };
/** Gives `n` floats counting up, in chunks of two elements, for the key it has; a row range shifts the count. */
const reader =
  (has: string, n: number): CheckpointReader =>
  ({ keys, rows }, write) => {
    if (!keys.includes(has)) return Promise.resolve(false);
    for (let at = 0; at < n; at += 2)
      write(at * 4, new Uint8Array(Float32Array.from([at, at + 1].slice(0, n - at), (i) => i + (rows?.[0] ?? 0)).buffer));
    return Promise.resolve(true);
  };

describe('initialise', () => {
  it('fills each tensor from its source', async () => {
    const data = Buffer.from(new Uint8Array(Float32Array.from([1.5, -2, 1e-30, 4, 5]).buffer)).toString('base64');
    await withTensors(
      5,
      {
        one: { kind: 'init', init: { kind: 'constant', value: 0.75 } },
        none: { kind: 'zeros' },
        given: { kind: 'data', base64: data },
        drawn: { kind: 'init', init: normal },
        base: { kind: 'checkpoint', keys: ['a.weight', 'b.weight'] },
        rows: { kind: 'checkpoint', keys: ['b.weight'], rows: [10, 15] },
        head: { kind: 'checkpoint', keys: ['head.weight'], fresh: uniform },
        batch: { kind: 'host' },
      },
      async (session) => {
        const seen: string[] = [];
        const report = await initialise(session, {
          seed: 42,
          checkpoint: reader('b.weight', 5),
          onProgress: (done, total) => seen.push(`${done}/${total}`),
        });
        expect(report).toEqual({ loaded: ['base', 'rows'], fresh: ['head'], made: ['one', 'none', 'given', 'drawn'] });
        expect(seen.at(-1)).toBe('7/7');
        const values = async (name: string): Promise<number[]> => [...(await session.read(name))];
        expect(await values('one')).toEqual([0.75, 0.75, 0.75, 0.75, 0.75]);
        expect(await values('none')).toEqual([0, 0, 0, 0, 0]);
        expect(await values('given')).toEqual([1.5, -2, Math.fround(1e-30), 4, 5]);
        expect(await values('drawn')).toEqual([...drawElements(normal, 42, 'drawn', 0, 5)]);
        expect(await values('base')).toEqual([0, 1, 2, 3, 4]);
        expect(await values('rows')).toEqual([10, 11, 12, 13, 14]);
        expect(await values('head')).toEqual([...drawElements(uniform, 42, 'head', 0, 5)]);
      },
    );
  });

  it('writes more than one chunk as if it were one', async () => {
    const n = 2 ** 20 + 3;
    await withTensors(n, { big: { kind: 'init', init: uniform } }, async (session) => {
      await initialise(session, { seed: 7 });
      const found = await session.read('big');
      const last = drawElements(uniform, 7, 'big', n - 5, n);
      expect(found.length).toBe(n);
      expect([...found.subarray(n - 5)]).toEqual([...last]);
      expect([...found.subarray(0, 3)]).toEqual([...drawElements(uniform, 7, 'big', 0, 3)]);
    });
  });

  it('takes the draw of the caller where it gives one', async () => {
    await withTensors(4, { a: { kind: 'init', init: normal }, b: { kind: 'init', init: normal } }, async (session) => {
      await initialise(session, { seed: 1, draw: (tensor) => (tensor.name === 'a' ? Float32Array.of(1, 2, 3, 4) : undefined) });
      expect([...(await session.read('a'))]).toEqual([1, 2, 3, 4]);
      expect([...(await session.read('b'))]).toEqual([...drawElements(normal, 1, 'b', 0, 4)]);
    });
  });

  it.each<[string, Source, CheckpointReader | undefined, string]>([
    ['no checkpoint and nothing fresh', { kind: 'checkpoint', keys: ['x', 'y'] }, undefined, 'no tensor x or y'],
    ['none of the keys', { kind: 'checkpoint', keys: ['x'] }, reader('z', 4), 'no tensor x'],
    ['a reader that gives too little', { kind: 'checkpoint', keys: ['x'] }, reader('x', 2), 'gave 8 bytes for t, which has 16'],
    ['a reader that gives too much', { kind: 'checkpoint', keys: ['x'] }, reader('x', 6), 'ends at byte 24 of 16'],
    ['data of another length', { kind: 'data', base64: 'AAAAAA==' }, undefined, 'carries 4 bytes for t, which has 16'],
  ])('answers by words: %s', async (_name, source, checkpoint, words) => {
    await withTensors(4, { t: source }, async (session) => {
      await expect(initialise(session, { seed: 0, ...(checkpoint === undefined ? {} : { checkpoint }) })).rejects.toThrow(words);
    });
  });
});

describe('counterRandom', () => {
  const n = 20_000;
  const moments = (values: readonly number[]): { mean: number; variance: number } => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length };
  };
  // Five standard errors of n draws; the negative control is off by a tenth of the spread.
  const bound = 5 / Math.sqrt(n);

  it.each([
    [0, 'a'],
    [42, 'layers.0.A'],
    [42, 'layers.1.A'],
    [2 ** 40 + 1, 'a'],
  ] as const)('has the moments of its distributions: seed %d, %s', (seed, name) => {
    const random = counterRandom(seed, name);
    const uniforms = moments(Array.from({ length: n }, (_, i) => random.uniform(i)));
    const draws = Array.from({ length: n }, (_, i) => random.normal(i));
    const normals = moments(draws);
    const wrong = moments(draws.map((value) => 1.1 * value + 0.1));
    expect(Math.abs(uniforms.mean - 0.5)).toBeLessThan(bound * Math.sqrt(1 / 12));
    expect(Math.abs(uniforms.variance - 1 / 12)).toBeLessThan(bound * Math.sqrt(1 / 180));
    expect(Math.abs(normals.mean)).toBeLessThan(bound);
    expect(Math.abs(normals.variance - 1)).toBeLessThan(bound * Math.SQRT2);
    expect(Math.abs(wrong.mean)).toBeGreaterThan(bound);
    expect(Math.abs(wrong.variance - 1)).toBeGreaterThan(bound * Math.SQRT2);
  });

  it('has bits that are set half of the time, and neighbours, seeds and names that do not correlate', () => {
    const a = counterRandom(42, 'a');
    const others = [counterRandom(43, 'a'), counterRandom(42, 'b'), counterRandom(42 + 2 ** 32, 'a')];
    const bits = Array.from(
      { length: 32 },
      (_, bit) => Array.from({ length: n }, (_, i) => (a.word(i) >>> bit) & 1).reduce((x, y) => x + y, 0) / n,
    );
    for (const share of bits) expect(Math.abs(share - 0.5)).toBeLessThan(bound / 2);
    const correlation = (other: (i: number) => number): number =>
      Array.from({ length: n }, (_, i) => a.normal(i) * other(i)).reduce((x, y) => x + y, 0) / n;
    for (const other of others) expect(Math.abs(correlation((i) => other.normal(i)))).toBeLessThan(bound);
    expect(Math.abs(correlation((i) => a.normal(i + 1)))).toBeLessThan(bound);
    expect(correlation((i) => a.normal(i))).toBeGreaterThan(0.9);
  });

  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ] as const)('hashes names by FNV-1a: %j', (text, hash) => {
    expect(fnv1a(text)).toBe(hash);
  });
});
