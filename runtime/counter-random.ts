/**
 * @file Random numbers from counters: the value at an index depends on seed, stream and index only, so the order of drawing, the
 * device and the number of threads change nothing.
 *
 * One 32-bit word is two rounds of a mixing permutation (the constants of C. Wellons' "triple32") keyed by seed and stream.
 */

/** A stream of random numbers addressed by index. */
export interface CounterRandom {
  /** 32 random bits. */
  word(index: number): number;
  /** Uniform in [0, 1), 32 bits. */
  uniform(index: number): number;
  /** Standard normal: Box–Muller in f64 over two words of this index. */
  normal(index: number): number;
}

/** The stream of a seed and a name (`seed 42`, tensor `layer.0.A`). */
export function counterRandom(seed: number, stream: string): CounterRandom {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const name = fnv1a(stream);
  const key0 = mix(mix(low ^ 0x9e3779b9) ^ mix(high + 0x85ebca6b) ^ name);
  const key1 = mix(key0 ^ Math.imul(name, 0xc2b2ae35) ^ 0x27d4eb2f);
  const word = (index: number): number => {
    const above = Math.floor(index / 2 ** 32);
    return mix(mix((index >>> 0) ^ key0) + key1 + Math.imul(above, 0x9e3779b1));
  };
  return {
    word,
    uniform: (index) => word(index) / 2 ** 32,
    normal: (index) => {
      // (0, 1], so that the logarithm is finite.
      const u = (word(2 * index) + 1) / 2 ** 32;
      return Math.sqrt(-2 * Math.log(u)) * Math.cos((2 * Math.PI * word(2 * index + 1)) / 2 ** 32);
    },
  };
}

/** FNV-1a of a text's UTF-8 bytes, 32 bits. */
export function fnv1a(text: string): number {
  return new TextEncoder().encode(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

function mix(word: number): number {
  let x = word >>> 0;
  x = Math.imul(x ^ (x >>> 17), 0xed5ad4bb);
  x = Math.imul(x ^ (x >>> 11), 0xac4c1b51);
  x = Math.imul(x ^ (x >>> 15), 0x31848bab);
  return (x ^ (x >>> 14)) >>> 0;
}
