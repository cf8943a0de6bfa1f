/**
 * @file A graph on a device: selected, planned, executed by a session, and what must come out, with the bound that f32
 * arithmetic allows for each element (compiler/kernels/rounding).
 */
import type { Graph } from '../../compiler/graph/graph.js';
import { boundKernel } from '../../compiler/kernels/interpret.js';
import type { OverrideChoice } from '../../compiler/kernels/override.js';
import { refKey } from '../../compiler/kernels/partition.js';
import { worstDeviation, type Bounded, type Deviation } from '../../compiler/kernels/rounding.js';
import type { Selection } from '../../compiler/kernels/select.js';
import type { Persistent } from '../../compiler/plan/persistent.js';
import { plan, type PlanEntry } from '../../compiler/plan/plan.js';
import type { Program, ScalarExpr, Target } from '../../compiler/plan/program.js';
import type { Device } from '../../runtime/device.js';
import { compileShader } from '../../runtime/device-pipeline.js';
import { openSession } from '../../runtime/execute.js';
import { initialise } from '../../runtime/init.js';

/** Values of what a graph reads and writes, by name. */
export type Feeds = ReadonlyMap<string, Float64Array>;

/** A graph as the planner takes it: inputs of shape [] are numbers of the host, other inputs are written before the run, tensors lie in memory. */
export function entryOfGraph(
  name: string,
  graph: Graph,
  feeds: Feeds,
): { readonly entry: PlanEntry; readonly persistent: readonly Persistent[] } {
  const hosts = new Map<string, ScalarExpr>();
  const inputs: PlanEntry['inputs'][number][] = [];
  const persistent = new Map<string, Persistent>();
  const written = new Set(graph.outputs.flatMap((o) => (o.tensor === undefined ? [] : [o.tensor])));
  for (const node of graph.nodes) {
    const own = node.attrs['name'] as string;
    if (node.op === 'input' && node.shape.length === 0) hosts.set(own, (feeds.get(own) as Float64Array)[0] as number);
    // An input that is also written is a tensor under another word.
    else if (node.op === 'input' && !written.has(own))
      inputs.push({ input: own, tensor: `${name}/${own}`, shape: node.shape, dtype: node.dtype });
    else if (node.op === 'input' || node.op === 'tensor')
      persistent.set(own, {
        name: own,
        shape: node.shape,
        dtype: node.dtype,
        kind: written.has(own) ? 'adapter' : 'weights',
        source: { kind: 'zeros' },
      });
  }
  for (const o of graph.outputs) {
    if (o.tensor === undefined || persistent.has(o.tensor)) continue;
    const { shape, dtype } = graph.nodes[o.node] as Graph['nodes'][number];
    persistent.set(o.tensor, { name: o.tensor, shape, dtype, kind: 'adapter', source: { kind: 'zeros' } });
  }
  return { entry: { name, graph, hosts, inputs }, persistent: [...persistent.values()] };
}

/** The Program of one graph, as its one entry `run`. */
export function programOf(graph: Graph, feeds: Feeds, target: Target, choice?: OverrideChoice): Program {
  const { entry, persistent } = entryOfGraph('run', graph, feeds);
  return plan([entry], persistent, target, { choice });
}

const words = (data: Float64Array, dtype: 'f32' | 'i32'): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> =>
  dtype === 'f32' ? Float32Array.from(data) : Int32Array.from(data);

/** Runs a Program of `programOf` on a device; outputs by name. Every shader compiles on `gate` first. */
export async function runOnDevice(
  device: Device,
  gate: Device | undefined,
  program: Program,
  graph: Graph,
  feeds: Feeds,
): Promise<Map<string, Float32Array | Int32Array>> {
  if (gate !== undefined) for (const shader of program.shaders) await compileShader(gate, shader);
  const session = await openSession(device, program);
  try {
    if (session.allocatedBytes !== program.buffers.reduce((sum, b) => sum + b.bytes, 0))
      throw new Error('the session holds other bytes than planned');
    await initialise(session, { seed: 0 });
    const written = new Map<string, number>();
    for (const tensor of program.tensors) {
      // A table cut into parts (graph/split) gets its rows, one part after another.
      const [, whole, part] = /^(?:run\/)?(.*?)(?:#(\d+))?$/.exec(tensor.name) ?? [];
      const own = feeds.get(whole ?? '');
      if (own === undefined) continue;
      const before = part === undefined ? 0 : (written.get(whole ?? '') ?? 0);
      const elements = tensor.shape.reduce((a, b) => a * b, 1);
      written.set(whole ?? '', before + elements);
      session.write(tensor.name, words(own.subarray(before, before + elements), tensor.dtype === 'i32' ? 'i32' : 'f32'));
    }
    session.run('run');
    const out = new Map<string, Float32Array | Int32Array>();
    for (const o of graph.outputs) out.set(o.name, await session.read(o.tensor ?? o.name, 'run'));
    return out;
  } finally {
    session.close();
  }
}

/** What the kernels of a graph must give, with bounds, from the feeds rounded to f32. */
export function boundsOf(graph: Graph, selection: Selection, feeds: Feeds): Map<string, Bounded> {
  const hosts = new Map([...feeds].map(([name, data]) => [name, data[0] as number]));
  const bounded = (value: Float64Array): Bounded => ({ value, error: new Float64Array(value.length) });
  const memory = new Map<string, Bounded>(
    [...feeds].map(([name, data]) => [name, bounded(data.map((x) => (Number.isInteger(x) ? x : Math.fround(x))))]),
  );
  selection.graph.nodes.forEach((node, id) => {
    const data = node.attrs['data'];
    if (node.op === 'table' && data instanceof Float64Array)
      memory.set(`%${id}`, bounded(node.dtype === 'f32' ? data.map(Math.fround) : data));
  });
  for (const kernel of selection.kernels) {
    const args = kernel.args.map((arg) => memory.get(refKey(arg.ref)) ?? bounded(new Float64Array(arg.elements).fill(NaN)));
    boundKernel(kernel, args, hosts).forEach((array, i) => {
      const ref = kernel.args[i]?.ref;
      if (ref !== undefined) memory.set(refKey(ref), array);
    });
  }
  const out = new Map<string, Bounded>();
  for (const result of selection.results) out.set(result.name, memory.get(refKey(result.ref)) as Bounded);
  for (const o of graph.outputs) if (o.tensor !== undefined) out.set(o.name, memory.get(o.tensor) as Bounded);
  return out;
}

/** The worst deviation over all outputs, with the output's name. */
export function worstOutput(
  found: ReadonlyMap<string, ArrayLike<number>>,
  wanted: ReadonlyMap<string, Bounded>,
): (Deviation & { readonly output: string }) | undefined {
  let worst: (Deviation & { readonly output: string }) | undefined;
  for (const [output, bounds] of wanted) {
    const one = worstDeviation(found.get(output) ?? [], bounds);
    if (one !== undefined && one.excess > (worst?.excess ?? 0)) worst = { ...one, output };
  }
  return worst;
}

/** Share of the elements whose bound says something: it is finite and below the size of the values. */
export function told(wanted: ReadonlyMap<string, Bounded>): number {
  let all = 0;
  let tight = 0;
  for (const { value, error } of wanted.values()) {
    const scale = 1e-6 + value.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    all += value.length;
    error.forEach((e) => (tight += e <= 0.01 * scale ? 1 : 0));
  }
  return tight / Math.max(1, all);
}
