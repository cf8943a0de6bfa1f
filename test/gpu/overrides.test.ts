/**
 * @file Every registered override on a device, on those of its samples where it pays, against the meaning of the graph; beside it
 * what it replaces. Generated from the registry.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overrides } from '../../compiler/kernels/overrides.js';
import { select } from '../../compiler/kernels/select.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { boundsOf, programOf, runOnDevice, worstOutput } from './kernels-device.js';

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

describe.each(overrides.map((o) => [o.name, o] as const))('override %s', (_, override) => {
  it.each(['software', 'gpu'] as const)('gives on a %s target what it replaces gives', async (kind) => {
    const target = { ...device.describe().target, kind };
    const paying = override.samples.filter(({ graph }) =>
      graph.nodes.some((node) => node.op === override.root && override.possible(graph, node) && override.pays(graph, node, target)),
    );
    expect(paying.length).toBeGreaterThan(0);
    for (const { graph, feeds } of paying) {
      const plain = select(graph, target, { list: [], everywhere: false });
      expect(JSON.stringify(select(graph, target).kernels)).not.toBe(JSON.stringify(plain.kernels));
      const found = await runOnDevice(device, gate, programOf(graph, feeds, target), graph, feeds);
      const wanted = boundsOf(graph, plain, feeds);
      expect(worstOutput(found, wanted)?.excess ?? 0).toBeLessThanOrEqual(1);
      const changed = new Map([...feeds].map(([name, data]) => [name, data.map((x) => (Number.isInteger(x) ? x : x + 0.01))]));
      expect(worstOutput(found, boundsOf(graph, plain, changed))?.excess ?? 0).toBeGreaterThan(1);
    }
  });
});
