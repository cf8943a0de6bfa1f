/**
 * @file Kernels: what runs as one dispatch, as data. No shader text, no device: a second code generator reads the same.
 *
 * Every kernel iterates over `axes` (row-major, last axis fastest). A `body` is a list of scalar expressions in SSA order:
 * entry i may refer to entries before i. Loads and stores address a contiguous tensor by an affine view over the axes.
 * A graph value is read and written through `args` only, never silently.
 */
import type { DType, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/ops.js';

/** Element index `offset + Σ strides[a] · i_a` of a contiguous tensor; one stride for each axis of the kernel. */
export interface View {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A tensor the kernel touches: a graph value or a persistent tensor by name. */
export interface Arg {
  readonly ref: { readonly kind: 'value'; readonly node: NodeId } | { readonly kind: 'tensor'; readonly name: string };
  readonly dtype: DType;
  readonly elements: number;
  readonly access: 'read' | 'write' | 'read_write';
  /** Its elements stand in memory as 16-bit floats; kernels compute in f32 all the same. */
  readonly storage?: 'f16';
  /** It is not stored to: kernels raise flags in it, from any number of threads. */
  readonly flags?: true;
}

/** One scalar expression; numbers named `args`, `index`, `value` refer to earlier entries of the body. */
export type Scalar =
  | { readonly kind: 'const'; readonly value: number; readonly dtype: DType }
  /** A number computed by the host (`Graph` op `input` of shape []), by name. */
  | { readonly kind: 'host'; readonly name: string; readonly dtype: DType }
  | { readonly kind: 'load'; readonly arg: number; readonly view: View; readonly dtype: DType }
  /** Element `view + index · stride` where `index` is an i32 expression, clamped to [0, rows). */
  | {
      readonly kind: 'load-indirect';
      readonly arg: number;
      readonly view: View;
      readonly index: number;
      readonly stride: number;
      readonly rows: number;
      readonly dtype: DType;
    }
  /** Element `view` (+ `index` · `stride`, clamped to `rows`, as in load-indirect) of a function of this kernel. */
  | {
      readonly kind: 'call';
      readonly function: number;
      readonly view: View;
      readonly index?: number;
      readonly stride: number;
      readonly rows: number;
      readonly dtype: DType;
    }
  /** Entry number `index` of a short list of constants; an index outside takes the nearest. */
  | { readonly kind: 'lookup'; readonly values: readonly number[]; readonly index: number; readonly dtype: DType }
  /** The affine index itself, as a number. */
  | { readonly kind: 'iota'; readonly view: View; readonly dtype: DType }
  /** Uniform in [0, 1): hash of (seed, stream, affine index); `seed` is an i32 scalar. */
  | { readonly kind: 'random'; readonly stream: number; readonly seed: number; readonly view: View }
  | { readonly kind: 'op'; readonly op: OpName; readonly args: readonly number[]; readonly dtype: DType }
  /** `value` where low <= affine index < high, else 0; loads below it must be made safe by the emitter (index clamped). */
  | {
      readonly kind: 'guard';
      readonly view: View;
      readonly low: number;
      readonly high: number;
      readonly value: number;
      readonly dtype: DType;
    }
  /** Matmul only: the accumulated product at (batch…, m, n). */
  | { readonly kind: 'accumulator' }
  /** Row reduction only: result of reduction number `reduction` of this row. */
  | { readonly kind: 'reduced'; readonly reduction: number; readonly dtype: DType };

/** Writes `value` at `view`; `accumulate` adds to what is there (the arg is then read_write). */
export interface Store {
  readonly arg: number;
  readonly view: View;
  readonly value: number;
  readonly accumulate: boolean;
  /** Flag (an element of `arg`) that is raised where the value is beyond what the storage holds; the nearest number is stored then. */
  readonly overflow?: { readonly arg: number; readonly flag: number; readonly above: number };
}

/** A flat value that is worked out wherever the kernel reads it: its element e, where the row-major digits of e over `axes` are the indices
 * of the body (the first digit takes what is left). It loads from the kernel's args. */
export interface KernelFunction {
  readonly axes: readonly number[];
  readonly body: readonly Scalar[];
  readonly value: number;
  /** How many elements may be asked for. */
  readonly elements: number;
  readonly dtype: DType;
}

/** What a matrix product reads: an arg, or a function of the kernel. */
export type MatrixSource = { readonly kind: 'arg'; readonly arg: number } | { readonly kind: 'function'; readonly function: number };

/** A matrix operand with its view. */
export interface MatrixOperand {
  readonly source: MatrixSource;
  readonly view: View;
}

interface Common {
  /** Short name for listings: the ops it does. */
  readonly label: string;
  readonly axes: readonly number[];
  readonly args: readonly Arg[];
  readonly functions: readonly KernelFunction[];
  readonly body: readonly Scalar[];
  readonly stores: readonly Store[];
  readonly flops: number;
}

/** One value for each index of `axes`. */
export interface Pointwise extends Common {
  readonly kind: 'pointwise';
}

/** Rows along the last axis. Reductions run in order; reduction r may use `reduced` of those before it. A store whose view has
 * stride 0 on the last axis is done once a row, the others for each element. */
export interface RowReduce extends Common {
  readonly kind: 'row-reduce';
  readonly reductions: readonly { readonly op: 'sum' | 'max' | 'argmax'; readonly value: number }[];
}

/** axes = [...batch, m, n]. accumulator = Σ over terms, in order: `acc = scale · (acc + Σ_k a[m,k] · b[k,n])`. A low-rank term stands
 * first with its scale, the large product last with scale 1. Views of `a` run over [...batch, m, k], of `b` over [...batch, k, n];
 * views of loads and stores in body/stores run over axes. `scale` may be a number or the name of a host scalar. */
export interface Matmul extends Common {
  readonly kind: 'matmul';
  readonly terms: readonly { readonly a: MatrixOperand; readonly b: MatrixOperand; readonly k: number; readonly scale: number }[];
}

/** axes = [rows, width]: out[row, :] = Σ over i with ids[i] = row of values[i, :]; deterministic, no atomics. Body computes the value
 * to store from `accumulator` (as in matmul). `ids` and `values` are args. */
export interface ScatterAdd extends Common {
  readonly kind: 'scatter-add';
  readonly ids: number;
  readonly values: number;
  readonly count: number;
  /** The ids ascend, so that those of a row are found by halving. */
  readonly sorted: boolean;
  /** Args with chains of equal ids, where there are any: position of the last value of each row, and for each position the one before
   * it with the same id; -1 ends a chain. */
  readonly lists?: { readonly head: number; readonly next: number };
}

/** What runs as one dispatch. */
export type Kernel = Pointwise | RowReduce | Matmul | ScatterAdd;
