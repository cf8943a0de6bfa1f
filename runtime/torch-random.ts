/**
 * @file Random numbers as PyTorch's CPU generator draws them, for parity with adapters made there: MT19937 seeded by 32 bits,
 * `uniform_` and `normal_` of float32 tensors, `randperm`.
 *
 * `normal_` of 16 elements or more fills the tensor with uniforms and turns each group of 16 into 8 + 8 by Box–Muller; when the
 * size is no multiple of 16 the last 16 elements are drawn once more. Fewer than 16 come one by one in f64, the second number of
 * each pair kept for the next call. PyTorch's own logarithm and sine are float32 approximations, so normals agree to 1e-6.
 */

/** A generator in the state that PyTorch's would have after the same calls. */
export interface TorchRandom {
  /** `Tensor.uniform_(low, high)` of float32. */
  uniform(elements: number, low?: number, high?: number): Float32Array<ArrayBuffer>;
  /** `Tensor.normal_(mean, std)` of float32; also `torch.randn`. */
  normal(elements: number, mean?: number, std?: number): Float32Array<ArrayBuffer>;
  /** `torch.randperm(n)`. */
  permutation(n: number): Int32Array<ArrayBuffer>;
}

const STATE = 624;
const SHIFT = 397;
/** From this many elements PyTorch draws 64 bits for an index. */
const WIDE_PERMUTATION = Math.floor(0xffffffff / 20);

/** A generator after `torch.manual_seed(seed)`; the seed's low 32 bits count. */
export function torchRandom(seed: number): TorchRandom {
  const word = mersenneTwister(seed);
  let kept: number | undefined;

  const uniform32 = (): number => (word() & 0xffffff) / 0x1000000;
  const uniform64 = (): number => {
    const high = word();
    const low = word();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  };
  const scalarNormal = (): number => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const u1 = uniform64();
    const u2 = uniform64();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    kept = radius * Math.sin(2 * Math.PI * u1);
    return radius * Math.cos(2 * Math.PI * u1);
  };

  return {
    uniform(elements, low = 0, high = 1) {
      const from = Math.fround(low);
      const width = Math.fround(Math.fround(high) - from);
      // Rounded once: PyTorch's compiler fuses the product and the sum.
      return Float32Array.from({ length: elements }, () => uniform32() * width + from);
    },
    normal(elements, mean = 0, std = 1) {
      if (elements < 16) return Float32Array.from({ length: elements }, () => scalarNormal() * std + mean);
      const data = Float32Array.from({ length: elements }, uniform32);
      for (let at = 0; at + 16 <= elements; at += 16) boxMuller(data, at, mean, std);
      if (elements % 16 !== 0) {
        for (let i = elements - 16; i < elements; i++) data[i] = uniform32();
        boxMuller(data, elements - 16, mean, std);
      }
      return data;
    },
    permutation(n) {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = 0; i < n - 1; i++) {
        const other = i + (n < WIDE_PERMUTATION ? word() % (n - i) : wideRemainder(word(), word(), n - i));
        const value = order[i] ?? 0;
        order[i] = order[other] ?? 0;
        order[other] = value;
      }
      return order;
    },
  };
}

function boxMuller(data: Float32Array, at: number, mean: number, std: number): void {
  for (let j = at; j < at + 8; j++) {
    const u1 = Math.fround(1 - (data[j] ?? 0));
    const u2 = data[j + 8] ?? 0;
    const radius = Math.fround(Math.sqrt(-2 * Math.log(u1)));
    const theta = Math.fround(Math.fround(2 * Math.PI) * u2);
    data[j] = radius * Math.fround(Math.cos(theta)) * std + mean;
    data[j + 8] = radius * Math.fround(Math.sin(theta)) * std + mean;
  }
}

function wideRemainder(high: number, low: number, modulus: number): number {
  return Number(((BigInt(high) << 32n) | BigInt(low)) % BigInt(modulus));
}

/** MT19937 (Matsumoto and Nishimura, 1998): gives one 32-bit word at each call. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(STATE);
  state[0] = Number(BigInt.asUintN(32, BigInt(Math.trunc(seed))));
  for (let i = 1; i < STATE; i++) {
    const previous = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  let next = STATE;
  const twist = (): void => {
    for (let i = 0; i < STATE; i++) {
      const joined = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % STATE] ?? 0) & 0x7fffffff);
      state[i] = (state[(i + SHIFT) % STATE] ?? 0) ^ (joined >>> 1) ^ ((joined & 1) === 0 ? 0 : 0x9908b0df);
    }
    next = 0;
  };
  return () => {
    if (next >= STATE) twist();
    let y = state[next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  };
}
