/**
 * @file Bodies: scalar code for graph values at an index, by demand from the result back to what stands in memory.
 *
 * `value(node, index)` gives the number of the scalar that holds element `index` of the node. Elementwise ops take their inputs
 * at the same index, views change it, values that another kernel stores are loaded. Equal demands share one scalar. What cannot
 * be expressed is told as a failure: split a kernel axis, store a value first, or give up.
 */
import type { DType, Graph, NodeId } from '../graph/graph.js';
import { axisCoordinates, base, inputOf, inward, listAttr, nodeAt, numberAttr, role, textAttr } from './structure.js';
import { canonical, constantView, count, isRefinement, plus, refineAxes, sameView, scaled, type Refinement } from './affine.js';
import type { Arg, KernelFunction, MatrixSource, Scalar, View } from './kernel.js';

/** Why a body could not be built. */
export type Failure =
  | { readonly kind: 'refine'; readonly refinement: Refinement; readonly node: NodeId }
  | { readonly kind: 'store'; readonly node: NodeId }
  | { readonly kind: 'mismatch'; readonly node: NodeId };

/** What the kernel under construction offers. */
export interface Site {
  readonly graph: Graph;
  readonly axes: readonly number[];
  /** Whether another kernel stores the value. */
  readonly stored: (node: NodeId) => boolean;
  /** Index at which this kernel computes a value of its own, where it does. */
  readonly own: (node: NodeId) => View | undefined;
  /** Scalar that stands for the value without computing its op: an accumulator or a reduction of this kernel. */
  readonly given: (node: NodeId, body: Body, index: View) => number | undefined;
}

/** A body under construction. */
export interface Body {
  readonly site: Site;
  readonly scalars: Scalar[];
  readonly args: Arg[];
  /** Values worked out where they are read, and the node of each. */
  readonly functions: KernelFunction[];
  failure: Failure | undefined;
  readonly memo: Map<string, number>;
}

/** An empty body. */
export function createBody(site: Site): Body {
  return { site, scalars: [], args: [], functions: [], failure: undefined, memo: new Map() };
}

/** Appends a scalar, or finds the equal one. */
export function push(body: Body, scalar: Scalar): number {
  const key = keyOf(scalar);
  const known = body.memo.get(key);
  if (known !== undefined) return known;
  body.scalars.push(scalar);
  body.memo.set(key, body.scalars.length - 1);
  return body.scalars.length - 1;
}

const viewKey = (view: View): string => `${view.offset}:${view.strides.join(',')}`;

function keyOf(s: Scalar): string {
  switch (s.kind) {
    case 'const':
      return `const ${Object.is(s.value, -0) ? '-0' : s.value} ${s.dtype}`;
    case 'host':
      return `host ${s.name}`;
    case 'load':
      return `load ${s.arg} ${viewKey(s.view)}`;
    case 'load-indirect':
      return `indirect ${s.arg} ${viewKey(s.view)} ${s.index} ${s.stride} ${s.rows}`;
    case 'call':
      return `call ${s.function} ${viewKey(s.view)} ${s.index ?? ''} ${s.stride} ${s.rows}`;
    case 'lookup':
      return `lookup ${s.values.join(',')} ${s.index} ${s.dtype}`;
    case 'iota':
      return `iota ${viewKey(s.view)} ${s.dtype}`;
    case 'random':
      return `random ${s.stream} ${s.seed} ${viewKey(s.view)}`;
    case 'op':
      return `${s.op} ${s.args.join(',')} ${s.dtype}`;
    case 'guard':
      return `guard ${viewKey(s.view)} ${s.low} ${s.high} ${s.value}`;
    case 'accumulator':
      return 'accumulator';
    case 'reduced':
      return `reduced ${s.reduction}`;
    default:
      return s satisfies never;
  }
}

/** Records the first failure; the number answered is never used. */
export function fail(body: Body, failure: Failure): number {
  body.failure ??= failure;
  return 0;
}

const sameRef = (a: Arg['ref'], b: Arg['ref']): boolean =>
  a.kind === 'value' ? b.kind === 'value' && a.node === b.node : b.kind === 'tensor' && a.name === b.name;

