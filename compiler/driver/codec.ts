/**
 * @file Codec: weights to the tensors that hold them in fewer bits and back, on the CPU in f64 (codec-device.ts: block by block on a device). What a format says of its blocks is
 * computed some blocks at a time, so that beside the weight and its parts only those blocks take room; what mixes blocks (a mean
 * over all of them) is computed when the rest is there.
 */
import type { Node, NodeId, Graph } from '../graph/graph.js';
import { evaluateNode, interpret } from '../graph/interpret.js';
import { elements } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import { Bug } from '../bug.js';
import type { FormatInstance } from '../elaborate/format.js';
import { blocksInput, decodeGraph, encodeGraph } from '../elaborate/instantiate-format.js';
import type { Target } from '../plan/program.js';
import { jsonArgs } from '../spec/json.js';
import { deviceEncoding, type DeviceEncoding } from './codec-device.js';

/** Tensors that hold a weight, by the name of their part: words for whole numbers, else numbers. */
export type Parts = ReadonlyMap<string, Uint32Array | Float32Array>;

/** Changes between weights, by their name in graphs, and the tensors that hold them. */
export interface WeightCodec {
  readonly encode: (weight: string, values: Float32Array) => Parts;
  readonly decode: (weight: string, parts: Parts) => Float32Array;
  /** How a device does the part of encoding that is done block by block; undefined where its numbers might not be the host's. */
  readonly onDevice: (weight: string, target: Target) => DeviceEncoding | undefined;
}

/** The codec of some weights. */
export function codecOf(formats: Iterable<FormatInstance>): WeightCodec {
  const byName = new Map([...formats].map((f) => [f.weight.keys[0] as string, f] as const));
  const encoders = new Map<string, Encoder>();
  const formatOf = (weight: string): FormatInstance => {
    const found = byName.get(weight);
    if (found === undefined) throw new Bug(`${weight} has no format`);
    return found;
  };
  const encoderFor = (f: FormatInstance): Encoder => {
    const like = likeness(f);
    let encoder = encoders.get(like);
    if (encoder === undefined) encoders.set(like, (encoder = encoderOf(f)));
    return encoder;
  };
  const onDevice = new Map<string, DeviceEncoding | undefined>();
  return {
    encode: (weight, values) => encoderFor(formatOf(weight)).encode(values),
    decode: (weight, parts) => decodeParts(formatOf(weight), parts),
    onDevice: (weight, target) => {
      const f = formatOf(weight);
      const like = likeness(f);
      if (!onDevice.has(like)) {
        const { graph, schedule, finish } = encoderFor(f);
        onDevice.set(
          like,
          deviceEncoding(
            { like, f, graph, whole: schedule.whole, some: (blocks) => graphOfChunk(graph, schedule, f.blocks, blocks), finish },
            target,
          ),
        );
      }
      return onDevice.get(like);
    },
  };
}

/** The same for weights that are encoded alike. */
const likeness = (f: FormatInstance): string =>
  JSON.stringify([f.definition.name.text, f.definition.span, jsonArgs(f.params), f.weight.shape]);

interface Encoder {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly encode: (values: Float32Array) => Parts;
  /** The parts, from the values that are needed whole. */
  readonly finish: (wholes: ReadonlyMap<NodeId, Float64Array>) => Parts;
}

/** The weight that its parts hold. */
function decodeParts(f: FormatInstance, parts: Parts): Float32Array {
  const given = new Map<string, Float64Array>();
  for (const p of f.parts) {
    const values = parts.get(p.part);
    if (values === undefined) throw new Bug(`nothing is given for ${p.tensor}`);
    given.set(p.tensor, values instanceof Float32Array ? Float64Array.from(values) : Float64Array.from(values, (word) => word | 0));
  }
  return Float32Array.from(interpret(decodeGraph(f), given).get('weight') as Float64Array);
}

/** Elements that are worked on at a time: their values fit into a processor's cache. */
const chunkElements = 8192;

function encoderOf(f: FormatInstance): Encoder {
  const graph = encodeGraph(f);
  const schedule = scheduleOf(graph, f.blocks);
  const perChunk = Math.max(1, Math.floor(chunkElements / f.blockSize));
  const known = knownBefore(graph, schedule);
  const finish = (wholes: ReadonlyMap<NodeId, Float64Array>): Parts => {
    const outputs = finished(graph, schedule, known, wholes);
    return new Map(
      f.parts.map((p) => {
        const value = outputs.get(p.part) as Float64Array;
        return [p.part, p.dtype === 'f32' ? Float32Array.from(value) : Uint32Array.from(value, (word) => word >>> 0)] as const;
      }),
    );
  };
  return { graph, schedule, finish, encode: (values) => finish(chunked(graph, schedule, known, f, perChunk, values)) };
}

/** How each node of a graph is computed: once before the blocks, with each chunk of them, or when all are there. */
type When = 'before' | 'chunk' | 'after';

interface Schedule {
  readonly when: readonly When[];
  /** Nodes that are the same for every chunk of a size. */
  readonly same: readonly boolean[];
  /** Nodes of chunks whose values are needed whole. */
  readonly whole: readonly NodeId[];
}

