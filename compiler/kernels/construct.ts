/**
 * @file Construction: from a cluster of stored values to the one kernel that computes them all.
 *
 * A kernel starts with the fewest axes its kind allows and splits them where a view asks for it. Every member is computed at one
 * index over the axes; a cluster in which a member is needed at another index, or which touches more arrays than a kernel may,
 * has no kernel and the failure says why.
 */
import type { Graph, NodeId } from '../graph/graph.js';
import { canonical, count, isRefinement, refineAxes, type Refinement } from './affine.js';
import {
  argument,
  createBody,
  fail,
  operand,
  push,
  readArgument,
  reducedRun,
  reductionIndex,
  standing,
  value,
  type Body,
  type Failure,
  type Site,
} from './body.js';
import type { Arg, Kernel, MatrixOperand, Matmul, RowReduce, Store, View } from './kernel.js';
import { extents, type Sum } from './sums.js';
import { base, inputOf, isReduction, nodeAt, outward, role } from './structure.js';

/** Values that one kernel computes. Members ascend. */
export interface Cluster {
  readonly kind: Kernel['kind'];
  readonly members: readonly NodeId[];
}

/** Where a member's value goes. */
export interface Destination {
  readonly ref: Arg['ref'];
  readonly accumulate: boolean;
}

/** What construction needs to know about the rest of the program. */
export interface Context {
  readonly graph: Graph;
  readonly sums: ReadonlyMap<NodeId, Sum>;
  readonly stored: ReadonlySet<NodeId>;
  readonly destinations: (member: NodeId) => readonly Destination[];
  /** How many arrays one kernel may touch. */
  readonly limit: number;
  /** Values that have a way of their own to be computed. */
  readonly special: ReadonlyMap<NodeId, (context: Context, cluster: Cluster) => Kernel | Failure>;
}

/** The kernel of a cluster, or why there is none. */
export function construct(context: Context, cluster: Cluster): Kernel | Failure {
  const special = cluster.members.map((m) => context.special.get(m)).find((s) => s !== undefined);
  if (special !== undefined) return special(context, cluster);
  switch (cluster.kind) {
    case 'pointwise':
      return pointwise(context, cluster);
    case 'row-reduce':
      return rowReduce(context, cluster);
    case 'matmul':
      return matmul(context, cluster);
    case 'scatter-add':
      return scatterAdd(context, cluster);
  }
}

/** Whether construction failed. */
export function isFailure(x: Kernel | Failure): x is Failure {
  return x.kind === 'refine' || x.kind === 'store' || x.kind === 'mismatch';
}

/** Builds with ever finer axes; an axis that may not be split makes the value in the way a stored one. */
function refined(
  axes: readonly number[],
  splittable: (axis: number, axes: readonly number[]) => boolean,
  build: (axes: readonly number[]) => Kernel | Failure,
): Kernel | Failure {
  let at = axes;
  for (;;) {
    const built = build(at);
    if (!isFailure(built) || built.kind !== 'refine') return built;
    if (!splittable(built.refinement.axis, at)) return { kind: 'store', node: built.node };
    at = refineAxes(at, built.refinement);
  }
}

function site(context: Context, axes: readonly number[], own: ReadonlyMap<NodeId, View>, given: Site['given']): Site {
  return { graph: context.graph, axes, stored: (id) => context.stored.has(id), own: (id) => own.get(id), given };
}

const nothingGiven: Site['given'] = () => undefined;

function pointwise(context: Context, cluster: Cluster): Kernel | Failure {
  const { graph } = context;
  const lead = cluster.members[0] as NodeId;
  const elements = count(nodeAt(graph, lead).shape);
  if (cluster.members.some((m) => count(nodeAt(graph, m).shape) !== elements)) return { kind: 'mismatch', node: lead };
  return refined(
    [elements],
    () => true,
    (axes) => {
      const own = new Map<NodeId, View>();
      for (const member of cluster.members) {
        const found = own.size === 0 ? undefined : placement(context, member, own, axes);
        if (found !== undefined && isRefinement(found)) return { kind: 'refine', refinement: found, node: member };
        own.set(member, found ?? canonical(axes));
      }
      const body = createBody(site(context, axes, own, nothingGiven));
      const stores = storeAll(context, body, own);
      return body.failure ?? overfull(context, body) ?? { kind: 'pointwise', ...common(body, axes, stores) };
    },
  );
}