/** Number of the argument for a reference, whose access grows to what is asked. */
export function argument(body: Body, arg: Arg): number {
  const at = body.args.findIndex((other) => sameRef(other.ref, arg.ref));
  if (at < 0) {
    body.args.push(arg);
    return body.args.length - 1;
  }
  const other = body.args[at] as Arg;
  if (other.access !== arg.access) body.args[at] = { ...other, access: 'read_write' };
  return at;
}

/** The argument that reads a value which stands in memory. */
export function readArgument(body: Body, id: NodeId): number {
  return argument(body, {
    ref: referenceOf(body.site.graph, id),
    dtype: nodeAt(body.site.graph, id).dtype,
    elements: count(nodeAt(body.site.graph, id).shape),
    access: 'read',
  });
}

/** How a kernel names a value that stands in memory. */
export function referenceOf(graph: Graph, id: NodeId): Arg['ref'] {
  const node = nodeAt(graph, id);
  return node.op === 'tensor' || (node.op === 'input' && node.shape.length > 0)
    ? { kind: 'tensor', name: textAttr(node, 'name') }
    : { kind: 'value', node: id };
}

/** The scalar for element `index` of a node. */
export function value(body: Body, id: NodeId, index: View): number {
  if (body.failure !== undefined) return 0;
  const key = `${id}@${viewKey(index)}`;
  const known = body.memo.get(key);
  if (known !== undefined) return known;
  const made = compute(body, id, index);
  body.memo.set(key, made);
  return made;
}

function compute(body: Body, id: NodeId, index: View): number {
  const { graph, axes } = body.site;
  const node = nodeAt(graph, id);
  const home = body.site.own(id);
  if (home !== undefined) {
    if (!sameView(home, index)) return fail(body, { kind: 'mismatch', node: id });
    const given = body.site.given(id, body, index);
    if (given !== undefined) return given;
  } else if (body.site.stored(id)) {
    return push(body, { kind: 'load', arg: readArgument(body, id), view: index, dtype: node.dtype });
  }
  switch (role(node)) {
    case 'memory':
      return push(body, { kind: 'load', arg: readArgument(body, id), view: index, dtype: node.dtype });
    case 'decoded':
      return push(body, { kind: 'call', function: functionOf(body, id), view: index, stride: 0, rows: 1, dtype: node.dtype });
    case 'inline':
      return inline(body, id, index);
    case 'same':
      return value(body, inputOf(node, 0), index);
    case 'view': {
      const source = inputOf(node, 0);
      const moved = inward(node, nodeAt(graph, source), index, axes);
      if (moved === undefined || isRefinement(moved)) return unsplit(body, id, moved);
      return value(body, source, moved);
    }
    case 'pad': {
      const source = inputOf(node, 0);
      const input = nodeAt(graph, source);
      const axis = numberAttr(node, 'axis');
      const coords = axisCoordinates(node.shape, axis, index, axes);
      const moved = inward(node, input, index, axes);
      if (coords === undefined || isRefinement(coords)) return unsplit(body, id, coords);
      if (moved === undefined || isRefinement(moved)) return unsplit(body, id, moved);
      const low = numberAttr(node, 'before');
      return push(body, {
        kind: 'guard',
        view: coords[1],
        low,
        high: low + (input.shape[axis] as number),
        value: value(body, source, moved),
        dtype: node.dtype,
      });
    }
    case 'gather':
      return gathered(body, id, index);
    case 'elementwise': {
      const args = node.inputs.map((input) => value(body, input, index));
      return push(body, { kind: 'op', op: node.op, args, dtype: node.dtype });
    }
    case 'anchor':
      return fail(body, { kind: 'store', node: id });
  }
}

/** The index of `id` cannot be divided as its op needs: split an axis where that helps, else the value must stand in memory. */
function unsplit(body: Body, id: NodeId, wish: Refinement | undefined): number {
  return fail(body, wish !== undefined ? { kind: 'refine', refinement: wish, node: id } : { kind: 'store', node: id });
}

