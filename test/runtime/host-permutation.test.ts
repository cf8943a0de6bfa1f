/**
 * @file The first entries of `torch.randperm` against PyTorch (host-golden.json; host-golden.py makes it).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { torchPermutation } from '../../runtime/host/permutation.js';

const { permutations } = JSON.parse(readFileSync(new URL('host-golden.json', import.meta.url), 'utf8')) as {
  permutations: { count: number; seed: number; first: number[] }[];
};
const inside = permutations.filter((p) => p.count < 214_748_364);

describe('permutation', () => {
  it.each(inside)('of $count under seed $seed is PyTorch’s', ({ count, seed, first }) => {
    expect([...torchPermutation(count, seed, first.length)]).toEqual(first);
    if (first.length >= 8)
      expect([...torchPermutation(count, seed + 1, first.length)], 'negative control: another seed').not.toEqual(first);
  });

  it('from 214748364 entries on is PyTorch’s other one', { timeout: 120_000 }, () => {
    const wide = permutations.filter((p) => !inside.includes(p));
    expect(wide.length).toBe(1);
    for (const { count, seed, first } of wide) expect([...torchPermutation(count, seed, first.length)]).toEqual(first);
  });

  it('holds every index once', () => {
    expect([...torchPermutation(1000, 3, 1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('takes a prefix of the same permutation', () => {
    expect([...torchPermutation(5000, 9, 20)]).toEqual([...torchPermutation(5000, 9, 5000).slice(0, 20)]);
  });

  it.each([
    [5, 6, /6 entries cannot be taken of a permutation of 5/],
    [-1, 0, /cannot be taken/],
    [2 ** 31 + 1, 1, /does not fit 32 bits/],
  ])('refuses %d entries of which %d are taken', (count, take, message) => {
    expect(() => torchPermutation(count, 0, take)).toThrow(message);
  });
});
