/**
 * @file The first entries of `torch.randperm` on the CPU, for indices that an adapter's file leaves out because they follow from a seed.
 *
 * Below WIDE = ⌊(2³² − 1) / 20⌋ entries PyTorch shuffles forwards (Fisher–Yates): entry i changes places with entry i + (a 32-bit
 * word mod count − i). The first `take` entries are final after as many draws, so that a sparse map of what was moved is enough.
 * From WIDE on it shuffles inside out with 64-bit words, the first of two being the high half: z = word mod (i + 1), r[i] = r[z],
 * r[z] = i. There every entry may still change the first one, so all draws are made; but an entry from `take` on is
 * never read again into the first ones, so that memory follows `take` in both cases.
 */
import { DeviceError } from '../device-error.js';
import { mersenneTwister } from './mersenne.js';

const WIDE = Math.floor(0xffffffff / 20);
const MOST = 2 ** 31;

/** The first `take` entries of `torch.randperm(count)` after `torch.manual_seed(seed)`, or with a generator of that seed. */
export function torchPermutation(count: number, seed: number, take: number): Int32Array<ArrayBuffer> {
  if (!Number.isSafeInteger(count) || count < 0 || !Number.isSafeInteger(take) || take < 0 || take > count) {
    throw new DeviceError('misuse', `${take} entries cannot be taken of a permutation of ${count}`);
  }
  if (count > MOST)
    throw new DeviceError('misuse', `a permutation of ${count} entries does not fit 32 bits`, `at most ${MOST} entries can be permuted`);
  return count < WIDE ? forwards(count, seed, take) : insideOut(count, seed, take);
}

function forwards(count: number, seed: number, take: number): Int32Array<ArrayBuffer> {
  const word = mersenneTwister(seed);
  const moved = new Map<number, number>();
  const first = new Int32Array(take);
  for (let i = 0; i < take; i++) {
    const other = i + (word() % (count - i));
    const own = moved.get(i) ?? i;
    moved.delete(i);
    first[i] = other === i ? own : (moved.get(other) ?? other);
    if (other !== i) moved.set(other, own);
  }
  return first;
}

function insideOut(count: number, seed: number, take: number): Int32Array<ArrayBuffer> {
  const word = mersenneTwister(seed);
  const first = new Int32Array(take);
  for (let i = 0; i < count; i++) {
    const high = word();
    const z = remainder(high, word(), i + 1);
    if (i < take) first[i] = first[z] as number;
    if (z < take) first[z] = i;
  }
  return first;
}

/** (high · 2³² + low) mod m for m of at most 2³¹, in three steps whose numbers stay below 2⁵³. */
function remainder(high: number, low: number, m: number): number {
  const upper = (high % m) * 0x10000 + (low >>> 16);
  return reduced(reduced(upper, m) * 0x10000 + (low & 0xffff), m);
}

/** x mod m; a quotient in floating point is off by one at most, and faster than `%` of numbers above 2³². */
function reduced(x: number, m: number): number {
  const rest = x - Math.floor(x / m) * m;
  return rest < 0 ? rest + m : rest >= m ? rest - m : rest;
}