function scheduleOf(graph: Graph, blocks: number): Schedule {
  const when: When[] = [];
  graph.nodes.forEach((node, id) => {
    const inputs = node.inputs.map((i) => when[i] as When);
    if (node.op === 'input') when[id] = 'chunk';
    else if (inputs.includes('after')) when[id] = 'after';
    else if (inputs.includes('chunk')) when[id] = staysInBlocks(graph, node, when, blocks) ? 'chunk' : 'after';
    else when[id] = isRepeated(graph, node, blocks) ? 'chunk' : 'before';
  });
  const same = graph.nodes.map(() => false);
  graph.nodes.forEach((node, id) => {
    same[id] = node.op !== 'input' && node.inputs.every((i) => when[i] !== 'chunk' || same[i]);
  });
  // A repeated value that only whole values use need not be cut.
  const whole = new Set(graph.outputs.map((o) => o.node).filter((id) => when[id] === 'chunk'));
  graph.nodes.forEach((node, id) => {
    if (when[id] === 'after') for (const i of node.inputs) if (when[i] === 'chunk') whole.add(i);
  });
  return { when, same, whole: [...whole] };
}

/** Whether a node without blocks among its operands is one value for all of them, which can be made for some of them. */
const isRepeated = (graph: Graph, node: Node, blocks: number): boolean =>
  node.op === 'broadcast' &&
  graph.nodes[node.inputs[0] as NodeId]?.shape[0] === 1 &&
  (node.shape[0] as number) % blocks === 0 &&
  blocks > 1;

/** Whether the elements of some blocks depend on those blocks alone, and stand one after the other. */
function staysInBlocks(graph: Graph, node: Node, when: readonly When[], blocks: number): boolean {
  const first = graph.nodes[node.inputs[0] as NodeId] as Node;
  const { attrs } = node;
  if (node.shape.length === 0 || (node.shape[0] as number) % blocks !== 0) return false;
  if (ops[node.op].kind === 'elementwise') return node.inputs.every((i) => when[i] === 'chunk');
  switch (node.op) {
    case 'reshape':
      return true;
    case 'broadcast':
      return first.shape[0] === node.shape[0];
    case 'sum':
    case 'amax':
      return !(attrs['axes'] as readonly number[]).includes(0);
    case 'permute':
      return (attrs['perm'] as readonly number[])[0] === 0;
    case 'slice':
    case 'pad':
    case 'flip':
      return attrs['axis'] !== 0;
    case 'gather':
      return when[node.inputs[0] as NodeId] === 'before';
    default:
      return false;
  }
}

/** The graph over some of the blocks. */
function graphOfChunk(graph: Graph, schedule: Schedule, blocks: number, some: number): Graph {
  const nodes = graph.nodes.map((node, id) => {
    if (schedule.when[id] !== 'chunk') return node;
    const cut = (shape: readonly number[]): number[] => [((shape[0] as number) / blocks) * some, ...shape.slice(1)];
    const shape = cut(node.shape);
    return { ...node, shape, attrs: node.attrs['shape'] === undefined ? node.attrs : { ...node.attrs, shape } };
  });
  return { ...graph, nodes };
}

/** Values that no block reaches, by node. */
type Known = readonly (Float64Array | undefined)[];

function knownBefore(graph: Graph, { when }: Schedule): Known {
  const known: (Float64Array | undefined)[] = [];
  graph.nodes.forEach((node, id) => {
    if (when[id] === 'before') known[id] = evaluateNode(graph, node, (i) => known[i] as Float64Array, new Map());
  });
  return known;
}

/** What the blocks give, some of them at a time: the values that are needed whole. */
function chunked(
  graph: Graph,
  schedule: Schedule,
  before: Known,
  f: FormatInstance,
  perChunk: number,
  values: Float32Array,
): Map<NodeId, Float64Array> {
  const { when, same, whole } = schedule;
  const known = [...before];
  const wholes = new Map(whole.map((id) => [id, new Float64Array(elements((graph.nodes[id] as Node).shape))] as const));
  let chunk: { readonly some: number; readonly graph: Graph } | undefined;
  for (let from = 0; from < f.blocks; from += perChunk) {
    const some = Math.min(perChunk, f.blocks - from);
    const fresh = chunk?.some !== some;
    if (chunk === undefined || fresh) chunk = { some, graph: graphOfChunk(graph, schedule, f.blocks, some) };
    // What the weight does not reach is zero.
    const x = new Float64Array(some * f.blockSize);
    x.set(values.subarray(from * f.blockSize, (from + some) * f.blockSize));
    const inputs = new Map([[blocksInput, x]]);
    for (const [id, node] of chunk.graph.nodes.entries())
      if (when[id] === 'chunk' && (fresh || same[id] !== true))
        known[id] = evaluateNode(chunk.graph, node, (i) => known[i] as Float64Array, inputs);
    for (const [id, all] of wholes) all.set(known[id] as Float64Array, (all.length / f.blocks) * from);
  }
  return wholes;
}

/** The outputs, when everything that is needed whole is there. */
function finished(graph: Graph, { when }: Schedule, before: Known, wholes: ReadonlyMap<NodeId, Float64Array>): Map<string, Float64Array> {
  const known = [...before];
  for (const [id, all] of wholes) known[id] = all;
  graph.nodes.forEach((node, id) => {
    if (when[id] === 'after') known[id] = evaluateNode(graph, node, (i) => known[i] as Float64Array, new Map());
  });
  return new Map(graph.outputs.map((o) => [o.name, known[o.node] as Float64Array]));
}