function rowReduce(context: Context, cluster: Cluster): Kernel | Failure {
  const { graph } = context;
  const reductions = cluster.members.filter((m) => isReduction(nodeAt(graph, m).op));
  const lead = reductions[0] as NodeId;
  const rows = count(nodeAt(graph, lead).shape);
  const { width } = reducedRun(graph, lead);
  if (reductions.some((r) => count(nodeAt(graph, r).shape) !== rows || reducedRun(graph, r).width !== width))
    return { kind: 'mismatch', node: lead };
  return refined(
    [rows, width],
    (axis, axes) => axis < axes.length - 1,
    (axes) => {
      const row: View = { offset: 0, strides: [...canonical(axes.slice(0, -1)).strides, 0] };
      const column: View = { offset: 0, strides: axes.map((extent, a) => (a === axes.length - 1 && extent > 1 ? 1 : 0)) };
      const own = new Map<NodeId, View>(reductions.map((r) => [r, row]));
      const hints = new Map<NodeId, View>();
      const inputs: View[] = [];
      for (const r of reductions) {
        const index = reductionIndex(graph, r, row, column, axes);
        if (index === undefined) return { kind: 'store', node: base(graph, inputOf(nodeAt(graph, r), 0)) };
        if (isRefinement(index)) return { kind: 'refine', refinement: index, node: base(graph, inputOf(nodeAt(graph, r), 0)) };
        inputs.push(index);
        hints.set(base(graph, inputOf(nodeAt(graph, r), 0)), index);
      }
      for (const member of cluster.members) {
        if (own.has(member)) continue;
        const found = rowPlacement(context, member, { rows, width, row, hints, own, axes });
        if (found === undefined) return { kind: 'mismatch', node: member };
        if (isRefinement(found)) return { kind: 'refine', refinement: found, node: member };
        own.set(member, found);
      }
      const done: RowReduce['reductions'][number][] = [];
      const body = createBody(
        site(context, axes, own, (id, b) => {
          if (!isReduction(nodeAt(graph, id).op)) return undefined;
          const at = reductions.indexOf(id);
          return at < done.length
            ? push(b, { kind: 'reduced', reduction: at, dtype: nodeAt(graph, id).dtype })
            : fail(b, { kind: 'mismatch', node: id });
        }),
      );
      reductions.forEach((r, i) => {
        const { op } = nodeAt(graph, r);
        done.push({
          op: op === 'sum' ? 'sum' : op === 'argmax' ? 'argmax' : 'max',
          value: value(body, inputOf(nodeAt(graph, r), 0), inputs[i] as View),
        });
      });
      const stores = storeAll(context, body, own);
      return (
        body.failure ??
        overfull(context, body) ?? { kind: 'row-reduce', ...common(body, axes, stores, reductions.length * rows * width), reductions: done }
      );
    },
  );
}

interface Rows {
  readonly rows: number;
  readonly width: number;
  readonly row: View;
  readonly hints: ReadonlyMap<NodeId, View>;
  readonly own: ReadonlyMap<NodeId, View>;
  readonly axes: readonly number[];
}

/** Index of a member of a row kernel: by a path from what is placed, once a row where it has as many elements as there are rows, or
 * like a reduced value of the same shape. */
function rowPlacement(context: Context, member: NodeId, r: Rows): View | Refinement | undefined {
  const { graph } = context;
  const elements = count(nodeAt(graph, member).shape);
  const placed = new Map([...r.hints, ...r.own].filter(([id]) => count(nodeAt(graph, id).shape) === elements));
  const found = placement(context, member, placed, r.axes);
  if (found !== undefined) return found;
  if (elements === r.rows) return r.row;
  if (elements !== r.rows * r.width) return undefined;
  let inner = base(graph, member);
  while (role(nodeAt(graph, inner)) === 'view') inner = base(graph, inputOf(nodeAt(graph, inner), 0));
  const shape = squeezed(graph, inner);
  for (const [id, view] of r.hints) if (squeezed(graph, id) === shape) return placement(context, member, new Map([[inner, view]]), r.axes);
  return undefined;
}