function inline(body: Body, id: NodeId, index: View): number {
  const { graph, axes } = body.site;
  const node = nodeAt(graph, id);
  switch (node.op) {
    case 'const':
      return push(body, { kind: 'const', value: numberAttr(node, 'value'), dtype: node.dtype });
    case 'input':
      return push(body, { kind: 'host', name: textAttr(node, 'name'), dtype: node.dtype });
    case 'random':
      return push(body, {
        kind: 'random',
        stream: numberAttr(node, 'stream'),
        seed: value(body, inputOf(node, 0), constantView(axes, 0)),
        view: index,
      });
    default: {
      const coords = axisCoordinates(node.shape, numberAttr(node, 'axis'), index, axes);
      if (coords === undefined || isRefinement(coords)) return unsplit(body, id, coords);
      return push(body, { kind: 'iota', view: coords[1], dtype: node.dtype });
    }
  }
}

/** The function of the kernel that works out a decoded value: the flat value behind it, as a body over the digits of its index. */
function functionOf(body: Body, id: NodeId): number {
  const key = `function ${id}`;
  const known = body.memo.get(key);
  if (known !== undefined) return known;
  const { graph } = body.site;
  const node = nodeAt(graph, id);
  const flat = inputOf(node, 0);
  // Only elements that exist are asked for, so the axes may reach beyond them: then they can be split where they must be.
  let axes: readonly number[] = [leastCommon(count(nodeAt(graph, flat).shape), 2 ** 16)];
  for (;;) {
    const inner: Body = {
      ...createBody({ graph, axes, stored: () => false, own: () => undefined, given: () => undefined }),
      args: [...body.args],
    };
    const result = value(inner, flat, canonical(axes));
    if (inner.failure?.kind === 'refine') {
      axes = refineAxes(axes, inner.failure.refinement);
      continue;
    }
    if (inner.failure !== undefined) return fail(body, inner.failure);
    body.args.splice(0, body.args.length, ...inner.args);
    body.functions.push({ axes, body: inner.scalars, value: result, elements: count(node.shape), dtype: node.dtype });
    body.memo.set(key, body.functions.length - 1);
    return body.functions.length - 1;
  }
}

