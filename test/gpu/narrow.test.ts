/**
 * @file Activations in 16 bits: every kind of kernel against the f64 meaning of its narrow form, the flags, the factor on the loss, and a
 * run beside the same in f32. Needs a device; what needs 16-bit floats is skipped where it has none, and the fall-back is tested there.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkEntry, type WatchedEntry } from '../../cli/check-kernels.js';
import { compile, type Compiled } from '../../compiler/driver/compile.js';
import { flat } from '../../compiler/driver/layout.js';
import { createGraph, type GraphBuilder } from '../../compiler/graph/builder.js';
import type { Graph, NodeId } from '../../compiler/graph/graph.js';
import { largestHalf } from '../../compiler/kernels/narrow.js';
import { plan } from '../../compiler/plan/plan.js';
import type { Program, Target } from '../../compiler/plan/program.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { compileShader } from '../../runtime/device-pipeline.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { initialise } from '../../runtime/init.js';
import { openPager } from '../../runtime/pager.js';
import { createRandom } from '../ops/samples.js';
import { resolved } from '../stdlib/experiment.js';
import { entryOfGraph } from './kernels-device.js';

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
const narrow = { flags: flat.flags, scale: flat.lossScale, from: 1 } as const;
const lacking = (): boolean => !device.describe().target.f16;

/** A step of every kind of kernel over a batch of whole numbers: rows of a table, a product, a softmax, and the table's gradient. */
function step(size: number): { readonly graph: Graph; readonly feeds: Map<string, Float64Array> } {
  const g = createGraph();
  const tensor = (name: string, shape: readonly number[]): NodeId => g.add('tensor', [], { name, shape, dtype: 'f32' });
  const ids = g.add('input', [], { name: 'ids', shape: [9], dtype: 'i32' });
  const x = g.add('gather', [tensor('table', [7, 6]), ids]);
  const scores = g.add('matmul', [g.add('mul', [x, x]), tensor('w', [6, 11])]);
  const wide = (node: NodeId): NodeId => g.broadcastTo(g.add('reshape', [node], { shape: [9, 1] }), [9, 11]);
  const e = g.add('exp', [g.add('sub', [scores, wide(g.add('amax', [scores], { axes: [1] }))])]);
  const soft = g.add('div', [e, wide(g.add('sum', [e], { axes: [1] }))]);
  const scaled = g.add('mul', [g.add('matmul', [soft, g.transpose(tensor('w', [6, 11]))]), scale(g, [9, 6])]);
  const graph = g.finish([
    { name: 'soft', node: g.add('sum', [soft], { axes: [0] }), mode: 'value' },
    { name: 'grad', node: g.add('scatter_add', [ids, g.add('mul', [scaled, x])], { rows: 7 }), mode: 'accumulate', tensor: 'grad' },
  ]);
  const wave = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.fround(size * Math.sin(i * 3 + n)));
  return {
    graph,
    feeds: new Map([
      ['ids', Float64Array.from({ length: 9 }, (_, i) => (i * 5) % 7)],
      ['table', wave(42)],
      ['w', wave(66)],
      ['grad', wave(42)],
      [flat.lossScale, Float64Array.of(64)],
    ]),
  };
}

const scale = (g: GraphBuilder, shape: readonly number[]): NodeId =>
  g.broadcastTo(g.add('reshape', [g.add('tensor', [], { name: flat.lossScale, shape: [1], dtype: 'f32' })], { shape: [1, 1] }), shape);

function planned(
  size: number,
  target: Target,
): { readonly program: Program; readonly watched: WatchedEntry; readonly feeds: Map<string, Float64Array> } {
  const { graph, feeds } = step(size);
  const { entry, persistent } = entryOfGraph('run', graph, feeds);
  let watched: WatchedEntry | undefined;
  const program = plan(
    [entry],
    [
      ...persistent.map((p) => (p.name === 'w' ? { ...p, dtype: 'f16' as const } : p)),
      { name: flat.flags, shape: [2], dtype: 'i32', kind: 'results', source: { kind: 'zeros' } },
    ],
    target,
    { narrow, watch: (_, kernels, hosts) => (watched = { kernels, hosts }) },
  );
  if (watched === undefined) throw new Error('the planner showed no kernels');
  return { program, watched, feeds };
}

