/**
 * @file Encoding on a device: what a format computes block by block becomes one entry over many blocks; what mixes blocks stays with the host.
 *
 * The codes must be those that the host finds in f64, so the entry may hold only what f32 on a device does exactly: sums, differences and
 * products of two numbers (WGSL: correctly rounded) whose formula rounds to f32, comparisons, whole numbers, choices. A division is
 * correctly rounded on some devices only: `divides` tells the runtime to look before it trusts one. A sum of floats has an order, and a product
 * that is added to something may be joined with the addition: formats with those are encoded by the host.
 */
import type { FormatInstance } from '../elaborate/format.js';
import { blocksInput } from '../elaborate/instantiate-format.js';
import type { Graph, Node, NodeId } from '../graph/graph.js';
import { elements } from '../ops/op.js';
import type { OpName } from '../ops/ops.js';
import { plan } from '../plan/plan.js';
import type { Program, Target } from '../plan/program.js';
import { finishGraph } from './passes.js';

/** Tensors that hold a weight, by the name of their part. */
type Parts = ReadonlyMap<string, Uint32Array | Float32Array>;

/** Encoding on a device: the entry `encode` turns `elements` numbers of the tensor `encode/x`, whole blocks, into its outputs. */
export interface DeviceEncoding {
  /** The same for weights that share the program. */
  readonly like: string;
  readonly program: Program;
  readonly elements: number;
  /** Blocks of the weight, and of a run. */
  readonly blocks: number;
  readonly perRun: number;
  /** Outputs of the entry, and how many numbers of each belong to a block. */
  readonly outputs: readonly { readonly name: string; readonly perBlock: number }[];
  /** It holds a division. */
  readonly divides: boolean;
  /** The parts of the weight, from the outputs of all its blocks. */
  readonly finish: (outputs: ReadonlyMap<string, Float64Array>) => Parts;
}

/** What the codec knows of a format on one shape. */
export interface Encodable {
  readonly like: string;
  readonly f: FormatInstance;
  readonly graph: Graph;
  /** Nodes whose values are needed whole. */
  readonly whole: readonly NodeId[];
  /** The graph over some of the blocks. */
  readonly some: (blocks: number) => Graph;
  readonly finish: (wholes: ReadonlyMap<NodeId, Float64Array>) => Parts;
}

/** Elements of one run: 4 MiB. */
const runElements = 2 ** 20;
/** Smaller weights are encoded before a shader is compiled. */
const worthwhile = 2 ** 18;

const exact: ReadonlySet<OpName> = new Set<OpName>([
  ...(['input', 'const', 'table', 'iota'] as const),
  ...(['reshape', 'broadcast', 'permute', 'slice', 'pad', 'flip', 'gather'] as const),
  ...([
    'add',
    'sub',
    'mul',
    'div',
    'neg',
    'abs',
    'floor',
    'min',
    'max',
    'less',
    'equal',
    'select',
    'cast',
    'round_f32',
    'amax',
    'sum',
  ] as const),
  ...(['shift_right', 'bit_and'] as const),
]);

/** How a device encodes the weights of a format; undefined where it is not worth it, or the numbers might be others. */
export function deviceEncoding({ like, f, graph, whole, some, finish }: Encodable, target: Target): DeviceEncoding | undefined {
  if (f.blocks * f.blockSize < worthwhile || whole.length === 0) return undefined;
  const perRun = Math.min(f.blocks, Math.max(1, Math.floor(runElements / f.blockSize)));
  const chunk = finishGraph({ ...some(perRun), outputs: whole.map((node) => ({ name: `whole${node}`, node, mode: 'value' })) });
  if (!isExact(chunk)) return undefined;
  const shape = [perRun, f.blockSize];
  const program = plan(
    [{ name: 'encode', graph: chunk, hosts: new Map(), inputs: [{ input: blocksInput, tensor: 'encode/x', shape, dtype: 'f32' }] }],
    [],
    target,
  );
  return {
    like,
    program,
    elements: perRun * f.blockSize,
    blocks: f.blocks,
    perRun,
    outputs: whole.map((node) => ({ name: `whole${node}`, perBlock: elements((graph.nodes[node] as Node).shape) / f.blocks })),
    divides: chunk.nodes.some((node) => node.op === 'div'),
    finish: (outputs) => finish(new Map(whole.map((node) => [node, outputs.get(`whole${node}`) as Float64Array]))),
  };
}

/** Ops that hand an operand on. */
const passing: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'broadcast', 'permute', 'slice', 'pad', 'flip', 'select']);

/** Whether f32 arithmetic gives what f64 gives, but for divisions. */
function isExact(graph: Graph): boolean {
  const users: NodeId[][] = graph.nodes.map(() => []);
  graph.nodes.forEach((node, id) => node.inputs.forEach((input) => users[input]?.push(id)));
  const results = new Set(graph.outputs.map((o) => o.node));
  const nodeAt = (id: NodeId): Node => graph.nodes[id] as Node;
  /** Whether everything that is made of a number rounds it first. */
  const isRounded = (id: NodeId): boolean =>
    !results.has(id) &&
    (users[id] ?? []).every((user) => nodeAt(user).op === 'round_f32' || (passing.has(nodeAt(user).op) && isRounded(user)));
  return graph.nodes.every((node, id) => {
    if (!exact.has(node.op)) return false;
    if (node.dtype !== 'f32') return true;
    switch (node.op) {
      case 'sum':
        return false;
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
        // Rounded at once, so nothing is joined with it.
        return isRounded(id);
      case 'const':
        return isSingle(node.attrs['value'] as number);
      case 'table':
        return (node.attrs['data'] as Float64Array).every(isSingle);
      default:
        return true;
    }
  });
}

/** Whether f32 has a number, or it is so small that only blocks of zeros notice it. */
const isSingle = (value: number): boolean => Math.fround(value) === value || Math.abs(value) < 2 ** -126;
