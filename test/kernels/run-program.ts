/**
 * @file Runs a graph as a planned Program on a device, and bounds how far f32 may be from the f64 interpreter.
 */
import type { Graph } from '../../compiler/graph/graph.js';
import type { Persistent } from '../../compiler/plan/persistent.js';
import { plan } from '../../compiler/plan/plan.js';
import type { Program, ScalarExpr, Target } from '../../compiler/plan/program.js';
import type { Device } from '../../runtime/device.js';
import { openSession, type TensorData } from '../../runtime/execute.js';
import { chooser } from './random-graph.js';
import { expected } from './run-selection.js';

/** The tensors that a graph reads and writes, as the planner wants them declared. */
export function declarations(graph: Graph): { readonly persistent: Persistent[]; readonly inputs: { input: string; tensor: string; shape: readonly number[]; dtype: 'f32' | 'i32' }[]; readonly hosts: Map<string, ScalarExpr> } {
  const persistent = new Map<string, Persistent>();
  const inputs = new Map<string, { input: string; tensor: string; shape: readonly number[]; dtype: 'f32' | 'i32' }>();
  const hosts = new Map<string, ScalarExpr>();
  const declare = (name: string, shape: readonly number[], dtype: 'f32' | 'i32'): void => {
    if (!inputs.has(name)) persistent.set(name, { name, shape, dtype, kind: 'weights', source: { kind: 'zeros' } });
  };
  for (const node of graph.nodes) {
    const name = node.attrs['name'] as string;
    if (node.op === 'input' && node.shape.length === 0) hosts.set(name, { var: name });
    else if (node.op === 'input') inputs.set(name, { input: name, tensor: name, shape: node.shape, dtype: node.dtype });
    else if (node.op === 'tensor') declare(name, node.shape, node.dtype);
  }
  for (const output of graph.outputs) {
    const node = graph.nodes[output.node];
    if (output.tensor !== undefined && node !== undefined && !persistent.has(output.tensor)) declare(output.tensor, node.shape, node.dtype);
  }
  return { persistent: [...persistent.values()], inputs: [...inputs.values()], hosts };
}

/** The Program of one graph with the entry `run`. */
export function planGraph(graph: Graph, target: Target): Program {
  const { persistent, inputs, hosts } = declarations(graph);
  return plan([{ name: 'run', graph, hosts, inputs }], persistent, target);
}

/** Results by output name from a device. */
export async function runProgram(device: Device, graph: Graph, program: Program, feeds: ReadonlyMap<string, Float64Array>): Promise<Map<string, Float64Array>> {
  const session = await openSession(device, program);
  try {
    for (const tensor of program.tensors) {
      const data = feeds.get(tensor.name);
      if (data !== undefined) session.write(tensor.name, (tensor.dtype === 'f32' ? Float32Array.from(data) : Int32Array.from(data)) as TensorData);
    }
    session.run('run', Object.fromEntries([...feeds].filter(([, data]) => data.length === 1).map(([name, data]) => [name, data[0] as number])));
    const out = new Map<string, Float64Array>();
    for (const output of graph.outputs) {
      const got = output.tensor === undefined ? await session.read(output.name, 'run') : await session.read(output.tensor);
      out.set(output.name, Float64Array.from(got));
    }
    return out;
  } finally {
    session.close();
  }
}

/** What a relative error of `step` in every real number fed in does to the results, by output: the largest change seen. */
export function sensitivity(graph: Graph, feeds: ReadonlyMap<string, Float64Array>, step: number): number {
  const real = new Set(graph.nodes.filter((n) => n.dtype === 'f32').map((n) => n.attrs['name']));
  const want = expected(graph, feeds);
  let worst = 0;
  for (let round = 0; round < 3; round += 1) {
    const c = chooser(1000 + round);
    const moved = new Map([...feeds].map(([name, data]) => [name, real.has(name) ? data.map((x) => x * (1 + step * c.real())) : data]));
    for (const [name, now] of expected(graph, moved)) {
      const before = want.get(name) as Float64Array;
      const scale = 1 + before.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      now.forEach((x, i) => { worst = Math.max(worst, Math.abs(x - (before[i] as number)) / scale); });
    }
  }
  return worst;
}
