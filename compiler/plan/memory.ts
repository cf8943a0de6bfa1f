/**
 * @file Memory of transient values: each lives from the kernel that writes it to the last that reads it, and values whose lives
 * do not meet may share bytes. Placed largest first, each in the tightest gap that is free during its life.
 */

/** A value with its life, in numbers of kernels, both ends included. */
export interface Life {
  readonly key: string;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** Where a value stands. */
export interface Place {
  readonly arena: number;
  readonly offset: number;
}

/** Every tensor starts at a multiple of this. */
export const alignment = 256;

/** Bytes of a tensor, whole words. */
export function bytesOf(shape: readonly number[], dtype: 'f32' | 'i32' | 'f16'): number {
  const elements = shape.reduce((a, b) => a * b, 1);
  return dtype === 'f16' ? Math.ceil(elements / 2) * 4 : elements * 4;
}

/** Bytes rounded up to the alignment. */
export const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Places of all values, and the bytes of each arena; no arena is larger than `limit`. A value larger than that is a caller's error. */
export function pack(
  lives: readonly Life[],
  limit: number,
): { readonly places: ReadonlyMap<string, Place>; readonly arenas: readonly number[] } {
  const order = lives.map((life, i) => ({ life, i })).sort((a, b) => b.life.bytes - a.life.bytes || a.i - b.i);
  const placed: { readonly life: Life; readonly place: Place; readonly end: number }[] = [];
  const places = new Map<string, Place>();
  const arenas: number[] = [];
  for (const { life } of order) {
    const size = aligned(life.bytes);
    let chosen: Place | undefined;
    for (let arena = 0; chosen === undefined; arena += 1) {
      const others = placed
        .filter((p) => p.place.arena === arena && p.life.from <= life.to && life.from <= p.life.to)
        .sort((a, b) => a.place.offset - b.place.offset);
      let at = 0;
      let best: { readonly offset: number; readonly gap: number } | undefined;
      for (const other of others) {
        const gap = other.place.offset - at;
        if (gap >= size && (best === undefined || gap < best.gap)) best = { offset: at, gap };
        at = Math.max(at, other.end);
      }
      if (best !== undefined) chosen = { arena, offset: best.offset };
      else if (at + size <= limit || at === 0) chosen = { arena, offset: at };
    }
    places.set(life.key, chosen);
    placed.push({ life, place: chosen, end: chosen.offset + size });
    arenas[chosen.arena] = Math.max(arenas[chosen.arena] ?? 0, chosen.offset + size);
  }
  return { places, arenas };
}
