/** @file runtime/torch-random.ts against draws made by PyTorch itself (torch-random.json, written by torch-random.py). */
import { describe, expect, it } from 'vitest';
import { torchRandom, type TorchRandom } from '../../runtime/torch-random.js';
import golden from './torch-random.json' with { type: 'json' };

function draw(random: TorchRandom, call: readonly (string | number)[]): ArrayLike<number> {
  const [kind, size, a, b] = call;
  if (kind === 'normal') return random.normal(Number(size), Number(a), Number(b));
  if (kind === 'uniform') return random.uniform(Number(size), Number(a), Number(b));
  return random.permutation(Number(size));
}

/** PyTorch's float32 logarithm and sine differ from ours by a few units in the last place of numbers up to 6. */
const tolerance = (kind: string | number | undefined): number => (kind === 'normal' ? 1e-6 : 0);

describe.each(golden.cases)('torch.manual_seed($seed)', ({ seed, calls }) => {
  it('repeats the sequence of calls', () => {
    const random = torchRandom(seed);
    for (const { call, first, last, count } of calls) {
      const values = Array.from(draw(random, call));
      expect(values.length).toBe(count);
      const seen = [...values.slice(0, first.length), ...values.slice(count - last.length)];
      const worst = [...first, ...last].reduce((most, value, i) => Math.max(most, Math.abs(value - Math.fround(seen[i] ?? NaN))), 0);
      // Goldens have nine digits, which name a float32 exactly.
      const exact = [...first, ...last].every((value, i) => Math.fround(value) === Math.fround(seen[i] ?? NaN));
      expect({ call, worst: exact ? 0 : worst, within: worst <= tolerance(call[0]) || exact }).toMatchObject({ within: true });
    }
  });

  it('does not repeat it with another seed', () => {
    const random = torchRandom(seed + 1);
    const [call] = calls;
    const values = draw(random, call?.call ?? []);
    expect(Math.abs((values[0] ?? NaN) - (call?.first[0] ?? NaN))).toBeGreaterThan(1e-3);
  });
});
