/**
 * @file The WGSL functions behind ops, without a device: their text, transliterated to JavaScript with every operation
 * rounded to f32 (u32 for the hash), against the f64 references. A device runs them too (test/gpu); this needs none.
 */
import { describe, expect, it } from 'vitest';
import { erf, erfWgsl, expWgsl, powWgsl, tanhWgsl } from '../../compiler/ops/functions.js';
import { randomKey, randomUniform, randomWgsl } from '../../compiler/ops/random.js';

type Fn = (...args: number[]) => number;

/** The function `name` of a WGSL text as JavaScript. Operators on f32 are not rounded one by one, `fma` and results are. */
function translate(text: string, name: string): Fn {
  const body = text
    .replace(/fn (\w+)\(([^)]*)\)[^{]*/g, (_, fn: string, params: string) => `function ${fn}(${params.replace(/: \w+/g, '')}) `)
    .replace(/\b(?:let|var) /g, 'let ')
    .replace(/0x1p-24f/g, String(2 ** -24))
    .replace(/bitcast<f32>/g, 'asFloat')
    .replace(/\b(0x[0-9a-f]+|\d+)u\b/g, '$1');
  const whole = text.includes('u32');
  const source = whole
    ? body
        .replace(/x \*= (\w+);/g, 'x = Math.imul(x, $1) >>> 0;')
        .replace(/x \^= x >> (\d+);/g, 'x = (x ^ (x >>> $1)) >>> 0;')
        .replace(/stream \* (\w+)/g, 'Math.imul(stream, $1)')
        .replace(/\) >> 8/g, ') >>> 8')
        .replace(/var |let x = value/g, 'let x = value >>> 0')
    : body;
  const library =
    'const fma = (a, b, c) => Math.fround(a * b + c), select = (no, yes, c) => (c ? yes : no), f32 = Math.fround, i32 = Math.trunc, clamp = (x, a, b) => Math.min(Math.max(x, a), b), asFloat = (x) => new Float32Array(Int32Array.of(x).buffer)[0], { abs, min, max, round, floor, pow } = Math;';
  return new Function(`${library} ${source} return ${name};`)() as Fn;
}

const range = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * i) / (count - 1)));
const small = [1e-30, 1e-12, 1e-6, 1e-3].flatMap((v) => [v, -v]).map(Math.fround);
const worst = (f: Fn, reference: Fn, points: readonly number[]): number =>
  Math.max(...points.map((x) => Math.abs(f(x) - reference(x)) / Math.max(Math.abs(reference(x)), 1e-38)));

describe('accuracy of f32 functions', () => {
  it('erf_f32 is within 2e-7 relative, near 0 and in its tails', () => {
    const f = translate(expWgsl + erfWgsl, 'erf_f32');
    expect(worst(f, erf, [...range(-6, 6, 4001), ...small, 50, -50])).toBeLessThan(2e-7);
    expect(
      worst((x) => f(x) * (1 + 4e-7), erf, range(-6, 6, 101)),
      'negative control',
    ).toBeGreaterThan(2e-7);
  });

  it('exp_f32 is within 1.5e-7 relative, 0 far below, infinite far above, and keeps what is no number', () => {
    const f = translate(expWgsl, 'exp_f32');
    expect(worst(f, Math.exp, [...range(-87, 88, 8001), ...range(-1, 1, 1001), ...small])).toBeLessThan(1.5e-7);
    expect([f(-100), f(-1e30), f(89), f(1e30), f(NaN)].map(Math.fround)).toEqual([0, 0, Infinity, Infinity, NaN]);
  });

  it('tanh_f32 is within 2e-7 relative and does not overflow', () => {
    const f = translate(expWgsl + tanhWgsl, 'tanh_f32');
    expect(worst(f, Math.tanh, [...range(-20, 20, 4001), ...range(-1, 1, 1001), ...small, 1e4, -1e4])).toBeLessThan(2e-7);
  });

  it.each([
    [2, 10],
    [-2, 3],
    [-2, 4],
    [-2, -3],
    [0, 0],
    [0, 2],
    [5, 0],
    [9, 0.5],
    [-3, 0],
    [0.5, -2.5],
  ])('pow_f32(%d, %d)', (x, y) => {
    expect(translate(powWgsl, 'pow_f32')(x, y)).toBeCloseTo(x ** y, 12);
  });
});

describe('random numbers', () => {
  it('are the same in JavaScript and WGSL', () => {
    const source = translate(randomWgsl, 'random_uniform');
    const key = translate(randomWgsl, 'random_key');
    for (const [seed, stream] of [
      [0, 0],
      [42, 1],
      [2 ** 32 - 1, 77],
    ] as const) {
      expect(key(seed, stream) >>> 0).toBe(randomKey(seed, stream));
      for (const index of [0, 1, 2, 1000, 2 ** 31, 2 ** 32 - 1])
        expect(source(randomKey(seed, stream), index)).toBe(randomUniform(randomKey(seed, stream), index));
    }
  });

  it('are fixed for ever', () => {
    const key = randomKey(42, 3);
    expect([0, 1, 2, 3].map((i) => randomUniform(key, i))).toMatchInlineSnapshot(`
      [
        0.5574844479560852,
        0.1866573691368103,
        0.3809570074081421,
        0.42737138271331787,
      ]
    `);
  });

  it('are uniform and differ between streams and seeds', () => {
    const draw = (seed: number, stream: number): number[] =>
      Array.from({ length: 20000 }, (_, i) => randomUniform(randomKey(seed, stream), i));
    const a = draw(1, 0);
    const mean = (v: readonly number[]): number => v.reduce((x, y) => x + y, 0) / v.length;
    expect(Math.abs(mean(a) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / a.length));
    const buckets = new Array<number>(16).fill(0);
    for (const v of a) buckets[Math.floor(v * 16)] = (buckets[Math.floor(v * 16)] as number) + 1;
    for (const n of buckets) expect(Math.abs(n - a.length / 16)).toBeLessThan(5 * Math.sqrt(a.length / 16));
    for (const b of [draw(1, 1), draw(2, 0)]) {
      const correlation = mean(a.map((v, i) => (v - 0.5) * ((b[i] as number) - 0.5))) * 12;
      expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(a.length));
    }
  });
});
