/**
 * @file Random graphs over the op table. Each node is made by drawing an op, operands among the nodes that exist, and
 * attributes by their declared types; what the shape rule refuses is drawn again. Values are computed along the way:
 * an operand outside the domain of the op is squashed into it, and one near a point without derivative is refused.
 */
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import { evaluateNode } from '../../compiler/graph/interpret.js';
import type { Graph, NodeId } from '../../compiler/graph/graph.js';
import { elements, type AttrType, type AttrValue, type Attrs, type Domain } from '../../compiler/ops/op.js';
import { opNames, ops, type OpName } from '../../compiler/ops/ops.js';
import { createRandom } from '../ops/samples.js';

/** A graph with outputs `y0`, `y1`, …, values for its leaves, and the names of the real tensors among them. */
export interface RandomGraph {
  readonly builder: GraphBuilder;
  readonly outputs: readonly NodeId[];
  readonly graph: Graph;
  readonly feeds: ReadonlyMap<string, Float64Array>;
  readonly tensors: readonly NodeId[];
}

const leafShapes: readonly (readonly number[])[] = [[3, 4], [4], [1, 4], [3, 1], [4, 3], [2, 3, 4], [], [2, 2, 3]];
const mostElements = 96;

interface Drawing {
  readonly g: GraphBuilder;
  readonly random: () => number;
  readonly values: Float64Array[];
  readonly feeds: Map<string, Float64Array>;
}

const below = (d: Drawing, n: number): number => Math.floor(d.random() * n);

/** The values of nodes made since the last call. */
function update(d: Drawing): void {
  for (let id = d.values.length; id < d.g.size(); id += 1) {
    const nodes = Array.from({ length: id + 1 }, (_, i) => d.g.node(i));
    d.values.push(evaluateNode({ nodes, outputs: [] }, d.g.node(id), (i) => d.values[i] as Float64Array, d.feeds));
  }
}

function drawShape(d: Drawing, from: readonly number[]): number[] {
  const n = elements(from);
  const choices = [
    [...from].reverse(),
    [1, ...from],
    from.filter((s) => s !== 1),
    from.map((s) => (s === 1 ? 1 + below(d, 4) : s)),
    [n],
    n % 2 === 0 ? [2, n / 2] : [n, 1],
  ];
  return choices[below(d, choices.length)] as number[];
}

function drawAttr(d: Drawing, name: string, type: AttrType, from: readonly number[], made: Attrs): AttrValue {
  switch (type) {
    case 'count':
      return name === 'axis'
        ? below(d, Math.max(1, from.length))
        : name === 'rows'
          ? 1 + below(d, 5)
          : below(d, Math.max(2, from[(made['axis'] as number) ?? 0] ?? 2));
    case 'axes': {
      const axes = from.map((_, i) => i);
      if (name === 'perm')
        return axes
          .map((a) => ({ a, key: d.random() }))
          .sort((x, y) => x.key - y.key)
          .map((x) => x.a);
      return axes.filter(() => d.random() < 0.5);
    }
    case 'shape':
      return drawShape(d, from);
    case 'dtype':
      return d.random() < 0.5 ? 'f32' : 'i32';
    case 'number':
      return [0, 1, -1, 2, 0.5][below(d, 5)] as number;
    case 'name':
    case 'data':
    case 'flag':
      return 0;
    default:
      return type satisfies never;
  }
}

const sorted = (data: readonly Float64Array[]): number[] => data.flatMap((v) => [...v]).sort((a, b) => a - b);

/** Whether an op may be applied to these values without standing on a point where it has no derivative. */
function smooth(domains: readonly Domain[], data: readonly Float64Array[]): boolean {
  return domains.every((domain, i) => {
    const values = data[i] as Float64Array;
    if (domain.avoid === 'zero') return values.every((v) => Math.abs(v) > 0.01);
    if (domain.avoid === 'integers') return values.every((v) => Math.abs(v - Math.round(v)) > 0.01);
    return domain.avoid === undefined || sorted(data).every((v, at, all) => at === 0 || v - (all[at - 1] as number) > 0.005);
  });
}

/** The operand inside [low, high]: itself if it is, else middle + half · tanh(x) squeezed. */
function squash(d: Drawing, id: NodeId, domain: Domain): NodeId | undefined {
  const values = d.values[id] as Float64Array;
  if (domain.whole) return values.every((v) => Number.isInteger(v) && v >= domain.low && v <= domain.high) ? id : undefined;
  if (values.every((v) => v >= domain.low && v <= domain.high)) return id;
  const { shape, dtype } = d.g.node(id);
  if (dtype !== 'f32') return undefined;
  const half = (domain.high - domain.low) / 2;
  const scaled = d.g.add('mul', [d.g.add('tanh', [d.g.add('mul', [id, d.g.constant(0.3, shape)])]), d.g.constant(half, shape)]);
  return d.g.add('add', [scaled, d.g.constant((domain.high + domain.low) / 2, shape)]);
}