const squeezed = (graph: Graph, id: NodeId): string =>
  nodeAt(graph, id)
    .shape.filter((n) => n > 1)
    .join();

/** Index of a value over the axes by a path of elementwise ops and complete views from a value that is placed. */
function placement(
  context: Context,
  id: NodeId,
  placed: ReadonlyMap<NodeId, View>,
  axes: readonly number[],
): View | Refinement | undefined {
  const { graph } = context;
  const known = placed.get(id);
  if (known !== undefined) return known;
  const seen = new Set<NodeId>();
  const elements = count(nodeAt(graph, id).shape);
  const visit = (at: NodeId): View | Refinement | undefined => {
    const here = placed.get(at);
    if (here !== undefined) return here;
    if (seen.has(at) || (at !== id && context.stored.has(at))) return undefined;
    seen.add(at);
    const node = nodeAt(graph, at);
    const kind = role(node);
    if (kind !== 'same' && kind !== 'view' && kind !== 'elementwise') return undefined;
    for (const input of node.inputs) {
      if (count(nodeAt(graph, input).shape) !== elements) continue;
      const inner = visit(input);
      if (inner === undefined || isRefinement(inner)) {
        if (inner !== undefined) return inner;
        continue;
      }
      return kind === 'view' ? outward(node, nodeAt(graph, input), inner, axes) : inner;
    }
    return undefined;
  };
  return visit(id);
}

function matmul(context: Context, cluster: Cluster): Kernel | Failure {
  const { graph } = context;
  const root = cluster.members.find((m) => context.sums.has(m)) as NodeId;
  const sum = context.sums.get(root) as Sum;
  const [batch, m, n] = extents(graph, (sum.products[0] as Sum['products'][number]).node);
  const batches = (axes: readonly number[]): number => axes.length - 2;
  return refined(
    batch > 1 ? [batch, m, n] : [m, n],
    (axis, axes) => axis < batches(axes) && batches(axes) < 3,
    (axes) => {
      const outer = axes.slice(0, -2);
      const own = new Map<NodeId, View>([[root, canonical(axes)]]);
      for (const member of cluster.members) {
        const found = placement(context, member, own, axes);
        if (found === undefined) return { kind: 'mismatch', node: member };
        if (isRefinement(found)) return { kind: 'refine', refinement: found, node: member };
        own.set(member, found);
      }
      const body = createBody(site(context, axes, own, (id, b, index) => (id === root ? total(b, sum, index) : undefined)));
      const terms: { a: MatrixOperand; b: MatrixOperand; k: number; factor: number }[] = [];
      for (const product of sum.products) {
        const node = nodeAt(graph, product.node);
        const k = nodeAt(graph, inputOf(node, 0)).shape.at(-1) as number;
        const a = operand(body, inputOf(node, 0), [...outer, m, k]);
        const b = operand(body, inputOf(node, 1), [...outer, k, n]);
        if (a === undefined || b === undefined) return body.failure ?? { kind: 'mismatch', node: root };
        terms.push({
          a: { source: a.source, view: a.view },
          b: { source: b.source, view: b.view },
          k,
          factor: product.factor * a.factor * b.factor,
        });
      }
      const stores = storeAll(context, body, own);
      const flops = terms.reduce((f, t) => f + 2 * count(axes) * t.k, 0);
      return body.failure ?? overfull(context, body) ?? { kind: 'matmul', ...common(body, axes, stores, flops), terms: chained(terms) };
    },
  );
}

