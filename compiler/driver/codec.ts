/**
 * @file Codec: weights to the tensors that hold them in fewer bits and back, on the CPU in f64. What a format says of its blocks is
 * computed some blocks at a time, so that beside the weight and its parts only those blocks take room; what mixes blocks (a mean
 * over all of them) is computed when the rest is there.
 */
import type { Node, NodeId, Graph } from '../graph/graph.js';
import { evaluateNode, interpret } from '../graph/interpret.js';
import { ops } from '../ops/ops.js';
import { Bug } from '../bug.js';
import type { FormatInstance } from '../elaborate/format.js';
import { blocksInput, decodeGraph, encodeGraph } from '../elaborate/instantiate-format.js';
import { jsonArgs } from '../spec/json.js';

/** Tensors that hold a weight, by the name of their part: words for whole numbers, else numbers. */
export type Parts = ReadonlyMap<string, Uint32Array | Float32Array>;

/** Changes between weights, by their name in graphs, and the tensors that hold them. */
export interface WeightCodec {
  readonly encode: (weight: string, values: Float32Array) => Parts;
  readonly decode: (weight: string, parts: Parts) => Float32Array;
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
  return {
    encode: (weight, values) => {
      const f = formatOf(weight);
      const like = JSON.stringify([f.definition.name.text, f.definition.span, jsonArgs(f.params), f.weight.shape]);
      let encoder = encoders.get(like);
      if (encoder === undefined) encoders.set(like, (encoder = encoderOf(f)));
      return encoder(values);
    },
    decode: (weight, parts) => decodeParts(formatOf(weight), parts),
  };
}

type Encoder = (values: Float32Array) => Parts;

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
  return (values) => {
    const outputs = runSchedule(graph, schedule, f, perChunk, values);
    return new Map(
      f.parts.map((p) => {
        const value = outputs.get(p.part) as Float64Array;
        return [p.part, p.dtype === 'f32' ? Float32Array.from(value) : Uint32Array.from(value, (word) => word >>> 0)] as const;
      }),
    );
  };
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

function runSchedule(
  graph: Graph,
  schedule: Schedule,
  f: FormatInstance,
  perChunk: number,
  values: Float32Array,
): Map<string, Float64Array> {
  const { when, same, whole } = schedule;
  const known: (Float64Array | undefined)[] = [];
  const compute = (of: Graph, id: NodeId, inputs: ReadonlyMap<string, Float64Array>): void => {
    known[id] = evaluateNode(of, of.nodes[id] as Node, (i) => known[i] as Float64Array, inputs);
  };
  graph.nodes.forEach((_, id) => {
    if (when[id] === 'before') compute(graph, id, new Map());
  });
  const wholes = new Map(whole.map((id) => [id, new Float64Array((graph.nodes[id] as Node).shape.reduce((a, b) => a * b, 1))] as const));
  let chunk: { readonly some: number; readonly graph: Graph } | undefined;
  for (let from = 0; from < f.blocks; from += perChunk) {
    const some = Math.min(perChunk, f.blocks - from);
    const fresh = chunk?.some !== some;
    if (chunk === undefined || fresh) chunk = { some, graph: graphOfChunk(graph, schedule, f.blocks, some) };
    // What the weight does not reach is zero.
    const x = new Float64Array(some * f.blockSize);
    x.set(values.subarray(from * f.blockSize, (from + some) * f.blockSize));
    const inputs = new Map([[blocksInput, x]]);
    for (let id = 0; id < graph.nodes.length; id += 1)
      if (when[id] === 'chunk' && (fresh || same[id] !== true)) compute(chunk.graph, id, inputs);
    for (const [id, all] of wholes) all.set(known[id] as Float64Array, (all.length / f.blocks) * from);
  }
  for (const [id, all] of wholes) known[id] = all;
  graph.nodes.forEach((_, id) => {
    if (when[id] === 'after') compute(graph, id, new Map());
  });
  return new Map(graph.outputs.map((o) => [o.name, known[o.node] as Float64Array]));
}
