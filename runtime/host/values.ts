/**
 * @file Initial values that only the host can compute: parts of a decomposed base weight, and draws that must be those of another
 * library. One record a function; a Program names them in `Init` of kind `host`.
 *
 * Arguments are numbers, shapes come from the tensor. What is drawn by PyTorch's generator is drawn here bit for bit; what PyTorch
 * does not seed is drawn from the counter-based generator, and depends on the seed and the tensor's name only.
 */
import { counterRandom } from '../counter-random.js';
import { DeviceError } from '../device-error.js';
import { torchRandom } from '../torch-random.js';
import { reducedQr, truncatedSvd, type Qr, type Svd } from './decompose.js';
import { torchPermutation } from './permutation.js';

/** A base weight as [rows, columns] = [out, in], row-major. Values made from one object share one decomposition. */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** What a value may be made from, beside its arguments. */
export interface HostInput {
  /** The tensor's name: values that PyTorch does not seed differ between tensors. */
  readonly name: string;
  readonly matrix?: HostMatrix;
}

/** A function that makes a tensor's first value. */
export interface HostValue {
  readonly params: readonly string[];
  readonly needs: 'nothing' | 'matrix';
  /** The elements, row-major, for these arguments and this shape. */
  readonly make: (
    args: { readonly [name: string]: number },
    shape: readonly number[],
    input: HostInput,
  ) => Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Every function that a Program may name. */
export const hostValues: Readonly<Record<string, HostValue>> = {
  /** [take]: the first entries of `torch.randperm(count)` under this seed. */
  randperm: {
    params: ['count', 'seed'],
    needs: 'nothing',
    make: (args, shape) => torchPermutation(arg(args, 'count'), arg(args, 'seed'), axes(shape, 1)[0]),
  },
  /** [2, take]: row and column of as many different cells of a matrix with `rows` · `columns` cells, in the order of `torch.randperm`. */
  drawn_cells: {
    params: ['rows', 'columns', 'seed'],
    needs: 'nothing',
    make: (args, shape) => cells(args, shape, (drawn) => drawn),
  },
  /** The same cells in ascending order. `torch.Generator()` without a seed has the seed 67280421310721. */
  random_cells: {
    params: ['rows', 'columns', 'seed'],
    needs: 'nothing',
    make: (args, shape) => cells(args, shape, (drawn) => drawn.sort()),
  },
  /** [take]: where each of the ascending cells stands among the drawn ones: sorted[i] = drawn[order[i]]. */
  cell_order: {
    params: ['rows', 'columns', 'seed'],
    needs: 'nothing',
    make: (args, shape) => {
      const [take] = axes(shape, 1);
      const drawn = torchPermutation(arg(args, 'rows') * arg(args, 'columns'), arg(args, 'seed'), take);
      return Int32Array.from(drawn.keys()).sort((a, b) => (drawn[a] as number) - (drawn[b] as number));
    },
  },
  /** [out, rank]: U √(S / scale) of the weight's leading singular triplets (principal singular values; Meng et al., 2024). */
  svd_left: {
    params: ['rank', 'scale'],
    needs: 'matrix',
    make: (args, shape, input) => {
      const { rows, rank, matrix } = factor(args, shape, input, 'left');
      const { u, s } = singular(matrix, rank);
      const root = roots(s, positive(args, 'scale'));
      return Float32Array.from({ length: rows * rank }, (_, i) => (u[i] as number) * (root[i % rank] as number));
    },
  },
  /** [rank, in]: √(S / scale) Vᵀ, so that scale · left · right is the weight's best approximation of this rank. */
  svd_right: {
    params: ['rank', 'scale'],
    needs: 'matrix',
    make: (args, shape, input) => {
      const { columns, rank, matrix } = factor(args, shape, input, 'right');
      const { s, vt } = singular(matrix, rank);
      const root = roots(s, positive(args, 'scale'));
      return Float32Array.from({ length: rank * columns }, (_, i) => (vt[i] as number) * (root[Math.floor(i / columns)] as number));
    },
  },
  /** [out, rank]: the first columns of Q in W = Q R (Büyükakyüz, 2024). The weight itself is decomposed, whatever the scale. */
  qr_left: {
    params: ['rank'],
    needs: 'matrix',
    make: (args, shape, input) => {
      const { rank, matrix } = factor(args, shape, input, 'left');
      return Float32Array.from(triangular(matrix, rank).q);
    },
  },
  /** [rank, in]: the first rows of R. */
  qr_right: {
    params: ['rank'],
    needs: 'matrix',
    make: (args, shape, input) => {
      const { rank, matrix } = factor(args, shape, input, 'right');
      return Float32Array.from(triangular(matrix, rank).r);
    },
  },
  /**
   * [out, rank]: Zᵀ Q₁ / 10, Z standard normal, Q₁ the rows 1, 3, 5, … of a random orthogonal matrix [rank, rank], which depends on
   * seed and rank only. left · right is 0 as rows of Q are orthogonal, and neither factor is. `rank` is even.
   */
  orthogonal_left: {
    params: ['seed'],
    needs: 'nothing',
    make: (args, shape, input) => {
      const [rows, rank] = axes(shape, 2);
      return halfOrthogonal(arg(args, 'seed'), input.name, rows, rank, 1);
    },
  },
  /** [rank, in]: (Z Q₀)ᵀ / 10, Q₀ the rows 0, 2, 4, … of the same matrix. */
  orthogonal_right: {
    params: ['seed'],
    needs: 'nothing',
    make: (args, shape, input) => {
      const [rank, columns] = axes(shape, 2);
      const across = halfOrthogonal(arg(args, 'seed'), input.name, columns, rank, 0);
      return Float32Array.from({ length: rank * columns }, (_, i) => across[(i % columns) * rank + Math.floor(i / columns)] as number);
    },
  },
  /** `Tensor.uniform_(low, high)` of a generator with this seed that has drawn `skip` numbers before. */
  torch_uniform: {
    params: ['seed', 'skip', 'low', 'high'],
    needs: 'nothing',
    make: (args, shape) => uniform(args, shape, arg(args, 'low'), arg(args, 'high')),
  },
  /**
   * Kaiming uniform (He et al., 2015) with gain √2 after `skip` draws: U(−√(6 / in), √(6 / in)), in being the last axis. Two projections
   * from one generator, A [rank, in] and then B [out, rank]: A with skip 0, B with skip rank · in, where out and in are
   * the largest of all sites.
   */
  torch_kaiming_uniform: {
    params: ['seed', 'skip'],
    needs: 'nothing',
    make: (args, shape) => {
      const bound = Math.sqrt(3) * (Math.sqrt(2) / Math.sqrt(lastOf(shape)));
      return uniform(args, shape, -bound, bound);
    },
  },
  /**
   * [rows, bases, width]: `bases` blocks [rows, width], one drawn after the other from U(−1/√width, 1/√width) in bfloat16, then all divided
   * by their common standard deviation. A random basis is A [rank, 1, small] with skip 0 and B [large, ⌈small / rank⌉, rank] with
   * skip rank · small; small and large are the smaller and the larger of the largest `out` and the largest `in` of all sites.
   */
  torch_basis: {
    params: ['seed', 'skip'],
    needs: 'nothing',
    make: (args, shape) => {
      const [rows, bases, width] = axes(shape, 3);
      const bound = Math.sqrt(3) * (Math.sqrt(2 / (1 + Math.sqrt(5) ** 2)) / Math.sqrt(width));
      const drawn = uniform(args, shape, -bound, bound);
      const value = (r: number, b: number, w: number): number => drawn[(b * rows + r) * width + w] as number;
      const placed = Float32Array.from({ length: drawn.length }, (_, i) =>
        bfloat16(value(Math.floor(i / (bases * width)), Math.floor(i / width) % bases, i % width)),
      );
      const deviation = bfloat16(standardDeviation(placed));
      return placed.map((x) => bfloat16(x / deviation));
    },
  },
  /**
   * [rows, bases, width]: −1 with probability 1 / (2 · sparsity), 1 with the same and 0 else (Achlioptas, 2003), from one `torch.rand`
   * of the whole shape after `skip` draws, divided by the standard deviation. Shapes and skips are those of `torch_basis`; sparsity is 3, or
   * √small for the sparsest.
   */
  torch_ternary_basis: {
    params: ['seed', 'skip', 'sparsity'],
    needs: 'nothing',
    make: (args, shape) => {
      const share = 1 / (2 * positive(args, 'sparsity'));
      const [low, high] = [Math.fround(share), Math.fround(1 - share)];
      const signs = uniform(args, shape, 0, 1).map((x) => (x < low ? -1 : x > high ? 1 : 0));
      const deviation = Math.fround(standardDeviation(signs));
      return signs.map((x) => x / deviation);
    },
  },
};

/** A stored tensor as a weight [out, in]; `transposed` where it is stored as [in, out]. */
export function hostMatrix(data: Float32Array, shape: readonly number[], transposed: boolean): HostMatrix {
  const [rows, columns] = axes(shape, 2);
  if (!transposed) return { rows, columns, data };
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j] as number;
  return { rows: columns, columns: rows, data: turned };
}

