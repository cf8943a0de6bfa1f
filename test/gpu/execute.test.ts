/** @file Sessions on a device: results against arithmetic done here, exact allocation, and every wrong use answered by words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../../compiler/plan/program.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openSession, type Session, type TensorData } from '../../runtime/execute.js';
import { axpyProgram } from './execute-programs.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => {
  device.close();
});

const SIZES = [1, 63, 64, 1000] as const;
const ramp = (n: number, scale: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i + 1) * scale));

async function withSession(program: Program, use: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(device, program, { stagingBytes: 256 });
  try {
    await use(session);
  } finally {
    session.close();
  }
}

/** Largest difference from the f64 result, as a share of what f32 allows for `n` roundings. */
function excess(actual: TensorData, expected: readonly number[], roundings: number): number {
  return expected.reduce(
    (worst, value, i) => Math.max(worst, Math.abs((actual[i] ?? NaN) - value) / ((Math.abs(value) + 1) * roundings * 2 ** -23)),
    0,
  );
}

describe('Session', () => {
  it.each(SIZES)('runs steps in order with scalars and uniforms, n = %i', async (n) => {
    await withSession(axpyProgram(n), async (session) => {
      const x = ramp(n, 2);
      const y = ramp(n, 3);
      session.write('x', x);
      session.write('y', y);
      const expected = [...y];
      for (const step of [1, 2, 3]) {
        session.run('step', { step });
        expected.forEach((value, i) => (expected[i] = value + (step / 4) * (x[i] ?? 0)));
      }
      const found = await session.read('y');
      expect(excess(found, expected, 6)).toBeLessThan(1);
      const total = await session.read('total');
      expect(excess(total, [expected.reduce((a, b) => a + b, 0)], 6 * n)).toBeLessThan(1);
      // Negative control: the same check sees one element that is wrong in the fourth digit.
      const wrong = Float32Array.from(found);
      wrong[n - 1] = (wrong[n - 1] ?? 0) + 1e-4;
      expect(excess(wrong, expected, 6)).toBeGreaterThan(1);
    });
  });

  it('keeps i32 tensors exact', async () => {
    await withSession(axpyProgram(70), async (session) => {
      const ids = Int32Array.from({ length: 70 }, (_, i) => (i - 35) * 60_000_007);
      session.clear('counts');
      session.write('ids', ids);
      session.run('count');
      session.run('count');
      expect([...(await session.read('counts'))]).toEqual([...ids].map((id) => (2 * id) | 0));
    });
  });

  it('queues results in order, over two drains, and says when the staging memory is full', async () => {
    await withSession(axpyProgram(64), async (session) => {
      session.write('x', new Float32Array(64).fill(1));
      session.write('y', new Float32Array(64));
      const steps = Array.from({ length: 64 }, (_, i) => i + 1);
      const room = steps.map((step) => session.runAndQueue('step', { step }, ['total']));
      expect(room.indexOf(false)).toBe(63);
      expect(() => session.runAndQueue('step', { step: 65 })).toThrow('drain more often');
      const first = session.drain();
      // Runs submitted while the first drain is under way go to the other staging buffer.
      session.runAndQueue('step', { step: 65 });
      const second = session.drain();
      expect(() => session.runAndQueue('step', { step: 66 })).toThrow('await the first');
      const results = [...(await first), ...(await second)];
      const totals = [...steps, 65].map((step) => 64 * ((step * (step + 1)) / 8));
      expect(results.map((one) => one.variables['step'])).toEqual([...steps, 65]);
      expect(results.map((one) => one.values['total']?.[0])).toEqual(totals);
      expect(await session.drain()).toEqual([]);
    });
  });

  it('allocates what was planned, exactly', async () => {
    const program = axpyProgram(1000);
    await withSession(program, async (session) => {
      expect(session.allocatedBytes).toBe(program.buffers.reduce((sum, decl) => sum + decl.bytes, 0));
      session.write('x', ramp(1000, 1));
      session.run('step', { step: 1 });
      await session.idle();
      expect(session.allocatedBytes).toBe(256 * 3 + 4 * 4096);
    });
  });

  it('shows each step before and after it ran', async () => {
    await withSession(axpyProgram(8), async (session) => {
      session.write('x', new Float32Array(8).fill(2));
      session.write('y', new Float32Array(8).fill(1));
      const seen: [string, number, number][] = [];
      let before = 0;
      const first = (bytes: Uint8Array<ArrayBuffer>): number => new Float32Array(bytes.buffer)[0] ?? NaN;
      await session.observe(
        'step',
        { step: 4 },
        {
          before: async (view) => {
            before = first(await view.read(1));
          },
          after: async (view) => {
            seen.push([view.step.label, before, first(await view.read(1))]);
          },
        },
      );
      expect(seen).toEqual([
        ['axpy y', 1, 3],
        ['sum y', 0, 24],
      ]);
    });
  });

  it('times each step', async () => {
    await withSession(axpyProgram(64), async (session) => {
      session.write('x', ramp(64, 1));
      const times = await session.profile('step', { step: 1 });
      expect(times.map(({ label, shader, flops, bytes }) => ({ label, shader, flops, bytes }))).toEqual([
        { label: 'axpy y', shader: 'axpy', flops: 128, bytes: 512 },
        { label: 'sum y', shader: 'sum', flops: 64, bytes: 260 },
      ]);
      expect(times.every((one) => one.milliseconds > 0)).toBe(true);
    });
  });

  it.each<[string, (session: Session) => unknown, string]>([
    ['unknown entry', (s) => s.run('train'), 'no entry train'],
    ['unknown tensor', (s) => s.write('z', new Float32Array(8)), 'no tensor z'],
    ['wrong length', (s) => s.write('x', new Float32Array(7)), 'has 8 elements, not 7'],
    ['wrong type', (s) => s.write('x', new Int32Array(8)), 'holds f32'],
    ['write past the end', (s) => s.writeBytes('x', 16, new Uint8Array(32)), 'ends at byte 48 of 32'],
    ['half a word', (s) => s.writeBytes('x', 2, new Uint8Array(4)), 'whole 4-byte words'],
    ['input never written', (s) => s.run('step', { step: 1 }), 'x of step was never written'],
    ['variable without a value', (s) => (s.write('x', new Float32Array(8)), s.run('step', {})), 'step has no value'],
    ['unknown output', (s) => s.runAndQueue('count', {}, ['loss']), 'no tensor or output loss'],
    ['after close', (s) => (s.close(), s.run('count')), 'closed'],
  ])('answers misuse by words: %s', async (_name, act, words) => {
    await withSession(axpyProgram(8), (session) => {
      expect(() => act(session)).toThrow(words);
      return Promise.resolve();
    });
    device.check();
  });

  it.each<[string, (program: Program) => Program, string]>([
    [
      'a shader that does not compile',
      (p) => ({ ...p, shaders: p.shaders.map((s) => ({ ...s, code: s.code.replace('sum += y[i]', 'sum += z[i]') })) }),
      "shader sum: 7:43 unresolved value 'z'",
    ],
    [
      'a shader with other bindings than declared',
      (p) => ({ ...p, shaders: p.shaders.map((s) => ({ ...s, access: ['read', 'read'] as const })) }),
      'shader axpy: ',
    ],
    [
      'a binding outside its buffer',
      (p) => mapSteps(p, (s) => ({ ...s, bindings: s.bindings.map((b) => ({ ...b, offset: b.offset + 2 ** 20 })) })),
      'preparing the steps: ',
    ],
    [
      'too few bindings',
      (p) => mapSteps(p, (s) => ({ ...s, bindings: s.bindings.slice(1) })),
      'step axpy y binds 1 buffers, its shader has 2',
    ],
    [
      'a buffer beyond the device',
      (p) => ({ ...p, buffers: p.buffers.map((b) => ({ ...b, bytes: 2 ** 43 })) }),
      'does not fit this device',
    ],
    [
      'too many workgroups',
      (p) => mapSteps(p, (s) => (s.label === 'sum y' ? { ...s, workgroups: [2 ** 20, 1, 1] } : s)),
      'step sum y of step: ',
    ],
    [
      'one buffer read and written by one step',
      (p) => mapSteps(p, (s) => ({ ...s, bindings: s.bindings.map((b) => ({ ...b, buffer: 3 })) })),
      'step axpy y of step: ',
    ],
    ['a Program of another version', (p) => ({ ...p, format: 'other' as 'peft-program' }), 'not a Program'],
    [
      'no uniforms buffer',
      (p) => ({ ...p, buffers: p.buffers.map((b) => (b.kind === 'uniforms' ? { ...b, kind: 'constants' as const } : b)) }),
      'declares no uniforms buffer',
    ],
  ])('refuses %s and leaves the device usable', async (_name, change, words) => {
    await expect(openSession(device, change(axpyProgram(8)))).rejects.toThrow(words);
    await withSession(axpyProgram(8), async (session) => {
      session.write('x', new Float32Array(8).fill(1));
      session.write('y', new Float32Array(8));
      session.run('step', { step: 4 });
      expect([...(await session.read('total'))]).toEqual([8]);
    });
  });

  it('says that the device was lost, to everyone who waits', async () => {
    const other = await openDevice();
    const session = await openSession(other, axpyProgram(8));
    session.write('x', new Float32Array(8));
    session.runAndQueue('step', { step: 1 });
    other.gpu.destroy();
    await expect(session.drain()).rejects.toMatchObject({ kind: 'lost' });
    await expect(session.read('y')).rejects.toMatchObject({ kind: 'lost' });
    expect(() => session.run('step', { step: 1 })).toThrow('lost');
    session.close();
    other.close();
  });

  it('throws an error that nobody awaited at the next call, and from then on', async () => {
    const other = await openDevice();
    try {
      const session = await openSession(other, axpyProgram(8));
      session.write('x', new Float32Array(8));
      session.run('step', { step: 1 });
      other.gpu.createBuffer({ label: 'nonsense', size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
      await expect(session.read('total')).rejects.toThrow('nonsense');
      expect(() => session.run('step', { step: 1 })).toThrow('nonsense');
      await expect(session.drain()).rejects.toThrow('nonsense');
      session.close();
    } finally {
      other.close();
    }
  });
});

function mapSteps(
  program: Program,
  change: (step: Program['entries'][number]['steps'][number]) => Program['entries'][number]['steps'][number],
): Program {
  return { ...program, entries: program.entries.map((entry) => ({ ...entry, steps: entry.steps.map(change) })) };
}