/** Terms with the factor each multiplies the running sum by: the product of those from a term on is the term's own factor. */
function chained(terms: readonly { a: MatrixOperand; b: MatrixOperand; k: number; factor: number }[]): Matmul['terms'] {
  const sorted = [...terms].sort((x, y) => Number(x.factor === 1) - Number(y.factor === 1));
  return sorted.map(({ a, b, k, factor }, i) => ({ a, b, k, scale: factor / (sorted[i + 1]?.factor ?? 1) }));
}

/** The accumulator and the other addends. */
function total(body: Body, sum: Sum, index: View): number {
  let out = push(body, { kind: 'accumulator' });
  for (const { node, factor } of sum.rest) {
    const addend = value(body, node, index);
    const size = Math.abs(factor);
    const scaled =
      size === 1
        ? addend
        : push(body, { kind: 'op', op: 'mul', args: [addend, push(body, { kind: 'const', value: size, dtype: 'f32' })], dtype: 'f32' });
    out = push(body, { kind: 'op', op: factor < 0 ? 'sub' : 'add', args: [out, scaled], dtype: 'f32' });
  }
  return out;
}

/** The kernel of a scatter; with `lists`, values that chain the positions of equal ids (see `ScatterAdd`). */
export function scatterAdd(context: Context, cluster: Cluster, lists?: { readonly head: NodeId; readonly next: NodeId }): Kernel | Failure {
  const { graph } = context;
  const root = cluster.members.find((m) => nodeAt(graph, m).op === 'scatter_add') as NodeId;
  const node = nodeAt(graph, root);
  const rows = node.shape[0] as number;
  const elements = count(nodeAt(graph, inputOf(node, 0)).shape);
  return refined(
    [rows, count(node.shape) / rows],
    () => false,
    (axes) => {
      const own = new Map<NodeId, View>([[root, canonical(axes)]]);
      for (const member of cluster.members) {
        const found = placement(context, member, own, axes);
        if (found === undefined || isRefinement(found)) return { kind: 'mismatch', node: member };
        own.set(member, found);
      }
      const body = createBody(site(context, axes, own, (id, b) => (id === root ? push(b, { kind: 'accumulator' }) : undefined)));
      const ids = standing(body, inputOf(node, 0));
      const values = standing(body, inputOf(node, 1));
      if (ids === undefined || values === undefined) return body.failure ?? { kind: 'mismatch', node: root };
      const operands = {
        ids: readArgument(body, ids),
        values: readArgument(body, values),
        ...(lists === undefined ? {} : { lists: { head: readArgument(body, lists.head), next: readArgument(body, lists.next) } }),
      };
      const stores = storeAll(context, body, own);
      return (
        body.failure ??
        overfull(context, body) ?? {
          kind: 'scatter-add',
          ...common(body, axes, stores, elements * (axes[1] as number)),
          ...operands,
          count: elements,
          sorted: node.attrs['sorted'] === 1,
        }
      );
    },
  );
}

/** Computes every member at its index and stores it wherever it goes. */
function storeAll(context: Context, body: Body, own: ReadonlyMap<NodeId, View>): Store[] {
  const stores: Store[] = [];
  for (const [member, view] of own) {
    const result = value(body, member, view);
    const { dtype, shape } = nodeAt(context.graph, member);
    for (const { ref, accumulate } of context.destinations(member)) {
      stores.push({
        arg: argument(body, { ref, dtype, elements: count(shape), access: accumulate ? 'read_write' : 'write' }),
        view,
        value: result,
        accumulate,
      });
    }
  }
  return stores;
}

function overfull(context: Context, body: Body): Failure | undefined {
  return body.args.length > context.limit ? { kind: 'mismatch', node: -1 } : undefined;
}

function common(
  body: Body,
  axes: readonly number[],
  stores: readonly Store[],
  extra = 0,
): Omit<Kernel, 'kind'> & { readonly label: string } {
  const ops = body.scalars.filter((s) => s.kind === 'op');
  const names = [...new Set(ops.map((s) => (s.kind === 'op' ? s.op : '')))];
  return {
    label: names.slice(0, 6).join('+'),
    axes,
    args: body.args,
    functions: body.functions,
    body: body.scalars,
    stores,
    flops: extra + ops.length * count(axes),
  };
}