function arg(args: { readonly [name: string]: number }, name: string): number {
  const value = args[name];
  if (value === undefined || !Number.isFinite(value)) throw new DeviceError('misuse', `a value of the host needs ${name}`);
  return value;
}

function positive(args: { readonly [name: string]: number }, name: string): number {
  const value = arg(args, name);
  if (value <= 0) throw new DeviceError('misuse', `${name} must be above 0, not ${value}`);
  return value;
}

function wrongShape(shape: readonly number[], wanted: string): never {
  throw new DeviceError('misuse', `a value of the host has the shape [${shape.join(', ')}] and needs ${wanted}`);
}

type Sizes<N extends 1 | 2 | 3> = N extends 1
  ? readonly [number]
  : N extends 2
    ? readonly [number, number]
    : readonly [number, number, number];

function axes<N extends 1 | 2 | 3>(shape: readonly number[], count: N): Sizes<N> {
  if (shape.length !== count) wrongShape(shape, `${count} axes`);
  return shape as Sizes<N>;
}

const lastOf = (shape: readonly number[]): number => shape.at(-1) ?? wrongShape(shape, 'at least one axis');

/** Rows, then columns of the cells that a permutation begins with. */
function cells(
  args: { readonly [name: string]: number },
  shape: readonly number[],
  ordered: (drawn: Int32Array<ArrayBuffer>) => Int32Array<ArrayBuffer>,
): Int32Array<ArrayBuffer> {
  const [two, take] = axes(shape, 2);
  if (two !== 2) wrongShape(shape, 'a row and a column for each cell: [2, cells]');
  const columns = arg(args, 'columns');
  const places = ordered(torchPermutation(arg(args, 'rows') * columns, arg(args, 'seed'), take));
  return Int32Array.from({ length: 2 * take }, (_, i) =>
    i < take ? Math.floor((places[i] as number) / columns) : (places[i - take] as number) % columns,
  );
}