function drawNode(d: Drawing, op: OpName): boolean {
  const record = ops[op];
  const sample = record.samples[0];
  if (sample === undefined) return false;
  update(d);
  const all = Array.from({ length: d.g.size() }, (_, i) => i);
  const pick = (from: readonly NodeId[]): NodeId => from[below(d, from.length)] as NodeId;
  // Ops on indices and on bits take what their samples say, the others any one type.
  const strict = record.kind === 'indexing' || sample.types.some((t) => t.dtype === 'i32');
  const typed = (i: number): NodeId[] => all.filter((id) => !strict || d.g.node(id).dtype === sample.types[i]?.dtype);
  const first = pick(typed(0));
  const { shape } = d.g.node(first);
  const drawn = Array.from({ length: record.arity }, (_, i) =>
    i === 0 ? first : pick(typed(i).filter((id) => record.kind !== 'elementwise' || fitsInto(d.g.node(id).shape, shape))),
  );
  const inputs: NodeId[] = [];
  for (const [i, id] of drawn.entries()) {
    const isInt = d.g.node(id).dtype === 'i32';
    const domain =
      isInt && !(strict && record.kind === 'elementwise')
        ? record.kind === 'indexing'
          ? { low: 0, high: 2, whole: true }
          : { low: -1e4, high: 1e4, whole: true }
        : (sample.domains[i] as Domain);
    const input = squash(d, id, op === 'select' || op === 'equal' ? { low: -3, high: 3 } : domain);
    if (input === undefined) return false;
    inputs.push(record.kind === 'elementwise' ? d.g.broadcastTo(input, shape) : input);
  }
  update(d);
  if (
    !smooth(
      sample.domains,
      inputs.map((id) => d.values[id] as Float64Array),
    )
  )
    return false;
  const attrs: Record<string, AttrValue> = {};
  // A flag is a promise, which random values do not keep.
  for (const [name, type] of Object.entries(record.attrs)) if (type !== 'flag') attrs[name] = drawAttr(d, name, type, shape, attrs);
  const type = record.infer(inputs.map(d.g.node), attrs);
  if (typeof type === 'string' || elements(type.shape) > mostElements) return false;
  d.g.add(op, inputs, attrs);
  update(d);
  return true;
}

const fitsInto = (from: readonly number[], to: readonly number[]): boolean =>
  from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i]);

/** A graph of about `size` drawn nodes. */
export function randomGraph(seed: number, size: number): RandomGraph {
  const random = createRandom(seed);
  const g = createGraph();
  const d: Drawing = { g, random, values: [], feeds: new Map() };
  const tensors = leafShapes.map((shape, i) => {
    d.feeds.set(
      `t${i}`,
      Float64Array.from({ length: elements(shape) }, () => random() * 4 - 2),
    );
    return g.add('tensor', [], { name: `t${i}`, shape, dtype: 'f32' });
  });
  d.feeds.set(
    'ids',
    Float64Array.from({ length: 4 }, () => below(d, 3)),
  );
  d.feeds.set('seed', Float64Array.of(seed));
  g.add('input', [], { name: 'ids', shape: [4], dtype: 'i32' });
  g.add('random', [g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' })], { stream: 1, shape: [3, 4] });
  for (const dtype of ['f32', 'i32'] as const) g.add('iota', [], { axis: 0, shape: [4], dtype });
  g.add('table', [], { data: Float64Array.of(0.5, -1, 2, 0.25), shape: [4], dtype: 'f32' });
  for (const value of [0, 1, -1, 2, 0.5]) g.constant(value, [3, 4]);
  update(d);
  const drawable = opNames.filter((op) => ops[op].kind !== 'leaf');
  let made = 0;
  for (let tries = 0; made < size && tries < size * 20; tries += 1)
    if (drawNode(d, drawable[below(d, drawable.length)] as OpName)) made += 1;
  const outputs = Array.from({ length: 4 }, (_, i) => g.size() - 1 - i * 3).filter((id, i, all) => id > 0 && all.indexOf(id) === i);
  return {
    builder: g,
    outputs,
    graph: g.finish(outputs.map((node, i) => ({ name: `y${i}`, node, mode: 'value' }))),
    feeds: d.feeds,
    tensors,
  };
}
