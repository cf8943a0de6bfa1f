/**
 * @file The words of MT19937 (Matsumoto and Nishimura, 1998), seeded as PyTorch's CPU generator is: by the low 32 bits of the seed.
 */

const STATE = 624;
const SHIFT = 397;

/** A generator of 32-bit words, as after `torch.manual_seed(seed)` or in a `torch.Generator` with that seed. */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(STATE);
  state[0] = Number(BigInt.asUintN(32, BigInt(Math.trunc(seed))));
  for (let i = 1; i < STATE; i++) {
    const previous = state[i - 1] as number;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  let next = STATE;
  return () => {
    if (next >= STATE) {
      twist(state);
      next = 0;
    }
    let y = state[next++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < STATE; i++) {
    const joined = ((state[i] as number) & 0x80000000) | ((state[i + 1 < STATE ? i + 1 : 0] as number) & 0x7fffffff);
    const shifted = i + SHIFT < STATE ? i + SHIFT : i + SHIFT - STATE;
    state[i] = (state[shifted] as number) ^ (joined >>> 1) ^ ((joined & 1) === 0 ? 0 : 0x9908b0df);
  }
}
