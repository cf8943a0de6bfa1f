/**
 * @file Narrow: activations in 16 bits. Values that a step computes from the weights and the batch, and frozen weights, stand in memory as
 * f16; every kernel reads them as f32, computes and adds up in f32, and rounds once when it stores (Micikevicius et al. 2018, "Mixed
 * precision training"). What is small, a result of the entry, or whole numbers stays as it is.
 *
 * A value beyond the largest f16 is stored as that number, because WGSL leaves the conversion open; the kernel raises a flag. Values that
 * depend on the loss scale are gradients: theirs tells the update to skip this step and to lower the scale. The other flag tells the user that
 * activations are cut off.
 */
import type { Graph, NodeId } from '../graph/graph.js';
import type { Arg, Kernel, Store } from './kernel.js';
import type { Selection } from './select.js';

/** The names of the tensors that narrowing knows. */
export interface Narrowing {
  /** Frozen weights, and which of them stand in 16 bits. */
  readonly weights: ReadonlyMap<string, 'f16' | 'f32'>;
  /** Two flags: gradients, and other activations, beyond the largest f16. */
  readonly flags: string;
  /** The factor on the loss. */
  readonly scale: string;
  /** Values of fewer elements stay as they are; for tests. */
  readonly from?: number;
}

/** The largest f16. */
export const largestHalf = 65504;
/** Smaller values stay as they are: they cost nothing. */
export const narrowFrom = 4096;
/** Numbers from here on stand for "not attended to"; cutting them off changes nothing. */
const masking = 1e8;

/** The kernels of a selection with narrow storage; no kernel touches more than `limit` arrays. */
export function narrowed(selection: Selection, names: Narrowing, limit: number): Selection {
  const { graph, results } = selection;
  const facts = factsOf(graph, names);
  const wanted = new Set(results.flatMap((r) => (r.ref.kind === 'value' ? [r.ref.node] : [])));
  const narrow = new Set<NodeId>();
  for (const kernel of selection.kernels) {
    const written = kernel.args.flatMap((arg) =>
      arg.ref.kind === 'value' && arg.access === 'write' && narrowable(arg, facts, names.from ?? narrowFrom) && !wanted.has(arg.ref.node)
        ? [arg.ref.node]
        : [],
    );
    // The flags need a place of their own.
    if (kernel.args.length < limit) for (const node of written) narrow.add(node);
  }
  const stands = (arg: Arg): 'f16' | undefined =>
    (arg.ref.kind === 'value' ? narrow.has(arg.ref.node) : names.weights.get(arg.ref.name) === 'f16') ? 'f16' : undefined;
  return { ...selection, kernels: selection.kernels.map((kernel) => rewritten(kernel, stands, facts, names)) };
}

function narrowable(arg: Arg, facts: Facts, from: number): boolean {
  return arg.dtype === 'f32' && arg.elements >= from && arg.ref.kind === 'value' && facts.activation[arg.ref.node] === true;
}

/** What each value of a graph depends on. */
interface Facts {
  /** Weights and the batch. */
  readonly activation: readonly boolean[];
  /** The loss scale. */
  readonly scaled: readonly boolean[];
}

function factsOf(graph: Graph, { scale }: Narrowing): Facts {
  const weights: boolean[] = [];
  const batch: boolean[] = [];
  const scaled: boolean[] = [];
  graph.nodes.forEach((node, id) => {
    const some = (list: readonly boolean[]): boolean => node.inputs.some((input) => list[input]);
    weights[id] = (node.op === 'tensor' && node.dtype === 'f32') || some(weights);
    batch[id] = (node.op === 'input' && node.shape.length > 0) || some(batch);
    scaled[id] = (node.op === 'tensor' && node.attrs['name'] === scale) || some(scaled);
  });
  return { activation: weights.map((w, id) => w && (batch[id] ?? false)), scaled };
}

function rewritten(kernel: Kernel, stands: (arg: Arg) => 'f16' | undefined, facts: Facts, names: Narrowing): Kernel {
  const args = kernel.args.map((arg): Arg => {
    const storage = stands(arg);
    return storage === undefined ? arg : { ...arg, storage };
  });
  const flags = args.length;
  let raised = false;
  const stores = kernel.stores.map((store): Store => {
    const arg = args[store.arg];
    if (arg?.storage === undefined || arg.ref.kind !== 'value') return store;
    raised = true;
    const gradient = facts.scaled[arg.ref.node] === true;
    return { ...store, overflow: { arg: flags, flag: gradient ? 0 : 1, above: gradient ? Infinity : masking } };
  });
  if (!raised) return { ...kernel, args };
  const own: Arg = { ref: { kind: 'tensor', name: names.flags }, dtype: 'i32', elements: 2, access: 'read_write', flags: true };
  return { ...kernel, args: [...args, own], stores };
}