/** Draws after `skip` earlier ones. */
function uniform(
  args: { readonly [name: string]: number },
  shape: readonly number[],
  low: number,
  high: number,
): Float32Array<ArrayBuffer> {
  const random = torchRandom(arg(args, 'seed'));
  random.uniform(arg(args, 'skip'));
  return random.uniform(
    shape.reduce((a, b) => a * b, 1),
    low,
    high,
  );
}

/** The nearest bfloat16, ties to even. */
function bfloat16(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  view.setUint32(0, ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0);
  return view.getFloat32(0);
}

/** √(Σ (x − mean)² / (n − 1)). */
function standardDeviation(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

interface Factor {
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
  readonly matrix: HostMatrix;
}

/** The shape of a factor of the weight, checked against the weight and the rank. */
function factor(args: { readonly [name: string]: number }, shape: readonly number[], input: HostInput, side: 'left' | 'right'): Factor {
  const { matrix } = input;
  const rank = arg(args, 'rank');
  if (matrix === undefined) throw new DeviceError('misuse', `${input.name} is made from a base weight and was given none`);
  const { rows, columns } = matrix;
  const wanted = side === 'left' ? [rows, rank] : [rank, columns];
  if (shape.join() !== wanted.join() || rank > Math.min(rows, columns))
    wrongShape(shape, `[${wanted.join(', ')}] for a weight of [${rows}, ${columns}]`);
  return { rows, columns, rank, matrix };
}

const roots = (s: Float64Array, scale: number): Float64Array => s.map((x) => Math.sqrt(x / scale));

const decomposed = new WeakMap<HostMatrix, Map<string, Svd | Qr>>();

/** One decomposition for both factors of a weight. */
function once<T extends Svd | Qr>(matrix: HostMatrix, key: string, make: () => T): T {
  const known = decomposed.get(matrix) ?? new Map<string, Svd | Qr>();
  decomposed.set(matrix, known);
  const found = known.get(key) as T | undefined;
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

const singular = (w: HostMatrix, rank: number): Svd => once(w, `svd ${rank}`, () => truncatedSvd(w.data, w.rows, w.columns, rank));

const triangular = (w: HostMatrix, rank: number): Qr => once(w, `qr ${rank}`, () => reducedQr(w.data, w.rows, w.columns, rank));

/** [count, rank]: Z H / 10 with Z standard normal and H every second row, from `first` on, of the orthogonal matrix of this seed. */
function halfOrthogonal(seed: number, name: string, count: number, rank: number, first: 0 | 1): Float32Array<ArrayBuffer> {
  if (rank % 2 !== 0) throw new DeviceError('misuse', `${name} needs an even rank, not ${rank}`);
  const basis = counterRandom(seed, 'orthogonal');
  const { q } = reducedQr(
    Float64Array.from({ length: rank * rank }, (_, i) => basis.normal(i)),
    rank,
    rank,
  );
  const random = counterRandom(seed, name);
  const half = rank / 2;
  const out = new Float32Array(count * rank);
  for (let i = 0; i < count; i++) {
    const z = Array.from({ length: half }, (_, k) => random.normal(i * half + k));
    for (let j = 0; j < rank; j++) out[i * rank + j] = z.reduce((sum, x, k) => sum + x * (q[(2 * k + first) * rank + j] as number), 0) / 10;
  }
  return out;
}
