/**
 * @file Op: what one primitive operation is. Every facet of an op stands in one record: documentation, shape rule, f64
 * reference, WGSL, gradient, test samples, tolerance, cost. Verifier, printer, interpreter, code generators and tests
 * read the table of these records (`ops.ts`); none of them names an op that it does not treat specially.
 *
 * The types that a graph's nodes and the op table share stand here too, so that neither needs the other.
 */

/** Element type of a value. `f32` means "a real number": the reference computes it in f64. Booleans are f32 0 or 1. */
export type DType = 'f32' | 'i32';

/** Position of a node in `Graph.nodes`. */
export type NodeId = number;

/** A value of a node's attribute. Tables of constants are `Float64Array`. */
export type AttrValue = number | string | readonly number[] | Float64Array;

/** The attributes of a node, by name. */
export type Attrs = Readonly<Record<string, AttrValue>>;

/** Shape and element type of a value. */
export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What an attribute must be: `shape` is positive integers, `axes` integers from 0, `dtype` is `f32` where it is left out, a `flag` is 1 or left out. */
export type AttrType = 'number' | 'count' | 'axes' | 'shape' | 'name' | 'dtype' | 'data' | 'flag';

/** How an op treats its operands; code generators choose by it. */
export type OpKind = 'leaf' | 'elementwise' | 'reduction' | 'view' | 'indexing' | 'product';

/** One evaluation: operands with their types, the result's type, and the values of named leaves. */
export interface Call {
  readonly inputs: readonly Float64Array[];
  readonly types: readonly ValueType[];
  readonly attrs: Attrs;
  readonly out: ValueType;
  /** The value of an `input` or `tensor` by name. */
  feed(name: string): Float64Array;
}

/** What a gradient rule builds with. `constant` fills a shape with one number. */
export interface Emitter {
  add(op: string, inputs: readonly NodeId[], attrs?: Attrs): NodeId;
  node(id: NodeId): ValueType;
  constant(value: number, shape: readonly number[]): NodeId;
}

/** The node whose gradient is wanted: its operands, its own value, and the gradient `dy` that reaches it. */
export interface Site {
  readonly inputs: readonly NodeId[];
  readonly output: NodeId;
  readonly attrs: Attrs;
  readonly dy: NodeId;
}

/** Values a test may draw for one operand: uniform in [low, high], whole where `whole`, away from where the op has no derivative. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  readonly whole?: boolean;
  /** `ties`: no two drawn values of the sample are close; `zero` and `integers`: none is close to those. */
  readonly avoid?: 'ties' | 'zero' | 'integers';
}

/** One test: types, attributes and what to draw for each operand. */
export interface Sample {
  readonly types: readonly ValueType[];
  readonly domains: readonly Domain[];
  readonly attrs: Attrs;
}

/** How far f32 WGSL may be from the reference: |error| ≤ absolute + relative · |y|. Where `accumulates`, |y| is Σ|terms| of
 * the sum behind the element, and the bound grows with its length. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
  readonly accumulates?: boolean;
}

/** One primitive operation. */
export interface Op {
  readonly name: string;
  /** One sentence for the reference documentation. */
  readonly doc: string;
  readonly kind: OpKind;
  readonly arity: number;
  readonly attrs: Readonly<Record<string, AttrType>>;
  /** The result's type, or what is wrong with the operands. */
  infer(inputs: readonly ValueType[], attrs: Attrs): ValueType | string;
  /** The value in f64, written independently of the WGSL. It may return an operand itself; it never changes one. */
  reference(call: Call): Float64Array;
  /** Elementwise ops: a WGSL expression of the operands' expressions; `out` is the result's element type. */
  readonly wgsl?: (args: readonly string[], out: DType) => string;
  /** WGSL functions that `wgsl` calls, to be emitted once a module. */
  readonly prelude?: readonly string[];
  /** Gradient with respect to operand `index`, or undefined where it is zero everywhere. */
  gradient(g: Emitter, site: Site, index: number): NodeId | undefined;
  /** Its gradient is zero by definition, whatever its value does. */
  readonly stops?: true;
  readonly samples: readonly Sample[];
  readonly tolerance: Tolerance;
  /** Floating-point operations of one evaluation. */
  flops(inputs: readonly ValueType[], out: ValueType): number;
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  let n = 1;
  for (const size of shape) n *= size;
  return n;
}

/** Row-major strides of a contiguous shape. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i -= 1) out[i] = (out[i + 1] as number) * (shape[i + 1] as number);
  return out;
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** A shape as text. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** The n-th operand of a rule that its arity guarantees. */
export function at<T>(list: { readonly [index: number]: T }, index: number): T {
  return list[index] as T;
}
