/**
 * @file Kernels on a device against the f64 meaning of their graphs: every op of the table, random graphs of all ops, both kinds
 * of target, and every shader on the null backend first. What a device may differ by is worked out element by element.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGraph } from '../../compiler/graph/builder.js';
import type { Graph, NodeId, Output } from '../../compiler/graph/graph.js';
import { opNames, ops } from '../../compiler/ops/ops.js';
import type { Target } from '../../compiler/plan/program.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { randomGraph } from '../kernels/random-graph.js';
import { difference, writesTwice, expected } from '../kernels/run-selection.js';
import { sampleFeeds, sampleNode } from '../ops/samples.js';
import { boundsOf, programOf, runOnDevice, selectionOf, told, worstOutput, type Feeds } from './kernels-device.js';

let device: Device;
let gate: Device;
beforeAll(async () => {
  device = await openDevice();
  gate = await openNullDevice();
});
afterAll(() => {
  device.close();
  gate.close();
});

const kinds = ['software', 'gpu'] as const;
const targetOf = (kind: Target['kind']): Target => ({ ...device.describe().target, kind });

/** Runs a graph and gives the worst deviation as a share of what is allowed, and how much of it could be judged. */
async function check(graph: Graph, feeds: Feeds, target: Target): Promise<{ readonly excess: number; readonly where: string; readonly told: number }> {
  const wanted = boundsOf(graph, selectionOf(graph, target), feeds);
  const found = await runOnDevice(device, gate, programOf(graph, feeds, target), graph, feeds);
  const worst = worstOutput(found, wanted);
  return { excess: worst?.excess ?? 0, where: JSON.stringify(worst), told: told(wanted) };
}

/** All samples of an op in one graph: names of feeds carry the number of the sample. */
function samplesOf(name: (typeof opNames)[number]): { readonly graph: Graph; readonly feeds: Map<string, Float64Array> } {
  const whole = createGraph();
  const feeds = new Map<string, Float64Array>();
  const outputs: Output[] = [];
  ops[name].samples.forEach((sample, s) => {
    const g = createGraph();
    const { node } = sampleNode(g, name, sample);
    const graph = g.finish([{ name: 'y', node, mode: 'value' }]);
    const next: NodeId[] = [];
    graph.nodes.forEach((n) => next.push(whole.add(n.op, n.inputs.map((i) => next[i] as NodeId), typeof n.attrs['name'] === 'string' ? { ...n.attrs, name: `s${s}.${n.attrs['name']}` } : n.attrs)));
    const y = next[graph.outputs[0]?.node ?? 0] as NodeId;
    outputs.push({ name: `y${s}`, node: y, mode: 'value' });
    for (const [feed, data] of sampleFeeds(sample, 7 + s)) feeds.set(`s${s}.${feed}`, data);
  });
  return { graph: whole.finish(outputs), feeds };
}

describe.each(kinds)('every op on a %s target', (kind) => {
  it.each(opNames)('%s', async (name) => {
    const { graph, feeds } = samplesOf(name);
    const target = targetOf(kind);
    expect(difference(new Map([...boundsOf(graph, selectionOf(graph, target), feeds)].map(([k, v]) => [k, v.value])), expected(graph, feeds))).toBeLessThan(1e-6);
    const { excess, where, told: judged } = await check(graph, feeds, target);
    expect(judged, 'bounds that say something').toBeGreaterThan(0.99);
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});

describe.each(kinds)('random graphs on a %s target', (kind) => {
  it.each(Array.from({ length: 24 }, (_, i) => i))('seed %d', async (seed) => {
    const { graph, feeds } = randomGraph(1000 + seed, 6 + (seed % 12));
    if (writesTwice(graph)) return expect(graph.outputs.length).toBeGreaterThan(1);
    const { excess, where } = await check(graph, feeds, targetOf(kind));
    expect(excess, where).toBeLessThanOrEqual(1);
  });
});
