/**
 * @file What the planner is told about tensors that outlive a step.
 */
import type { BufferKind, Source } from './program.js';

/** A persistent tensor, by itself or a range of another one. */
export interface Persistent {
  readonly name: string;
  readonly shape: readonly number[];
  /** `f16`: kernels see f32, memory holds 16 bits. */
  readonly dtype: 'f32' | 'i32' | 'f16';
  readonly kind: BufferKind;
  readonly source: Source;
  /** It is a range of `tensor`, from element `start` (a multiple of 64), and takes no room of its own. */
  readonly within?: { readonly tensor: string; readonly start: number };
}
