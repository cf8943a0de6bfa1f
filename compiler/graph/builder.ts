/**
 * @file Builder: the only way to make a graph. `add` checks operands and attributes against the op table and returns an
 * existing node where there is an equal one (hash-consing), so ids grow in topological order. `finish` keeps what the
 * outputs need, in the order it was made. Misuse is a Bug of the caller: user errors are found before.
 */
import { Bug } from '../bug.js';
import {
  elements,
  sameShape,
  showShape,
  type AttrType,
  type AttrValue,
  type Attrs,
  type DType,
  type Emitter,
  type NodeId,
} from '../ops/op.js';
import { ops, type OpName } from '../ops/ops.js';
import type { Graph, Node, Output } from './graph.js';

/** A graph under construction. */
export interface GraphBuilder extends Emitter {
  /** A node, new or the equal one that is already there. */
  add(op: OpName, inputs: readonly NodeId[], attrs?: Attrs): NodeId;
  node(id: NodeId): Node;
  /** Number of nodes so far; ids are below it. */
  size(): number;
  /** One number in every element of a shape. */
  constant(value: number, shape: readonly number[], dtype?: DType): NodeId;
  /** The node under a shape, with axes aligned at the last as in NumPy. */
  broadcastTo(node: NodeId, shape: readonly number[]): NodeId;
  /** The last two axes swapped. */
  transpose(node: NodeId): NodeId;
  /** What the outputs need, renumbered in the order it was made. */
  finish(outputs: readonly Output[]): Graph;
}

const whole = (v: AttrValue | undefined, least: number): boolean => typeof v === 'number' && Number.isInteger(v) && v >= least;
const wholes = (v: AttrValue | undefined, least: number): boolean =>
  Array.isArray(v) && (v as readonly AttrValue[]).every((n) => whole(n, least));

function fits(type: AttrType, value: AttrValue | undefined): boolean {
  switch (type) {
    case 'number':
      return typeof value === 'number';
    case 'count':
      return whole(value, 0);
    case 'axes':
      return wholes(value, 0);
    case 'shape':
      return wholes(value, 1);
    case 'name':
      return typeof value === 'string' && value !== '';
    case 'dtype':
      return value === 'f32' || value === 'i32';
    case 'data':
      return value instanceof Float64Array;
    case 'flag':
      return value === 1;
    default:
      return type satisfies never;
  }
}

/** The attributes in the order of the op's record, with the default element type filled in; or what is wrong with them. */
export function completeAttrs(op: OpName, attrs: Attrs): Attrs | string {
  const wanted = ops[op].attrs;
  const extra = Object.keys(attrs).find((name) => !(name in wanted));
  if (extra !== undefined) return `${op} has no attribute ${extra}`;
  const out: Record<string, AttrValue> = {};
  for (const [name, type] of Object.entries(wanted)) {
    if (type === 'flag' && attrs[name] === undefined) continue;
    const value = attrs[name] ?? (type === 'dtype' ? 'f32' : undefined);
    if (!fits(type, value)) return `attribute ${name} of ${op} must be of type ${type}, not ${String(value)}`;
    out[name] = value as AttrValue;
  }
  return out;
}

/** Equal data under one number, so that keys stay short. */
function createInterner(): (data: Float64Array) => number {
  const buckets = new Map<number, { readonly data: Float64Array; readonly id: number }[]>();
  let count = 0;
  return (data) => {
    const hash = hashData(data);
    const bucket = buckets.get(hash) ?? [];
    buckets.set(hash, bucket);
    const same = bucket.find((b) => b.data.length === data.length && b.data.every((v, i) => Object.is(v, data[i])));
    if (same) return same.id;
    bucket.push({ data, id: count });
    count += 1;
    return count - 1;
  };
}

/** A 32-bit digest of numbers (FNV-1a over their bits). */
export function hashData(data: Float64Array): number {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
  return hash >>> 0;
}

const attrKey = (value: AttrValue, intern: (data: Float64Array) => number): string => {
  if (value instanceof Float64Array) return `#${intern(value)}`;
  return Object.is(value, -0) ? '-0' : String(value);
};

/** What makes two nodes equal, as text. */
export function createNodeKey(): (node: Pick<Node, 'op' | 'inputs' | 'attrs'>) => string {
  const intern = createInterner();
  return (node) =>
    `${node.op}|${node.inputs.join()}|${Object.entries(node.attrs)
      .map(([name, v]) => `${name}=${attrKey(v, intern)}`)
      .join('|')}`;
}

