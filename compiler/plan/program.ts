/**
 * @file Program: what the compiler hands to the runtime. Plain JSON; it runs without the compiler.
 *
 * It knows buffers, shaders and steps; it knows no ops, adapters or models. Sizes are exact: the runtime allocates these
 * buffers and no others. All offsets and sizes are bytes; every tensor starts at a multiple of 256.
 */

/** What a buffer holds; `peft plan` sums bytes by this. */
export type BufferKind =
  'weights' | 'adapter' | 'optimizer' | 'gradients' | 'constants' | 'batch' | 'activations' | 'uniforms' | 'scalars' | 'results';

/** A buffer of the device. */
export interface BufferDecl {
  readonly name: string;
  readonly kind: BufferKind;
  readonly bytes: number;
}

/** How the elements of a freshly made tensor are drawn. Fans and bounds are already worked out. */
export type Init =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  /** Made by a function of the host with these arguments, from the value of a tensor (read as its transpose where `transposed`) or from nothing. */
  | {
      readonly kind: 'host';
      readonly function: string;
      readonly args: { readonly [name: string]: number };
      readonly of?: { readonly tensor: string; readonly transposed: boolean };
    };

/** Where a persistent tensor's first value comes from. */
export type Source =
  /** The checkpoint's tensor `keys[0]`, or the first of the others that exists; `fresh` is used when none does (absent: that is an error). */
  | { readonly kind: 'checkpoint'; readonly keys: readonly string[]; readonly rows?: readonly [number, number]; readonly fresh?: Init }
  /** Drawn from the counter-based generator with the run's seed and the tensor's name. */
  | { readonly kind: 'init'; readonly init: Init }
  | { readonly kind: 'zeros' }
  /** A part of a weight that is kept in fewer bits: the weight `of` of that shape comes from `from`, and `part` is made of its elements, or
   * is read where the checkpoint has the weight in this format already. */
  | {
      readonly kind: 'encoded';
      readonly of: string;
      readonly shape: readonly number[];
      readonly part: string;
      readonly from: Exclude<Source, { readonly kind: 'encoded' }>;
    }
  /** Little-endian f32 or i32 elements, base64. */
  | { readonly kind: 'data'; readonly base64: string }
  /** Written by the host before each execution of an entry (batch inputs). */
  | { readonly kind: 'host' };

/** A named range of a buffer. */
export interface TensorDecl {
  readonly name: string;
  /** `f16`: 16-bit floats in memory; whoever reads or writes the tensor gives f32. */
  readonly dtype: 'f32' | 'i32' | 'f16';
  readonly shape: readonly number[];
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: number;
  readonly source: Source;
}

/** A number the host computes in f64 before a step from the variables it knows (`step`, `total`, `lr`, `seed`, …). */
export type ScalarExpr = number | { readonly var: string } | { readonly op: ScalarOp; readonly args: readonly ScalarExpr[] };
/** Operations of scalar expressions; comparisons give 0 or 1, `select(c, a, b)` is a when c is not 0. */
export type ScalarOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'pow'
  | 'min'
  | 'max'
  | 'neg'
  | 'sqrt'
  | 'exp'
  | 'log'
  | 'cos'
  | 'sin'
  | 'floor'
  | 'ceil'
  | 'less'
  | 'equal'
  | 'not'
  | 'and'
  | 'or'
  | 'select';

/** One 32-bit word in the `scalars` buffer of an entry. */
export interface ScalarSlot {
  readonly expr: ScalarExpr;
  readonly dtype: 'f32' | 'u32';
  /** Byte offset in the scalars buffer. */
  readonly offset: number;
}

/** A deduplicated WGSL module with one entry point `main`. Binding 0 is the uniform block of the step (`uniform`),
 * binding 1 the scalars (`uniform`) where `scalars` is true, then one storage buffer for each of `access`. */
export interface Shader {
  readonly label: string;
  readonly code: string;
  readonly scalars: boolean;
  readonly access: readonly ('read' | 'read_write')[];
}

