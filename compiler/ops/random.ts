/**
 * @file The counter-based random numbers of a program: element i of stream s under a seed is a fixed function of the
 * three, so every kernel, order and device draws the same. Two rounds of the 32-bit mixer "lowbias32" (Wellons, 2018)
 * over the index, keyed by seed and stream; the upper 24 bits give a uniform number in [0, 1).
 *
 * The JavaScript and the WGSL stand side by side; a test holds them equal on known values.
 */

function mix(value: number): number {
  let x = value >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** The key of a stream under a seed; both are taken modulo 2^32. */
export function randomKey(seed: number, stream: number): number {
  return mix(mix(seed) + Math.imul(stream, 0x9e3779b9));
}

/** 32 random bits for an index under a key. */
export function randomBits(key: number, index: number): number {
  return mix(mix(index ^ key) + key);
}

/** Uniform in [0, 1), a multiple of 2^-24. */
export function randomUniform(key: number, index: number): number {
  return (randomBits(key, index) >>> 8) * 2 ** -24;
}

/** WGSL of the same: `random_key(seed, stream)` and `random_uniform(key, index)`, all u32. */
export const randomWgsl = `fn random_mix(value: u32) -> u32 {
  var x = value;
  x ^= x >> 16u;
  x *= 0x7feb352du;
  x ^= x >> 15u;
  x *= 0x846ca68bu;
  x ^= x >> 16u;
  return x;
}
fn random_key(seed: u32, stream: u32) -> u32 {
  return random_mix(random_mix(seed) + stream * 0x9e3779b9u);
}
fn random_uniform(key: u32, index: u32) -> f32 {
  return f32(random_mix(random_mix(index ^ key) + key) >> 8u) * 0x1p-24f;
}
`;