/** A builder, empty or with the nodes of a graph under their ids. */
export function createGraph(from?: Graph): GraphBuilder {
  const nodes: Node[] = [];
  const known = new Map<string, NodeId>();
  const keyOf = createNodeKey();

  const node = (id: NodeId): Node => nodes[id] ?? fail(`there is no node ${id}`);

  function add(op: OpName, inputs: readonly NodeId[], attrs: Attrs = {}): NodeId {
    const record = ops[op];
    if (record === undefined) fail(`there is no op ${String(op)}`);
    if (inputs.length !== record.arity) fail(`${op} takes ${record.arity} operands, not ${inputs.length}`);
    const complete = completeAttrs(op, attrs);
    if (typeof complete === 'string') fail(complete);
    const key = keyOf({ op, inputs, attrs: complete });
    const same = known.get(key);
    if (same !== undefined) return same;
    const type = record.infer(inputs.map(node), complete);
    if (typeof type === 'string') fail(`${op}: ${type}`);
    nodes.push({ op, inputs: [...inputs], attrs: complete, shape: type.shape, dtype: type.dtype });
    known.set(key, nodes.length - 1);
    return nodes.length - 1;
  }

  function constant(value: number, shape: readonly number[], dtype: DType = 'f32'): NodeId {
    return broadcastTo(add('const', [], { value, dtype }), shape);
  }

  function broadcastTo(id: NodeId, shape: readonly number[]): NodeId {
    const own = node(id).shape;
    if (sameShape(own, shape)) return id;
    const wide = [...new Array<number>(Math.max(0, shape.length - own.length)).fill(1), ...own];
    const same = sameShape(own, wide) ? id : add('reshape', [id], { shape: wide });
    return sameShape(wide, shape) ? same : add('broadcast', [same], { shape });
  }

  function transpose(id: NodeId): NodeId {
    const rank = node(id).shape.length;
    return add('permute', [id], { perm: Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
  }

  function finish(outputs: readonly Output[]): Graph {
    const needed = new Array<boolean>(nodes.length).fill(false);
    for (const output of outputs) {
      if (output.mode !== 'value' && output.tensor === undefined) fail(`output ${output.name} writes no tensor`);
      node(output.node);
      needed[output.node] = true;
    }
    for (let id = nodes.length - 1; id >= 0; id -= 1) if (needed[id]) for (const input of node(id).inputs) needed[input] = true;
    const next: NodeId[] = [];
    const kept: Node[] = [];
    nodes.forEach((old, id) => {
      if (!needed[id]) return;
      next[id] = kept.length;
      kept.push({ ...old, inputs: old.inputs.map((input) => next[input] as NodeId) });
    });
    return { nodes: kept, outputs: outputs.map((o) => ({ ...o, node: next[o.node] as NodeId })) };
  }

  for (const old of from?.nodes ?? []) add(old.op, old.inputs, old.attrs);
  if (from && nodes.length !== from.nodes.length) fail('the graph to continue has two equal nodes');
  return { add, node, size: () => nodes.length, constant, broadcastTo, transpose, finish };
}

/** A transformed copy: `rewrite` gives the new node for each old one, whose operands are already new. */
export function rebuild(graph: Graph, rewrite: (g: GraphBuilder, node: Node, inputs: readonly NodeId[], id: NodeId) => NodeId): Graph {
  const g = createGraph();
  const next: NodeId[] = [];
  graph.nodes.forEach((node, id) => {
    const made = rewrite(
      g,
      node,
      node.inputs.map((input) => next[input] as NodeId),
      id,
    );
    if (!sameShape(g.node(made).shape, node.shape))
      fail(`${node.op} of shape ${showShape(node.shape)} was rewritten as shape ${showShape(g.node(made).shape)}`);
    next.push(made);
  });
  return g.finish(graph.outputs.map((o) => ({ ...o, node: next[o.node] as NodeId })));
}

/** The number that every element of a node is, if it plainly is one. */
export function uniformValue(g: Pick<GraphBuilder, 'node'>, id: NodeId): number | undefined {
  const node = g.node(id);
  if (node.op === 'const') return node.attrs['value'] as number;
  if (node.op === 'table' && elements(node.shape) === 1) return (node.attrs['data'] as Float64Array)[0];
  if (node.op === 'pad' || ops[node.op].kind !== 'view') return undefined;
  return uniformValue(g, node.inputs[0] as NodeId);
}

function fail(message: string): never {
  throw new Bug(message);
}
