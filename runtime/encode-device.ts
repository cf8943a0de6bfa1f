/**
 * @file Weights into fewer bits on the device, some blocks at a time, where its numbers are the host's. The buffers for it are there while weights
 * are loaded only, and are not part of the plan: 4 MiB of a weight, and what is made of it.
 */
import type { Program } from '../compiler/plan/program.js';
import type { Device } from './device.js';
import { openSession, type Session } from './execute.js';
import { initialise, type Codec, type EncodedParts } from './init.js';

/** Encodes on a device. */
export interface DeviceEncoder {
  /** The parts of a weight; undefined where the host must make them. */
  readonly encode: (codec: Codec, weight: string, values: Float32Array) => Promise<EncodedParts | undefined>;
  readonly close: () => void;
}

/** Numbers as small as this are left to the host: devices may take what they make of them for zero. */
const smallest = 2 ** -100;
const largest = 2 ** 100;

/** Opens an encoder on a device. */
export function openEncoder(device: Device): DeviceEncoder {
  const sessions = new Map<string, Session>();
  let divides: boolean | undefined;
  return {
    encode: async (codec, weight, values) => {
      const encoding = codec.onDevice(weight, device.describe().target);
      if (encoding === undefined) return undefined;
      if (values.some((v) => v !== 0 && !(Math.abs(v) > smallest && Math.abs(v) < largest))) return undefined;
      if (encoding.divides) divides ??= await dividesExactly(device);
      if (encoding.divides && divides === false) return undefined;
      let session = sessions.get(encoding.like);
      if (session === undefined) {
        session = await openSession(device, encoding.program);
        sessions.set(encoding.like, session);
        await initialise(session, { seed: 0 });
      }
      const outputs = new Map(encoding.outputs.map((o) => [o.name, new Float64Array(o.perBlock * encoding.blocks)] as const));
      const chunk = new Float32Array(encoding.elements);
      for (let block = 0; block < encoding.blocks; block += encoding.perRun) {
        const part = values.subarray((block / encoding.perRun) * encoding.elements, (block / encoding.perRun + 1) * encoding.elements);
        // What the weight does not reach is zero.
        chunk.fill(0).set(part);
        session.write('encode/x', chunk);
        session.run('encode');
        const blocks = Math.min(encoding.perRun, encoding.blocks - block);
        for (const { name, perBlock } of encoding.outputs)
          outputs.get(name)?.set((await session.read(name, 'encode')).subarray(0, blocks * perBlock), block * perBlock);
      }
      return encoding.finish(outputs);
    },
    close: () => {
      for (const session of sessions.values()) session.close();
      sessions.clear();
    },
  };
}

/** Whether a device rounds quotients to nearest: WGSL grants it 2.5 units in the last place. */
async function dividesExactly(device: Device): Promise<boolean> {
  const count = 2 ** 16;
  const code = `@group(0) @binding(0) var<uniform> u: vec4<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.x) { return; }
  x[id.x] = x[id.x + u.x] / x[id.x + 2u * u.x];
}`;
  const uniforms = new Uint32Array(64);
  uniforms[0] = count;
  const bytes = 3 * count * 4;
  const program: Program = {
    format: 'peft-program',
    version: 1,
    target: device.describe().target,
    buffers: [
      { name: 'quotients', kind: 'batch', bytes },
      { name: 'uniforms', kind: 'uniforms', bytes: 256 },
    ],
    tensors: [{ name: 'x', dtype: 'f32', shape: [3 * count], buffer: 0, offset: 0, bytes, source: { kind: 'host' } }],
    shaders: [{ label: 'quotients', code, scalars: false, access: ['read_write'] }],
    entries: [
      {
        name: 'divide',
        inputs: ['x'],
        scalars: [],
        steps: [
          {
            label: 'quotients',
            shader: 0,
            bindings: [{ buffer: 0, offset: 0, bytes }],
            uniforms: { offset: 0, bytes: 16 },
            workgroups: [count / 64, 1, 1],
            flops: count,
          },
        ],
        outputs: [],
      },
    ],
    uniforms: Buffer.from(uniforms.buffer).toString('base64'),
  };
  const session = await openSession(device, program);
  try {
    const x = new Float32Array(3 * count);
    for (let i = 0; i < count; i += 1) {
      // Half of them reciprocals, of every mantissa; the others of two.
      x[count + i] = i % 2 === 0 ? 1 : 1 + ((i * 40503) % 65536) / 65536;
      x[2 * count + i] = (1 + ((i * 2654435) % 8388608) / 8388608) * 2 ** ((i % 40) - 20);
    }
    session.write('x', x);
    session.run('divide');
    const found = await session.read('x');
    for (let i = 0; i < count; i += 1) if (found[i] !== Math.fround((x[count + i] as number) / (x[2 * count + i] as number))) return false;
    return true;
  } finally {
    session.close();
  }
}
