/**
 * @file PEFT_CHECK: a session whose shaders are right passes the check, one with a single changed shader is stopped at that step.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkEntry, showWrong, type WatchedEntry } from '../../cli/check-kernels.js';
import { showTimes } from '../../cli/rehearsal.js';
import { createGraph } from '../../compiler/graph/builder.js';
import { plan } from '../../compiler/plan/plan.js';
import type { Program, ScalarExpr } from '../../compiler/plan/program.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { entryOfGraph } from './kernels-device.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** A small step: a product with a bias, a softmax along its rows with dropout, and a gradient that is added to what was there. */
function step(): { readonly program: Program; readonly watched: WatchedEntry; readonly feeds: Map<string, Float64Array> } {
  const g = createGraph();
  const x = g.add('tensor', [], { name: 'x', shape: [9, 6], dtype: 'f32' });
  const w = g.add('tensor', [], { name: 'w', shape: [6, 11], dtype: 'f32' });
  const bias = g.broadcastTo(g.add('tensor', [], { name: 'bias', shape: [11], dtype: 'f32' }), [9, 11]);
  const scores = g.add('add', [g.add('matmul', [x, w]), bias]);
  const wide = (node: number): number => g.broadcastTo(g.add('reshape', [node], { shape: [9, 1] }), [9, 11]);
  const e = g.add('exp', [g.add('sub', [scores, wide(g.add('amax', [scores], { axes: [1] }))])]);
  const soft = g.add('div', [e, wide(g.add('sum', [e], { axes: [1] }))]);
  const kept = g.add('less', [
    g.add('random', [g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' })], { stream: 2, shape: [9, 11] }),
    g.broadcastTo(g.add('input', [], { name: 'keep', shape: [], dtype: 'f32' }), [9, 11]),
  ]);
  const out = g.add('mul', [soft, kept]);
  const graph = g.finish([
    { name: 'out', node: out, mode: 'value' },
    { name: 'grad', node: g.add('matmul', [g.transpose(x), out]), mode: 'accumulate', tensor: 'grad' },
  ]);
  const wave = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * 3 + n)));
  const feeds = new Map([
    ['x', wave(54)],
    ['w', wave(66)],
    ['bias', wave(11)],
    ['grad', wave(66)],
    ['seed', Float64Array.of(5)],
    ['keep', Float64Array.of(0.9)],
  ]);
  const { entry, persistent } = entryOfGraph('run', graph, feeds);
  let watched: WatchedEntry | undefined;
  const program = plan(
    [
      {
        ...entry,
        hosts: new Map<string, ScalarExpr>([
          ['seed', { var: 'seed' }],
          ['keep', 0.9],
        ]),
      },
    ],
    persistent,
    { ...device.describe().target, kind: 'software' },
    { watch: (_, kernels, hosts) => (watched = { kernels, hosts }) },
  );
  if (watched === undefined) throw new Error('the planner showed no kernels');
  return { program, watched, feeds };
}

async function filled(program: Program, feeds: ReadonlyMap<string, Float64Array>): Promise<Session> {
  const session = await openSession(device, program);
  for (const tensor of program.tensors) session.write(tensor.name, Float32Array.from(feeds.get(tensor.name) ?? []));
  return session;
}

/** The program with one shader changed. */
function changed(program: Program, at: number, from: RegExp | string, to: string): Program {
  return { ...program, shaders: program.shaders.map((s, i) => (i === at ? { ...s, code: s.code.replace(from, to) } : s)) };
}

/** A value put into an array, in the text of a shader. */
const store = /(\bt\d+\[.*\] \+?= )(v\d+);/;

describe('checking kernels', () => {
  it('finds nothing wrong in what is right', async () => {
    const { program, watched, feeds } = step();
    const session = await filled(program, feeds);
    try {
      const result = await checkEntry(session, 'run', watched, { seed: 2 ** 32 - 5 });
      expect(result).toEqual({ kernels: watched.kernels.length, worst: expect.any(Number) as number });
      expect('worst' in result && result.worst).toBeLessThanOrEqual(1);
      // Adding to what was there has happened once.
      expect(await session.read('grad')).not.toEqual(Float32Array.from(feeds.get('grad') ?? []));
    } finally {
      session.close();
    }
  });

  it('stops at the one wrong shader and says where', async () => {
    const { program, watched, feeds } = step();
    const stores = program.shaders.flatMap((s, i) => (store.test(s.code) ? [i] : []));
    expect(stores.length).toBeGreaterThan(1);
    for (const at of stores) {
      const session = await filled(changed(program, at, store, '$1$2 * 1.0001;'), feeds);
      try {
        const result = await checkEntry(session, 'run', watched, { seed: 3 });
        const wrong = 'wrong' in result ? result.wrong : undefined;
        expect(wrong?.step).toBe(program.entries[0]?.steps.findIndex((s) => s.shader === at));
        expect(wrong && showWrong(wrong)).toMatch(
          /^kernel \d+ of run \(.+\) computes element \d+ of array \d+ as -?[\d.e-]+, not -?[\d.e-]+; rounding explains [\d.e-]+$/,
        );
      } finally {
        session.close();
      }
    }
  });

  it('notices another seed', async () => {
    const { program, watched, feeds } = step();
    const session = await filled(program, feeds);
    try {
      const other: WatchedEntry = { ...watched, hosts: new Map([...watched.hosts, ['seed', 4]]) };
      expect(await checkEntry(session, 'run', other, { seed: 3 })).toHaveProperty('wrong');
    } finally {
      session.close();
    }
  });
});

describe('times of steps', () => {
  it('are put together by what they do, the slowest first', () => {
    const time = (label: string, milliseconds: number, flops: number) => ({
      label,
      shader: label,
      milliseconds,
      flops,
      bytes: 1000,
      clock: 'wall' as const,
    });
    expect(showTimes('train/1x8', [time('pointwise add', 1, 1e6), time('matmul', 4, 8e6), time('pointwise add', 1, 1e6)])).toBe(
      'train/1x8: 3 steps in 6.0 ms by the wall clock, 1.67 GFLOP/s\n' +
        '    ms  share  steps  GFLOP/s  GB/s  what\n' +
        '  4.00  66.7%      1     2.00  0.00  matmul (8,000,000 operations each)\n' +
        '  2.00  33.3%      2     1.00  0.00  pointwise add (1,000,000 operations each)\n',
    );
  });
});
