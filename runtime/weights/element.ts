/**
 * @file Element types of checkpoint files and their conversion to what the runtime computes with.
 *
 * f16 goes through a table of all 65,536 values; bf16 is the upper half of an f32. The way back rounds to nearest, ties
 * to even. Files and, by assumption, hosts are little-endian.
 */

/** Bytes of one element of each type that the format knows. */
export const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** The name of an element type as safetensors writes it. */
export type ElementType = keyof typeof elementBytes;

/** What a tensor is read as. */
export type HostType = 'f32' | 'i32';

/** Whether `name` is an element type of the format. */
export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(elementBytes, name);
}

/** A converter reads `count` elements from aligned bytes into `out`; it answers with the flat index of the first element that does not fit, or -1. */
export type Converter = (bytes: Uint8Array, count: number, out: Float32Array | Int32Array) => number;

/** The conversion of one element type to f32 or i32; undefined where there is none. */
export function converterOf(from: ElementType, to: HostType): Converter | undefined {
  return to === 'f32' ? toF32(from) : toI32(from);
}

function toF32(from: ElementType): Converter | undefined {
  switch (from) {
    case 'F32':
      return (bytes, count, out) => copied(new Float32Array(bytes.buffer, bytes.byteOffset, count), out);
    case 'F16':
      return (bytes, count, out) => {
        const table = halfTable();
        const words = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
        const bits = new Uint32Array(out.buffer, out.byteOffset, count);
        for (let i = 0; i < count; i++) bits[i] = table[words[i]!]!;
        return -1;
      };
    case 'BF16':
      return (bytes, count, out) => {
        const words = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
        const bits = new Uint32Array(out.buffer, out.byteOffset, count);
        for (let i = 0; i < count; i++) bits[i] = words[i]! << 16;
        return -1;
      };
    case 'F64':
    case 'I32':
    case 'I16':
    case 'I8':
    case 'U32':
    case 'U16':
    case 'U8':
    case 'BOOL':
      return (bytes, count, out) => copied(numbersOf(from, bytes, count), out);
    case 'I64':
    case 'U64':
      return (bytes, count, out) => {
        const words =
          from === 'I64'
            ? new BigInt64Array(bytes.buffer, bytes.byteOffset, count)
            : new BigUint64Array(bytes.buffer, bytes.byteOffset, count);
        for (let i = 0; i < count; i++) out[i] = Number(words[i]!);
        return -1;
      };
    case 'F8_E4M3':
    case 'F8_E5M2':
      return undefined;
    default:
      return from satisfies never;
  }
}

function toI32(from: ElementType): Converter | undefined {
  switch (from) {
    case 'I32':
    case 'I16':
    case 'I8':
    case 'U16':
    case 'U8':
    case 'BOOL':
      return (bytes, count, out) => copied(numbersOf(from, bytes, count), out);
    case 'U32':
      return (bytes, count, out) => {
        const words = new Uint32Array(bytes.buffer, bytes.byteOffset, count);
        for (let i = 0; i < count; i++) {
          if (words[i]! > 0x7fffffff) return i;
          out[i] = words[i]!;
        }
        return -1;
      };
    case 'I64':
    case 'U64':
      return (bytes, count, out) => {
        const words = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * count);
        for (let i = 0; i < count; i++) {
          const low = words[2 * i]!;
          const high = words[2 * i + 1]!;
          if (high !== (from === 'I64' ? low >> 31 : 0) || (from === 'U64' && low < 0)) return i;
          out[i] = low;
        }
        return -1;
      };
    case 'F64':
    case 'F32':
    case 'F16':
    case 'BF16':
    case 'F8_E4M3':
    case 'F8_E5M2':
      return undefined;
    default:
      return from satisfies never;
  }
}

function copied(from: ArrayLike<number>, out: Float32Array | Int32Array): number {
  out.set(from);
  return -1;
}

function numbersOf(
  type: 'F64' | 'I32' | 'I16' | 'I8' | 'U32' | 'U16' | 'U8' | 'BOOL',
  bytes: Uint8Array,
  count: number,
): ArrayLike<number> {
  const { buffer, byteOffset: at } = bytes;
  switch (type) {
    case 'F64':
      return new Float64Array(buffer, at, count);
    case 'I32':
      return new Int32Array(buffer, at, count);
    case 'I16':
      return new Int16Array(buffer, at, count);
    case 'I8':
      return new Int8Array(buffer, at, count);
    case 'U32':
      return new Uint32Array(buffer, at, count);
    case 'U16':
      return new Uint16Array(buffer, at, count);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(buffer, at, count);
    default:
      return type satisfies never;
  }
}

let table: Uint32Array | undefined;

/** The f32 bits of every f16. */
function halfTable(): Uint32Array {
  if (table !== undefined) return table;
  table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) table[half] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent !== 0) table[half] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else if (fraction === 0) table[half] = sign;
    else {
      // A subnormal half is a normal float: move its highest bit to the hidden place.
      const shift = Math.clz32(fraction) - 21;
      table[half] = sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
    }
  }
  return table;
}

/** Bytes of f32 numbers as elements of a floating type, rounded to nearest, ties to even. */
export function encodeElements(values: Float32Array, type: 'F32' | 'F16' | 'BF16'): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  switch (type) {
    case 'F32':
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case 'F16':
      return new Uint8Array(Uint16Array.from(bits, halfOf).buffer);
    case 'BF16':
      return new Uint8Array(Uint16Array.from(bits, brainOf).buffer);
    default:
      return type satisfies never;
  }
}

function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on the nearest half is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal half: the value in units of 2^-24, rounded ties to even.
    const exponent = magnitude >>> 23;
    const shift = 126 - exponent;
    if (shift > 24) return sign;
    const mantissa = (magnitude & 0x7fffff) | 0x800000;
    return sign | roundedShift(mantissa, shift);
  }
  return sign | roundedShift(magnitude - 0x38000000, 13);
}

function brainOf(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return roundedShift(bits, 16) & 0xffff;
}

/** value / 2^shift, rounded to nearest, ties to even. */
function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = shift === 0 ? 0 : (value & (2 ** shift - 1)) >>> 0;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}