function leastCommon(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** At most so many constants are chosen among instead of loaded. */
const shortList = 16;

/** `gather(table [rows, ...rest], ids)`: the index splits in that of the id and that within the row. */
function gathered(body: Body, id: NodeId, index: View): number {
  const { graph, axes } = body.site;
  const node = nodeAt(graph, id);
  const table = inputOf(node, 0);
  const shape = nodeAt(graph, table).shape;
  const width = count(shape.slice(1));
  const split = axisCoordinates([count(node.shape) / width, width], 1, index, axes);
  if (split === undefined || isRefinement(split)) return unsplit(body, id, split);
  const ids = value(body, inputOf(node, 1), split[0]);
  const constants = nodeAt(graph, base(graph, table));
  if (constants.op === 'table' && width === 1 && (shape[0] as number) <= shortList)
    return push(body, { kind: 'lookup', values: [...(constants.attrs['data'] as Float64Array)], index: ids, dtype: node.dtype });
  if (role(constants) === 'decoded')
    return push(body, {
      kind: 'call',
      function: functionOf(body, base(graph, table)),
      view: split[1],
      index: ids,
      stride: width,
      rows: shape[0] as number,
      dtype: node.dtype,
    });
  const source = standing(body, table);
  if (source === undefined) return fail(body, { kind: 'store', node: id });
  return push(body, {
    kind: 'load-indirect',
    arg: readArgument(body, source),
    view: split[1],
    index: ids,
    stride: width,
    rows: shape[0] as number,
    dtype: node.dtype,
  });
}

/** The memory behind reshapes, read whole; records the wish to store it where nobody does. */
export function standing(body: Body, id: NodeId): NodeId | undefined {
  const { graph } = body.site;
  let at = id;
  for (;;) {
    const node = nodeAt(graph, at);
    if (body.site.own(at) !== undefined) {
      fail(body, { kind: 'mismatch', node: at });
      return undefined;
    }
    if (role(node) === 'memory' || body.site.stored(at)) return at;
    if (role(node) !== 'same') {
      fail(body, { kind: 'store', node: at });
      return undefined;
    }
    at = inputOf(node, 0);
  }
}

/** A product's operand: what stands in memory or is decoded from it, its view over the operand's axes, and a constant factor. */
export interface Operand {
  readonly source: MatrixSource;
  readonly view: View;
  readonly factor: number;
}

/** Resolves a matrix operand over `axes` (batch, rows, columns) through views and constant factors; what is in the way must be stored. */
export function operand(body: Body, id: NodeId, axes: readonly number[]): Operand | undefined {
  const { graph } = body.site;
  let at = id;
  let view = canonical(axes);
  let factor = 1;
  for (;;) {
    const node = nodeAt(graph, at);
    if (body.site.own(at) !== undefined) {
      fail(body, { kind: 'mismatch', node: at });
      return undefined;
    }
    if (role(node) === 'memory' || role(node) === 'decoded' || body.site.stored(at)) {
      if (view.strides.every((s) => s >= 0))
        return {
          source:
            role(node) === 'decoded' && !body.site.stored(at)
              ? { kind: 'function', function: functionOf(body, at) }
              : { kind: 'arg', arg: readArgument(body, at) },
          view,
          factor,
        };
      fail(body, { kind: 'store', node: base(graph, id) });
      return undefined;
    }
    if (role(node) === 'same') at = inputOf(node, 0);
    else if (role(node) === 'view') {
      const source = inputOf(node, 0);
      const moved = inward(node, nodeAt(graph, source), view, axes);
      if (moved === undefined || isRefinement(moved)) {
        unsplit(body, at, moved);
        return undefined;
      }
      at = source;
      view = moved;
    } else {
      const factored = constantFactor(graph, at);
      if (factored === undefined) {
        fail(body, { kind: 'store', node: at });
        return undefined;
      }
      factor *= factored.factor;
      at = factored.of;
    }
  }
}

/** A node as a constant times another node, where it is that. */
export function constantFactor(graph: Graph, id: NodeId): { readonly of: NodeId; readonly factor: number } | undefined {
  const node = nodeAt(graph, id);
  if (node.dtype !== 'f32') return undefined;
  if (node.op === 'neg') return { of: inputOf(node, 0), factor: -1 };
  if (node.op !== 'mul' && node.op !== 'div') return undefined;
  const right = constantOf(graph, inputOf(node, 1));
  if (right !== undefined && right !== 0) return { of: inputOf(node, 0), factor: node.op === 'mul' ? right : 1 / right };
  const left = constantOf(graph, inputOf(node, 0));
  return node.op === 'mul' && left !== undefined && left !== 0 ? { of: inputOf(node, 1), factor: left } : undefined;
}

/** The number that every element of a node is, where that is known. */
export function constantOf(graph: Graph, id: NodeId): number | undefined {
  let at = id;
  for (;;) {
    const node = nodeAt(graph, at);
    if (node.op === 'const') return numberAttr(node, 'value');
    if (role(node) !== 'same' && role(node) !== 'view') return undefined;
    at = inputOf(node, 0);
  }
}

/** Where a reduction reads its input: rows are the kept axes in order, the reduced axes (one run) the columns. */
export function reductionIndex(graph: Graph, id: NodeId, rows: View, column: View, axes: readonly number[]): View | Refinement | undefined {
  const node = nodeAt(graph, id);
  const input = nodeAt(graph, inputOf(node, 0));
  const { first, width, trailing } = reducedRun(graph, id);
  if (trailing === 1) return plus(scaled(rows, width), column);
  const split = axisCoordinates([count(input.shape.slice(0, first)), trailing], 1, rows, axes);
  if (split === undefined || isRefinement(split)) return split;
  return plus(plus(scaled(split[0], width * trailing), scaled(column, trailing)), split[1]);
}

/** The reduced axes of a reduction: the first, their product, and how many elements follow each. */
export function reducedRun(graph: Graph, id: NodeId): { readonly first: number; readonly width: number; readonly trailing: number } {
  const node = nodeAt(graph, id);
  const shape = nodeAt(graph, inputOf(node, 0)).shape;
  const reduced = new Set(node.op === 'argmax' ? [shape.length - 1] : listAttr(node, 'axes'));
  const wide = shape.map((_, a) => a).filter((a) => reduced.has(a));
  const first = wide[0] ?? 0;
  const last = wide[wide.length - 1] ?? -1;
  return { first, width: wide.reduce((n, a) => n * (shape[a] as number), 1), trailing: count(shape.slice(last + 1)) };
}

/** Element type of a scalar. */
export function scalarType(scalar: Scalar): DType {
  return scalar.kind === 'random' || scalar.kind === 'accumulator' ? 'f32' : scalar.dtype;
}
