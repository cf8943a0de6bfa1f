/**
 * @file Optimiser state that the host keeps: the same trained numbers to the last bit as with the state on the device, over several
 * pages, and over a checkpoint. Needs a device.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryOf } from '../../compiler/driver/compile.js';
import { pageGraph, updateEndGraph, updateGraph } from '../../compiler/driver/update.js';
import { flat, layoutOf, type Layout } from '../../compiler/driver/layout.js';
import { plan, type PlanEntry } from '../../compiler/plan/plan.js';
import type { Package, Program } from '../../compiler/plan/program.js';
import { resumeCheckpoint, saveCheckpoint } from '../../runtime/checkpoint.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openSession, type Session, type TensorData } from '../../runtime/execute.js';
import { initialise } from '../../runtime/init.js';
import { openPager, type Pager } from '../../runtime/pager.js';
import { createRandom } from '../ops/samples.js';
import { resolved } from '../stdlib/experiment.js';

let device: Device;
const folder = mkdtempSync(join(tmpdir(), 'peft-paging-'));
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true, force: true });
});

const experiment = (optimizer: string) =>
  resolved(`import std.adapters.lora
experiment test {
  base llama from scratch("models/llama") with (vocab_size: 600) for causal()
  adapt layers with lora(rank: 2)
  train head
  data { train: tsv("train.tsv") text: "text" max_length: 6 tokens }
  tune { optimizer: ${optimizer} schedule: constant() }
}`);
type Resolved = ReturnType<typeof experiment>;

interface Opened {
  readonly session: Session;
  readonly run: Package;
  readonly pager: Pager | undefined;
}

/** The update of an experiment, its state on the device or in pages of so many elements. */
async function open(r: Resolved, layout: Layout): Promise<Opened> {
  const entries: PlanEntry[] = [
    entryOf('update', r, undefined, updateGraph(r, layout)),
    ...layout.pages.map((page, i) => entryOf(page.entry, r, undefined, pageGraph(r, layout, i))),
    ...(layout.pages.length > 0 ? [entryOf('update.end', r, undefined, updateEndGraph(layout))] : []),
  ];
  const needed = layout.persistent.filter((p) => p.kind !== 'weights' && p.kind !== 'activations');
  const program: Program = plan(entries, needed, device.describe().target);
  const session = await openSession(device, program, { stagingBytes: 256 });
  await initialise(session, { seed: 1 });
  const pages = layout.pages.map(({ entry, state }) => ({
    entry,
    tensors: state.flatMap((s) => (s.format === undefined ? [s.tensor] : s.format.parts.map((p) => p.tensor))),
  }));
  // A checkpoint asks for no more of a package.
  const run = { program, pages, hash: 'test' } as unknown as Package;
  return { session, run, pager: await openPager(session, pages) };
}

/** Steps with gradients of their own; the trained numbers after each. */
async function steps({ session, pager }: Opened, layout: Layout, from: number, to: number): Promise<TensorData[][]> {
  const after: TensorData[][] = [];
  for (let step = from; step < to; step += 1) {
    const random = createRandom(100 + step);
    layout.groups.forEach(({ elements }, group) =>
      session.write(
        flat.gradient(group),
        Float32Array.from({ length: elements }, () => (random() - 0.5) * 10 ** -Math.floor(4 * random())),
      ),
    );
    session.write(flat.loss, Float32Array.of(2));
    session.write(flat.count, Float32Array.of(3));
    session.run('update', { step, total: 10, seed: 0 });
    await pager?.update({ step, total: 10, seed: 0 });
    after.push(await Promise.all(layout.groups.map((_, group) => session.read(flat.trained(group)))));
    // The sums are back at zero.
    expect([...(await session.read(flat.loss)), ...(await session.read(flat.count))]).toEqual([0, 0]);
  }
  return after;
}

describe('pages of optimiser state', () => {
  it.each(['adamw(lr: 1e-2)', 'adamw8bit(lr: 1e-2)', 'sgd(lr: 1e-2, momentum: 0.9)'])('%s', async (optimizer) => {
    const r = experiment(optimizer);
    const [whole, paged] = [layoutOf(r), layoutOf(r, undefined, { pageElements: 1024 })];
    expect(paged.pages.length).toBeGreaterThan(4);
    const bytes = (layout: Layout): number =>
      layout.persistent.reduce(
        (sum, p) => sum + (p.kind === 'optimizer' && p.within === undefined ? p.shape.reduce((a, b) => a * b, 1) : 0),
        0,
      );
    expect(bytes(paged)).toBeLessThan(bytes(whole) / 2);
    const [a, b] = [await open(r, whole), await open(r, paged)];
    try {
      const wanted = await steps(a, whole, 0, 4);
      expect(await steps(b, paged, 0, 2)).toEqual(wanted.slice(0, 2));
      const saved = await saveCheckpoint(folder, b.session, b.run, 2, b.pager);
      expect(saved.ok).toBe(true);
      // From the checkpoint on another session goes on in the same way; without its state it would not.
      const c = await open(r, paged);
      const d = await open(r, paged);
      try {
        expect(await resumeCheckpoint(folder, c.session, c.run, c.pager)).toEqual({ ok: true, value: 2 });
        expect(await steps(c, paged, 2, 4)).toEqual(wanted.slice(2));
        for (const [group] of paged.groups.entries()) d.session.write(flat.trained(group), wanted[1]?.[group] as TensorData);
        expect(await steps(d, paged, 2, 4), 'negative control').not.toEqual(wanted.slice(2));
      } finally {
        c.session.close();
        d.session.close();
      }
    } finally {
      a.session.close();
      b.session.close();
    }
  });
});