async function filled(program: Program, feeds: ReadonlyMap<string, Float64Array>): Promise<Session> {
  const session = await openSession(device, program);
  for (const t of program.tensors) {
    const own = feeds.get(t.name.replace('run/', '')) ?? new Float64Array(t.shape.reduce((a, b) => a * b, 1));
    session.write(t.name, t.dtype === 'i32' ? Int32Array.from(own) : Float32Array.from(own));
  }
  return session;
}

describe('kernels with arrays in 16 bits', () => {
  it('has text that compiles for both kinds of target', async () => {
    for (const kind of ['software', 'gpu'] as const) {
      const { program, watched } = planned(1, { ...gate.describe().target, kind, subgroup: 0 });
      expect(new Set(watched.kernels.map((k) => k.kind)).size).toBeGreaterThan(2);
      expect(watched.kernels.flatMap((k) => k.args).filter((a) => a.storage === 'f16').length).toBeGreaterThan(4);
      for (const shader of program.shaders) await compileShader(gate, shader);
    }
  });

  it('computes what the kernels mean, and raises flags', async (context) => {
    context.skip(lacking(), 'this device has no 16-bit floats');
    // The second is large enough for products and gradients beyond the largest; its scores stand for nothing masked.
    for (const [size, flags] of [
      [1, [0, 0]],
      [200, [1, 1]],
    ] as const) {
      const { program, watched, feeds } = planned(size, device.describe().target);
      const session = await filled(program, feeds);
      try {
        const result = await checkEntry(session, 'run', watched, {});
        expect(result).toEqual({ kernels: watched.kernels.length, worst: expect.any(Number) as number });
        expect('worst' in result && result.worst).toBeLessThanOrEqual(1);
        expect([...(await session.read(flat.flags))]).toEqual(flags);
        // What was written in f32 comes back rounded.
        const w = await session.read('w');
        const given = feeds.get('w') as Float64Array;
        expect(Math.max(...given.map((v, i) => Math.abs(v - (w[i] as number)) / Math.abs(v)))).toBeLessThanOrEqual(2 ** -11);
        expect([...w].some((v, i) => v !== given[i])).toBe(true);
      } finally {
        session.close();
      }
    }
  });

  it('notices a store that rounds wrongly', async (context) => {
    context.skip(lacking(), 'this device has no 16-bit floats');
    const { program, watched, feeds } = planned(1, device.describe().target);
    const store = /= f16\(clamp\((v\d+),/;
    const at = program.shaders.findIndex((s) => store.test(s.code));
    expect(at).toBeGreaterThanOrEqual(0);
    const shaders = program.shaders.map((s, i) => (i === at ? { ...s, code: s.code.replace(store, '= f16(clamp($1 * 1.01,') } : s));
    const session = await filled({ ...program, shaders }, feeds);
    try {
      expect(await checkEntry(session, 'run', watched, {})).toHaveProperty('wrong');
    } finally {
      session.close();
    }
  });
});

const experiment = (tune: string, adapter = 'lora(rank: 2)') =>
  resolved(`import std.adapters.lora
experiment test {
  base llama from scratch("models/llama") with (vocab_size: 600) for causal()
  adapt layers with ${adapter}
  train head
  data { train: tsv("train.tsv") text: "text" max_length: 16 tokens }
  tune { optimizer: adamw(lr: 1e-2) schedule: constant() batch: 8 ${tune} }
}`);

function compiled(tune: string, target: Target): { readonly made: Compiled; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const made = compile(experiment(tune), { target, rows: 8, lengths: [16], digest: () => '' }, diagnostics);
  if (made === undefined) throw new Error(diagnostics.map((d) => d.message).join());
  return { made, diagnostics };
}

const bytes = ({ run }: Compiled, kind: string): number => run.program.buffers.reduce((sum, b) => sum + (b.kind === kind ? b.bytes : 0), 0);

/** A run of some steps; `first` may change the session before. */
async function trained(
  made: Compiled,
  steps: number,
  first?: (session: Session) => void,
): Promise<{ readonly losses: number[]; readonly scales: number[]; readonly skipped: number[]; readonly weights: Float32Array[] }> {
  const session = await openSession(device, made.run.program);
  try {
    await initialise(session, { seed: 3 });
    first?.(session);
    const pager = await openPager(session, made.run.pages);
    const random = createRandom(5);
    const losses: number[] = [];
    const scales: number[] = [];
    const skipped: number[] = [];
    const weights: Float32Array[] = [];
    const ids = Int32Array.from({ length: 128 }, () => Math.floor(random() * 600));
    for (let at = 0; at < steps; at += 1) {
      for (const name of made.run.program.entries.find((e) => e.name === 'train/8x16')?.inputs ?? [])
        session.write(name, name.endsWith('mask') ? new Int32Array(128).fill(1) : ids);
      session.run('train/8x16', { step: at, total: steps, seed: 1 });
      session.run('update', { step: at, total: steps, seed: 0 });
      const result = async (name: string): Promise<number> => (await session.read(name, 'update'))[0] as number;
      losses.push(await result('loss'));
      if (made.layout.narrow) {
        scales.push(await result('loss_scale'));
        skipped.push(await result('flags'));
      }
      await pager?.update({ step: at, total: steps, seed: 0 });
      weights.push((await session.read(flat.trained(0))) as Float32Array);
    }
    return { losses, scales, skipped, weights };
  } finally {
    session.close();
  }
}

describe('training in 16 bits', () => {
  it('falls back to f32 with a note where there are no 16-bit floats', () => {
    const target = { ...device.describe().target, f16: false };
    const asked = compiled('precision: f16', target);
    expect(asked.diagnostics).toEqual([expect.objectContaining({ code: 'PEFT0705', severity: 'info' })]);
    const plain = compiled('', target);
    expect(plain.diagnostics).toEqual([]);
    expect(asked.made.run.program).toEqual(plain.made.run.program);
  });

  it('halves activations and frozen weights, and nothing that is trained', () => {
    const target = { ...device.describe().target, f16: true };
    const half = compiled('precision: f16', target);
    const whole = compiled('precision: f32', target);
    expect(half.diagnostics).toEqual([]);
    for (const kind of ['activations', 'weights']) {
      const share = bytes(half.made, kind) / bytes(whole.made, kind);
      expect(share).toBeGreaterThan(0.49);
      expect(share).toBeLessThan(0.75);
    }
    for (const kind of ['adapter', 'gradients']) expect(bytes(half.made, kind)).toBe(bytes(whole.made, kind));
    // The factor on the loss, the steps it has stood and 512 bytes for both.
    expect(bytes(half.made, 'optimizer') - bytes(whole.made, 'optimizer')).toBe(512);
  });

  it('follows the run in f32, and steps over gradients that are too large', async (context) => {
    context.skip(lacking(), 'this device has no 16-bit floats');
    const { target } = device.describe();
    const half = compiled('precision: f16', target).made;
    const plain = await trained(compiled('', target).made, 12);
    const own = await trained(half, 12);
    expect(own.skipped).toEqual(new Array(12).fill(0));
    own.losses.forEach((loss, i) => expect(Math.abs(loss - (plain.losses[i] as number)), `loss of step ${i}`).toBeLessThan(5e-3));
    expect(own.losses, 'negative control').not.toEqual(plain.losses);
    expect((own.losses[0] as number) - (own.losses[11] as number)).toBeGreaterThan(0.1);

    const large = await trained(half, 10, (session) => session.write(flat.lossScale, Float32Array.of(2 ** 20)));
    const bad = large.skipped.filter((s) => s === 1).length;
    expect(bad).toBeGreaterThan(0);
    expect(bad).toBeLessThan(10);
    large.skipped.forEach((skipped, i) => {
      const before = i === 0 ? undefined : large.weights[i - 1];
      if (skipped === 1 && before !== undefined) expect(large.weights[i]).toEqual(before);
      if (skipped === 0 && before !== undefined) expect(large.weights[i]).not.toEqual(before);
      if (i > 0) expect(large.scales[i]).toBe((large.scales[i - 1] as number) * (large.skipped[i - 1] === 1 ? 0.5 : 1));
    });
    expect(largestHalf).toBe(65504);
  }, 60_000);

  it('steps over in pages as it does without', async (context) => {
    context.skip(lacking(), 'this device has no 16-bit floats');
    const { target } = device.describe();
    const large = (session: Session): void => session.write(flat.lossScale, Float32Array.of(2 ** 20));
    const paged = compiled('precision: f16 paging: optimizer', target).made;
    expect(paged.layout.pages.length).toBeGreaterThan(0);
    const own = await trained(paged, 10, large);
    expect(own).toEqual(await trained(compiled('precision: f16', target).made, 10, large));
    expect(new Set(own.skipped)).toEqual(new Set([0, 1]));
  }, 60_000);
});
