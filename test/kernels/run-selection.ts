/**
 * @file Runs the kernels of a selection one after another on the CPU, as a device would, and compares with the graph.
 */
import { interpret } from '../../compiler/graph/interpret.js';
import type { Graph } from '../../compiler/graph/graph.js';
import { interpretKernel } from '../../compiler/kernels/interpret.js';
import { refKey } from '../../compiler/kernels/partition.js';
import type { Selection } from '../../compiler/kernels/select.js';

/** Results by output name, after the kernels ran on copies of the feeds. */
export function runSelection(graph: Graph, selection: Selection, feeds: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const memory = new Map<string, Float64Array>([...feeds].map(([name, data]) => [name, data.slice()]));
  const hosts = new Map([...feeds].map(([name, data]) => [name, data[0] as number]));
  selection.graph.nodes.forEach((node, id) => {
    if (node.op === 'table') memory.set(`%${id}`, node.attrs['data'] as Float64Array);
  });
  for (const kernel of selection.kernels) {
    const args = kernel.args.map((arg) => memory.get(refKey(arg.ref)) ?? new Float64Array(arg.elements).fill(NaN));
    interpretKernel(kernel, args, hosts).forEach((array, i) =>
      memory.set(refKey((kernel.args[i] as (typeof kernel.args)[number]).ref), array),
    );
  }
  const out = new Map<string, Float64Array>();
  for (const result of selection.results) out.set(result.name, memory.get(refKey(result.ref)) as Float64Array);
  for (const output of graph.outputs) if (output.tensor !== undefined) out.set(output.name, memory.get(output.tensor) as Float64Array);
  return out;
}

/** What the outputs must be. */
export function expected(graph: Graph, feeds: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const values = interpret(graph, feeds);
  for (const output of graph.outputs) {
    if (output.mode !== 'accumulate') continue;
    const before = feeds.get(output.tensor as string) as Float64Array;
    values.set(
      output.name,
      (values.get(output.name) as Float64Array).map((x, i) => x + (before[i] as number)),
    );
  }
  return values;
}

/** Largest difference relative to the size of the values, infinite where something is missing or not a number. */
export function difference(got: ReadonlyMap<string, Float64Array>, want: ReadonlyMap<string, Float64Array>): number {
  let worst = 0;
  for (const [name, w] of want) {
    const g = got.get(name);
    if (g === undefined || g.length !== w.length) return Infinity;
    const scale = 1 + w.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    w.forEach((x, i) => {
      const d = Math.abs((g[i] as number) - x) / scale;
      worst = Number.isNaN(d) ? Infinity : Math.max(worst, d);
    });
  }
  return worst;
}

/** Tensors that two outputs write are no meaningful program; true where a graph has them. */
export function writesTwice(graph: Graph): boolean {
  const names = graph.outputs.flatMap((o) => (o.tensor === undefined ? [] : [o.tensor]));
  return new Set(names).size < names.length;
}