/** One dispatch. */
export interface Step {
  readonly label: string;
  readonly shader: number;
  readonly bindings: readonly { readonly buffer: number; readonly offset: number; readonly bytes: number }[];
  /** Byte range of this step's uniform block in the `uniforms` buffer. */
  readonly uniforms: { readonly offset: number; readonly bytes: number };
  readonly workgroups: readonly [number, number, number];
  readonly flops: number;
}

/** A list of dispatches submitted together: `train/8x32`, `eval/8x32`, `update`. */
export interface Entry {
  readonly name: string;
  /** Names of the host-written tensors it reads. */
  readonly inputs: readonly string[];
  readonly scalars: readonly ScalarSlot[];
  readonly steps: readonly Step[];
  /** Values a caller may read after the entry ran: ranges of `results` or activations. */
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype: 'f32' | 'i32';
    readonly shape: readonly number[];
    readonly buffer: number;
    readonly offset: number;
    readonly bytes: number;
  }[];
}

/** What the compiler assumed of the device. */
export interface Target {
  /** `software`: no workgroup memory, no barriers, rows on lanes. `gpu`: tiles in workgroup memory. */
  readonly kind: 'software' | 'gpu';
  /** 0 where subgroups are not used. */
  readonly subgroup: number;
  readonly f16: boolean;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  readonly maxStorageBuffers: number;
  readonly maxWorkgroupThreads: number;
  readonly maxWorkgroupBytes: number;
}

/** A compiled program: everything the runtime needs to run its entries. */
export interface Program {
  readonly format: 'peft-program';
  readonly version: 1;
  readonly target: Target;
  readonly buffers: readonly BufferDecl[];
  readonly tensors: readonly TensorDecl[];
  readonly shaders: readonly Shader[];
  readonly entries: readonly Entry[];
  /** Initial content of the `uniforms` buffer, base64. */
  readonly uniforms: string;
}

/** One field of a batch: what the data pipeline makes, and from which column. */
export interface BatchInput {
  readonly name: string;
  readonly recipe: 'tokens' | 'token_mask' | 'targets' | 'class' | 'tags' | 'number';
  readonly column: string | null;
  readonly classes: number | null;
}

/** A tensor that is trained: where it lives, and its key in the adapter's file. */
export interface TrainedTensor {
  readonly name: string;
  readonly key: string;
  readonly shape: readonly number[];
}

/** A tensor of an adapter's file. */
export interface StoredTensor extends TrainedTensor {
  /** Other keys it may have there. */
  readonly also: readonly string[];
  readonly dtype: 'f32' | 'i32';
  /** Whether a file may lack it: it can be made again. */
  readonly optional: boolean;
  /** Whether the file holds what the entry `save` computes from it in its place. */
  readonly replaced: boolean;
}

/** A tensor of an adapter's file that the entry `save` computes when it is written. */
export interface SavedTensor {
  readonly output: string;
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
}

/** One adapter as it is written: its folder below the run's ('' where there is one), its configuration file, and its tensors. */
export interface AdapterFile {
  readonly folder: string;
  readonly config: { readonly [key: string]: unknown };
  readonly tensors: readonly StoredTensor[];
  readonly saved: readonly SavedTensor[];
}

/** Program with all that a run needs beside it: what `peft build` writes. */
export interface Package {
  readonly format: 'peft-package';
  readonly version: 1;
  /** SHA-256 of the Spec's meaning. */
  readonly hash: string;
  readonly spec: unknown;
  readonly program: Program;
  readonly batch: readonly BatchInput[];
  /** Padded lengths that entries `train/ROWSxTOKENS` and `eval/ROWSxTOKENS` exist for, ascending. */
  readonly lengths: readonly number[];
  readonly rows: number;
  /** Optimiser state that the host keeps: after the entry `update` each page's tensors are written, its entry runs, and they are read
   * back; `update.end` follows. None where the state stays on the device. */
  readonly pages: readonly { readonly entry: string; readonly tensors: readonly string[] }[];
  /** Learning rate over the host variables `step` and `total`. */
  readonly rate: ScalarExpr;
  readonly trained: readonly TrainedTensor[];
  /** What is written, one for each method; none where no adapter is trained and the whole model is written. */
  readonly adapters: readonly AdapterFile[];
  /** What is measured: names known to the runtime's metrics. */
  readonly metrics: readonly string[];
}
