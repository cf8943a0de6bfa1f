/**
 * @file Values of the host against what PEFT makes with the same seeds and weights (host-golden.json; host-golden.py makes it).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { distributions } from '../../compiler/elaborate/storage.js';
import { hostMatrix, hostValues, type HostInput } from '../../runtime/host/values.js';

interface Whole {
  readonly shape: number[];
  readonly data: number[];
}

const golden = JSON.parse(readFileSync(new URL('host-golden.json', import.meta.url), 'utf8')) as {
  uniforms: { size: number; low: number; high: number; bits: number; last: number; next: number[] }[];
  projections: { seed: number; rank: number; a: Whole; b: Whole };
  bases: { kind: 'dense' | 'sparse' | 'very_sparse'; seed: number; rank: number; a: Whole; b: Whole }[];
  cells: { rows: number; columns: number; seed: number; indices: Whole }[];
  factors: { init: string; rank: number; scale: number; weight: Whole; a: Whole; b: Whole; left: Whole }[];
};

function make(
  name: string,
  args: { readonly [name: string]: number },
  shape: readonly number[],
  input: HostInput = { name: 't' },
): number[] {
  const value = hostValues[name];
  if (value === undefined) throw new Error(`there is no ${name}`);
  expect(Object.keys(args).sort()).toEqual([...value.params].sort());
  return [...value.make(args, shape, input)];
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(Math.abs(a.length - b.length), ...a.map((x, i) => Math.abs(x - (b[i] as number))));

/** left [m, rank] times right [rank, n]. */
const times = (left: readonly number[], right: readonly number[], rank: number): number[] => {
  const n = right.length / rank;
  return Array.from({ length: (left.length / rank) * n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += (left[Math.floor(i / n) * rank + k] as number) * (right[k * n + (i % n)] as number);
    return sum;
  });
};

describe('uniform draws', () => {
  it.each(golden.uniforms)('of $size numbers are PyTorch’s, bit for bit', ({ size, low, high, bits, last, next }) => {
    const drawn = Float32Array.from(make('torch_uniform', { seed: 7, skip: 0, low, high }, [size]));
    const words = new Int32Array(drawn.buffer);
    const sum = (from: Int32Array): number =>
      from.reduce((total, word, i) => (total + (((word * (i + 1)) % 1000003) + 1000003)) % 1000003, 0);
    expect(sum(words)).toBe(bits);
    expect(drawn.at(-1)).toBe(last);
    expect(sum(words.map((w, i) => (i === size - 1 ? w + 1 : w))), 'negative control').not.toBe(bits);
    expect(make('torch_uniform', { seed: 7, skip: size, low: 0, high: 1 }, [3])).toEqual(next);
  });
});

describe('projections shared by all sites', () => {
  const { seed, rank, a, b } = golden.projections;

  it('are PEFT’s, the second drawn after the first', () => {
    expect(make('torch_kaiming_uniform', { seed, skip: 0 }, a.shape)).toEqual(a.data);
    expect(make('torch_kaiming_uniform', { seed, skip: count(a.shape) }, b.shape)).toEqual(b.data);
    expect(a.shape[0]).toBe(rank);
    expect(make('torch_kaiming_uniform', { seed, skip: 1 }, a.shape), 'negative control').not.toEqual(a.data);
  });

  it.each(golden.bases)('with $kind bases are PEFT’s', ({ kind, seed: s, rank: r, a: x, b: y }) => {
    const small = x.shape.at(-1) as number;
    const skip = r * small;
    const drawn = (shape: readonly number[], before: number): number[] =>
      kind === 'dense'
        ? make('torch_basis', { seed: s, skip: before }, shape)
        : make('torch_ternary_basis', { seed: s, skip: before, sparsity: kind === 'sparse' ? 3 : Math.sqrt(small) }, shape);
    expect(drawn(x.shape, 0)).toEqual(x.data);
    expect(drawn(y.shape, skip)).toEqual(y.data);
    expect(drawn(y.shape, skip + 1), 'negative control').not.toEqual(y.data);
  });
});

describe('cells', () => {
  it.each(golden.cells)('under seed $seed are PEFT’s', ({ rows, columns, seed, indices }) => {
    expect(make('random_cells', { rows, columns, seed }, indices.shape)).toEqual(indices.data);
    expect(make('random_cells', { rows, columns, seed: seed + 1 }, indices.shape), 'negative control').not.toEqual(indices.data);
  });

  it('of WaveFT’s golden seed come in the order they are drawn', () => {
    // methods.md, appendix A: 6 places of a 4 x 8 weight under seed 777.
    expect(make('drawn_cells', { rows: 4, columns: 8, seed: 777 }, [2, 6])).toEqual([0, 0, 0, 1, 2, 3, 7, 1, 3, 6, 3, 1]);
  });

  it('of one axis are a permutation’s', () => {
    const first = make('randperm', { count: 84, seed: 5 }, [38]);
    const [{ indices, columns }] = golden.cells as [(typeof golden.cells)[number]];
    const flat = indices.data.slice(0, 38).map((row, i) => row * columns + (indices.data[38 + i] as number));
    expect([...first].sort((p, q) => p - q)).toEqual(flat);
  });
});

