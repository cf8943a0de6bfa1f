/**
 * @file The matmul template against loops in f64: every loop (software lanes with and without subgroups, GPU tiles), every
 * orientation, ragged sizes, batches, sums of products and epilogues. Tolerance: what rounding allows for k additions in f32.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emitted } from '../../compiler/wgsl/expression.js';
import { emitMatmul } from '../../compiler/wgsl/matmul.js';
import type { Target } from '../../compiler/plan/program.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { expected, margin, marker, parseCase, type Case } from './matmul-cases.js';

/** Cases for each loop. A software adapter's compiler takes up to seconds for each new text, so cases share theirs: what makes
 * a text is the number of axes, terms and loads, and the layout where the loop depends on it. */
const plain = [
  '33x17x5 NN',
  '65x130x19 NN',
  '1x300x40 NN',
  '100x8x256 NN',
  '33x40x24 NN rank:3*-2 bias',
  '2x3 17x19x8 NT residual',
  '2x3 11x12x13 NT a* residual',
  '8x70x1030 TN accumulate',
];
/** More of them for the lanes: small and large shapes, either orientation, every layout. */
const lanes = [
  '1x1x1 NN',
  '1x1x7 NT',
  '3x2x1 TN',
  '33x17x5 TT',
  '16x2x128 NN',
  '2x16x128 NN',
  '3 20x9x7 NN',
  '3 40x33x12 NN b*',
  '4 9x10x11 NN a* b*',
  '2x3x2 5x6x9 TN',
  '2 20x36x16 TN rank:8*4 halved bias accumulate',
  '70x50x33 NN turned bias',
  '260x270x130 NN',
  '257x259x129 NT',
  '258x261x131 NT rank:5*0.25',
];
/** The large tile of a GPU. */
const tiles = ['640x650x17 NN'];

let device: Device;
let none: Device;
beforeAll(async () => {
  device = await openDevice();
  none = await openNullDevice();
});
afterAll(() => {
  device.close();
  none.close();
});

/** Every kind of target that can run on the device at hand, its cases, and the layouts for random sizes; the GPU's loop runs on
 * software adapters too. */
const targets: readonly (readonly [string, () => Target, readonly string[], readonly string[]])[] = [
  ['software with subgroups', () => ({ ...device.describe().target, kind: 'software' }), [...plain, ...lanes], ['NN', 'TN', 'NT residual']],
  ['software without subgroups', () => ({ ...device.describe().target, kind: 'software', subgroup: 0 }), plain, ['TN', 'NT residual']],
  ['gpu', () => ({ ...device.describe().target, kind: 'gpu' }), [...plain, ...tiles], ['NT residual']],
];

const pipelines = new Map<string, Promise<GPUComputePipeline>>();
function pipeline(code: string): Promise<GPUComputePipeline> {
  const known = pipelines.get(code);
  if (known !== undefined) return known;
  const compile = (on: Device): Promise<GPUComputePipeline> =>
    on.guarded('matmul', () =>
      on.gpu.createComputePipelineAsync({ layout: 'auto', compute: { module: on.gpu.createShaderModule({ code }), entryPoint: 'main' } }),
    );
  const made = compile(none).then(() => compile(device));
  pipelines.set(code, made);
  return made;
}

async function run({ kernel, data, output }: Case, shader: Emitted): Promise<Float32Array> {
  const { gpu } = device;
  const buffers: GPUBuffer[] = [];
  const filled = (content: ArrayBufferView<ArrayBuffer>, usage: number): GPUBuffer => {
    const buffer = gpu.createBuffer({ size: content.byteLength, usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
    gpu.queue.writeBuffer(buffer, 0, content);
    buffers.push(buffer);
    return buffer;
  };
  const made = await pipeline(shader.code);
  return device.guarded(kernel.label, async () => {
    const uniforms = filled(new Uint32Array(shader.uniforms), GPUBufferUsage.UNIFORM);
    const storage = data.map((content) => filled(content, GPUBufferUsage.STORAGE));
    const group = gpu.createBindGroup({
      layout: made.getBindGroupLayout(0),
      entries: [uniforms, ...storage].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const result = storage[output] as GPUBuffer;
    const reader = gpu.createBuffer({ size: result.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    buffers.push(reader);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(made);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(shader.workgroups[0], shader.workgroups[1], shader.workgroups[2]);
    pass.end();
    encoder.copyBufferToBuffer(result, 0, reader, 0, result.size);
    gpu.queue.submit([encoder.finish()]);
    await reader.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(reader.getMappedRange().slice(0));
    for (const buffer of buffers) buffer.destroy();
    return values;
  });
}

/** Largest error as a share of what the length of the sum allows. NaN counts as infinite. */
function excess(found: Float32Array, one: Case, forget = false): number {
  const { values, magnitudes } = expected(one, forget);
  const roundings = one.kernel.terms.reduce((sum, term) => sum + term.k, 0) + one.kernel.body.length + 4;
  let worst = 0;
  for (let i = margin; i < values.length - margin; i += 1) {
    const error = Math.abs((found[i] as number) - (values[i] as number)) / ((magnitudes[i] as number) * roundings * 2 ** -24);
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

async function check(text: string, target: Target): Promise<void> {
  const one = parseCase(text);
  const access = one.kernel.args.map((arg) => (arg.access === 'read' ? 'read' : 'read_write'));
  const found = await run(one, emitMatmul(one.kernel, target, access));
  expect(excess(found, one), text).toBeLessThan(1);
  // Negative control: the sum without its last step is told apart.
  expect(excess(found, one, true), `${text}, one step forgotten`).toBeGreaterThan(1);
  expect(
    [...found.subarray(0, margin), ...found.subarray(found.length - margin)].every((x) => x === marker),
    `${text}: writes beside the output`,
  ).toBe(true);
}

describe.each(targets)('matmul on %s', (_, target, cases, layouts) => {
  it.each(cases)('%s', (text) => check(text, target()));

  it('any size and layout', async () => {
    const size = fc.integer({ min: 1, max: 70 });
    const few = fc.integer({ min: 2, max: 3 });
    const text = fc
      .tuple(few, few, size, size, size, fc.constantFrom(...layouts), fc.constantFrom('', ' a*', ' b*'))
      .map(([b, c, m, n, k, layout, shared]) => `${b}x${c} ${m}x${n}x${k} ${layout}${shared}`);
    await fc.assert(
      fc.asyncProperty(text, (one) => check(one, target())),
      { seed: 20240611, numRuns: 12 },
    );
  });
});

describe('the text of a product', () => {
  it.each(targets)('depends on structure, not on sizes: %s', (_, target) => {
    const text = (one: string): string => {
      const { kernel } = parseCase(one);
      return emitMatmul(
        kernel,
        target(),
        kernel.args.map((arg) => (arg.access === 'read' ? 'read' : 'read_write')),
      ).code;
    };
    expect(text('64x32x16 NN bias')).toBe(text('63x31x15 NN bias'));
    expect(text('64x32x16 NN bias')).not.toBe(text('64x32x16 NN'));
  });
});
