/**
 * @file Counter-based shuffling: the order of an epoch is a function of seed and epoch alone, so a resumed run continues
 * in the same order without having drawn what came before.
 */

/** 32 well-mixed bits from three words (the finaliser of MurmurHash3, chained). */
export function mixBits(seed: number, stream: number, counter: number): number {
  return finalise(finalise(finalise(seed ^ 0x9e3779b9) ^ Math.imul(stream, 0x85ebca6b)) ^ Math.imul(counter, 0xc2b2ae35));
}

/** A permutation of 0 … count - 1 (Fisher and Yates), determined by `seed` and `stream`. */
export function permutation(count: number, seed: number, stream: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor((mixBits(seed, stream, i) / 2 ** 32) * (i + 1));
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}

function finalise(bits: number): number {
  let h = bits | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