describe('factors of the weight', () => {
  it.each(golden.factors)('$init: scale · left · right is what PEFT takes from the weight', ({ init, rank, scale, weight, a, b, left }) => {
    const [rows, columns] = weight.shape as [number, number];
    const matrix = hostMatrix(Float32Array.from(weight.data), [rows, columns], false);
    const [l, r, args] = init === 'olora' ? ['qr_left', 'qr_right', { rank }] : ['svd_left', 'svd_right', { rank, scale }];
    const made = {
      b: make(l as string, args as { rank: number }, b.shape, { name: 'b', matrix }),
      a: make(r as string, args as { rank: number }, a.shape, { name: 'a', matrix }),
    };
    const taken = times(made.b, made.a, rank).map((x) => x * scale);
    const rest = weight.data.map((x, i) => x - (taken[i] as number));
    // PEFT decomposes in 32 bits: some roundings of numbers below 2.
    expect(largest(rest, left.data)).toBeLessThan(4e-6);
    expect(largest(weight.data, left.data), 'negative control: something is taken').toBeGreaterThan(1e-2);
    if (init === 'olora') {
      expect(largest(made.b, b.data)).toBeLessThan(1e-6);
      expect(largest(made.a, a.data)).toBeLessThan(1e-6);
    }
    // Signs of singular vectors are free; sizes are not.
    const norms = (x: readonly number[], width: number): number[] =>
      Array.from({ length: rank }, (_, k) => Math.hypot(...x.filter((_v, i) => (width === rank ? i % rank : Math.floor(i / width)) === k)));
    expect(largest(norms(made.a, columns), norms(a.data, columns))).toBeLessThan(1e-6);
    expect(largest(norms(made.b, rank), norms(b.data, rank))).toBeLessThan(1e-6);
  });

  it('follow a weight that is stored as its transpose', () => {
    const [{ weight, rank, scale }] = golden.factors as [(typeof golden.factors)[number]];
    const [rows, columns] = weight.shape as [number, number];
    const turned = Float32Array.from(
      { length: rows * columns },
      (_, i) => weight.data[(i % rows) * columns + Math.floor(i / rows)] as number,
    );
    const straight = hostMatrix(Float32Array.from(weight.data), [rows, columns], false);
    const back = hostMatrix(turned, [columns, rows], true);
    expect(make('svd_left', { rank, scale }, [rows, rank], { name: 'b', matrix: back })).toEqual(
      make('svd_left', { rank, scale }, [rows, rank], { name: 'b', matrix: straight }),
    );
  });

  it('refuses a missing weight, a wrong shape and a scale of 0', () => {
    const matrix = hostMatrix(new Float32Array(12).fill(1), [3, 4], false);
    expect(() => make('svd_left', { rank: 2, scale: 1 }, [3, 2])).toThrow(/made from a base weight/);
    expect(() => make('svd_left', { rank: 2, scale: 1 }, [4, 2], { name: 'b', matrix })).toThrow(/\[4, 2\] and needs \[3, 2\]/);
    expect(() => make('svd_right', { rank: 2, scale: 0 }, [2, 4], { name: 'a', matrix })).toThrow(/scale must be above 0/);
  });
});

describe('orthogonal factors', () => {
  const [out, rank, width] = [30, 6, 200];
  const b = make('orthogonal_left', { seed: 4 }, [out, rank], { name: 'b' });
  const a = make('orthogonal_right', { seed: 4 }, [rank, width], { name: 'a' });

  it('have the product 0, and are not 0', () => {
    const size = Math.max(...a.map(Math.abs)) * Math.max(...b.map(Math.abs));
    expect(size).toBeGreaterThan(0.01);
    expect(Math.max(...times(b, a, rank).map(Math.abs))).toBeLessThan(1e-6 * size * rank);
    const other = make('orthogonal_right', { seed: 5 }, [rank, width], { name: 'a' });
    expect(Math.max(...times(b, other, rank).map(Math.abs)), 'negative control: another seed').toBeGreaterThan(0.01 * size);
  });

  it('have the size of a tenth of a standard normal along half of the axes', () => {
    // Σ a² is 0.01 χ² with width · rank / 2 degrees of freedom: within five standard deviations of its mean.
    const freedom = (width * rank) / 2;
    expect(Math.abs(a.reduce((s, x) => s + x * x, 0) / 0.01 - freedom)).toBeLessThan(5 * Math.sqrt(2 * freedom));
  });

  it('differ between tensors and repeat for one', () => {
    expect(make('orthogonal_left', { seed: 4 }, [out, rank], { name: 'c' })).not.toEqual(b);
    expect(make('orthogonal_left', { seed: 4 }, [out, rank], { name: 'b' })).toEqual(b);
  });

  it('need an even rank', () => {
    expect(() => make('orthogonal_left', { seed: 4 }, [out, 5])).toThrow(/even rank, not 5/);
  });
});

describe('the table of the compiler and that of the host', () => {
  const named = Object.entries(distributions).filter(([, d]) => d.host === true);
  it('agree on names and parameters', () => {
    expect(named.length).toBeGreaterThan(5);
    expect(named.map(([name, d]) => [name, [...d.params].sort()]).sort()).toEqual(
      Object.entries(hostValues)
        .map(([name, v]) => [name, [...v.params].sort()])
        .sort(),
    );
  });
  it('agree on which need the weight of the site', () => {
    for (const [name, d] of named) {
      const init = d.make(new Map(), [2, 2]);
      expect(init.kind === 'host' && init.of !== undefined, name).toBe(hostValues[name]?.needs === 'matrix');
    }
  });
  it('order and cells belong together', () => {
    const [rows, columns, take] = [5, 7, 9];
    const drawn = make('drawn_cells', { rows, columns, seed: 3 }, [2, take]);
    const sorted = make('random_cells', { rows, columns, seed: 3 }, [2, take]);
    const order = make('cell_order', { rows, columns, seed: 3 }, [take]);
    expect(order.map((i) => [drawn[i], drawn[take + i]])).toEqual(order.map((_, j) => [sorted[j], sorted[take + j]]));
  });
});
