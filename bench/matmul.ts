/**
 * @file The matmul template beside the kernel everyone writes first, one thread an output, in one process: both run in turns on
 * the same buffers, and the best of several runs of each counts. `PEFT_DEVICE=npm` measures SwiftShader.
 *
 * A software adapter runs in this process, so its time is the processor time of the process shared by the cores: what the wall
 * clock says of an otherwise idle machine, and hardly changed by what else runs. A graphics card is timed by the wall clock.
 */
import type { Matmul, View } from '../compiler/kernels/kernel.js';
import type { Emitted } from '../compiler/wgsl/expression.js';
import { emitMatmul } from '../compiler/wgsl/matmul.js';
import { openDevice, type Device } from '../runtime/device.js';
import { adapterSlug, circumstances, clockName, printTable, round, stopwatch, writeResults, type Benchmark } from './report.js';

/** One product: batch, m, n, k, the layouts of both operands, and the rank of a low-rank term, 0 where there is none. */
interface Size {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly layout: 'NN' | 'NT' | 'TN';
  readonly rank: number;
  /** Why it is in the list. */
  readonly role: string;
}

const layouts = ['NN', 'NT', 'TN'] as const;
const all = (role: string, m: number, n: number, k: number, batch = 1): Size[] =>
  layouts.map((layout) => ({ batch, m, n, k, layout, rank: 0, role }));
const one = (role: string, m: number, n: number, k: number, layout: Size['layout'], rank = 0, batch = 1): Size => ({
  batch,
  m,
  n,
  k,
  layout,
  rank,
  role,
});

const sizes: readonly Size[] = [
  ...all('large', 512, 512, 512),
  ...all('layer', 1024, 256, 256),
  ...all('layer', 768, 64, 64),
  ...all('layer', 384, 1024, 256),
  one('layer', 1024, 256, 1024, 'NT', 8),
  one('layer', 1024, 1024, 256, 'NT', 8),
  one('layer', 768, 256, 256, 'NN', 8),
  one('low rank in', 1024, 8, 256, 'NT'),
  one('low rank out', 1024, 256, 8, 'NN'),
  one('low rank dA', 8, 256, 1024, 'TN'),
  one('low rank dB', 256, 8, 1024, 'TN'),
  ...[24, 48, 64].flatMap((t) => [
    one('attention scores', t, t, 64, 'NT', 0, 64),
    one('attention values', t, 64, t, 'NN', 0, 64),
    one('attention dV', t, 64, t, 'TN', 0, 64),
  ]),
];

function layoutOf(transposed: boolean, rows: number, columns: number, batch: number): View {
  return { offset: 0, strides: [...(batch > 1 ? [rows * columns] : []), ...(transposed ? [1, rows] : [columns, 1])] };
}

/** The product as a kernel: arguments are a, b (and those of the low-rank term), and the output last. */
function kernelOf({ batch, m, n, k, layout, rank }: Size): Matmul {
  const args: Matmul['args'][number][] = [];
  const add = (elements: number, access: 'read' | 'write'): number =>
    args.push({ ref: { kind: 'tensor', name: `t${args.length}` }, dtype: 'f32', elements, access }) - 1;
  const term = (steps: number, scale: number): Matmul['terms'][number] => ({
    a: { source: { kind: 'arg', arg: add(batch * m * steps, 'read') }, view: layoutOf(layout[0] === 'T', m, steps, batch) },
    b: { source: { kind: 'arg', arg: add(batch * steps * n, 'read') }, view: layoutOf(layout[1] === 'T', steps, n, batch) },
    k: steps,
    scale,
  });
  const terms = [...(rank > 0 ? [term(rank, 2)] : []), term(k, 1)];
  const out = add(batch * m * n, 'write');
  const axes = [...(batch > 1 ? [batch] : []), m, n];
  return {
    kind: 'matmul',
    label: 'product',
    axes,
    args,
    functions: [],
    body: [{ kind: 'accumulator' }],
    stores: [{ arg: out, view: layoutOf(false, m, n, batch), value: 0, accumulate: false }],
    terms,
    flops: 2 * batch * m * n * (k + rank),
  };
}

const arrayOf = ({ source }: Matmul['terms'][number]['a']): string => (source.kind === 'arg' ? `t${source.arg}` : 'no array');

/** One thread an output: two loads for each multiplication. Sizes stand outside the loop and indices are
 * carried along; other workgroups (64x1, 16x16, constants for sizes) are no faster on lavapipe. */
function naive(kernel: Matmul): Emitted {
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const batch = kernel.axes.length > 2 ? (kernel.axes[0] as number) : 1;
  const words: number[] = [];
  const word = (value: number): string => {
    const at = words.push(value) - 1;
    return `u.d[${at >> 2}].${'xyzw'[at & 3]}`;
  };
  const bounds = [`let rows = ${word(m)};`, `let columns = ${word(n)};`];
  const loops = kernel.terms.flatMap(({ a, b, k, scale }, t) => {
    const operand = (name: string, view: View, outer: number, inner: number, index: string): string[] => [
      `var ${name} = g.z * ${word(view.strides.length > 2 ? (view.strides[0] as number) : 0)} + ${index} * ${word(view.strides.at(outer) as number)};`,
      `let ${name}_step = ${word(view.strides.at(inner) as number)};`,
    ];
    return [
      ...operand(`a${t}`, a.view, -2, -1, 'g.y'),
      ...operand(`b${t}`, b.view, -1, -2, 'g.x'),
      `let steps${t} = ${word(k)};`,
      `for (var k = 0u; k < steps${t}; k += 1u) { sum += ${arrayOf(a)}[a${t}] * ${arrayOf(b)}[b${t}]; a${t} += a${t}_step; b${t} += b${t}_step; }`,
      ...(scale === 1 ? [] : [`sum *= ${scale}.0;`]),
    ];
  });
  const out = kernel.args.length - 1;
  const main = `@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) g: vec3<u32>) {
  ${bounds.join('\n  ')}
  if (g.x >= columns || g.y >= rows) { return; }
  var sum = 0.0;
  ${loops.join('\n  ')}
  t${out}[(g.z * rows + g.y) * columns + g.x] = sum;
}`;
  while (words.length % 4 !== 0) words.push(0);
  const code = [
    `struct U { d: array<vec4<u32>, ${words.length / 4}> }`,
    '@group(0) @binding(0) var<uniform> u: U;',
    ...kernel.args.map((_, i) => `@group(0) @binding(${i + 1}) var<storage, ${i === out ? 'read_write' : 'read'}> t${i}: array<f32>;`),
    main,
  ].join('\n');
  return { code, uniforms: new Uint32Array(words), scalars: false, workgroups: [Math.ceil(n / 8), Math.ceil(m / 8), batch] };
}

/** A shader on the device, ready to be timed. */
interface Ready {
  readonly time: (repeats: number) => Promise<number>;
  readonly result: () => Promise<Float32Array>;
  readonly firstMilliseconds: number;
}

async function prepare(device: Device, shader: Emitted, storage: readonly GPUBuffer[]): Promise<Ready> {
  const { gpu } = device;
  const uniforms = gpu.createBuffer({ size: shader.uniforms.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  gpu.queue.writeBuffer(uniforms, 0, new Uint32Array(shader.uniforms));
  const began = stopwatch(device);
  const pipeline = await gpu.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: gpu.createShaderModule({ code: shader.code }), entryPoint: 'main' },
  });
  const group = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [uniforms, ...storage].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const time = async (repeats: number): Promise<number> => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < repeats; i += 1) pass.dispatchWorkgroups(...shader.workgroups);
    pass.end();
    const clock = stopwatch(device);
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    return clock() / repeats;
  };
  const result = async (): Promise<Float32Array> => {
    const output = storage.at(-1) as GPUBuffer;
    const reader = gpu.createBuffer({ size: output.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(output, 0, reader, 0, output.size);
    gpu.queue.submit([encoder.finish()]);
    await reader.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(reader.getMappedRange().slice(0));
    reader.destroy();
    return values;
  };
  await time(1);
  return { time, result, firstMilliseconds: began() };
}

/** Rounds of both kernels in turn; the best of each counts. */
const rounds = 5;
/** A measurement lasts about this long, so that starting it does not count. */
const milliseconds = 40;

async function measure(device: Device, size: Size): Promise<Record<string, string | number>> {
  const kernel = kernelOf(size);
  const { gpu } = device;
  const storage = kernel.args.map((arg, i) => {
    const buffer = gpu.createBuffer({
      size: arg.elements * 4,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    let state = i + 1;
    const content = Float32Array.from({ length: arg.elements }, () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31);
    gpu.queue.writeBuffer(buffer, 0, content);
    return buffer;
  });
  const access = kernel.args.map((arg) => (arg.access === 'read' ? 'read' : 'read_write'));
  return device.guarded('a product', async () => {
    const simple = await prepare(device, naive(kernel), storage);
    const first = await simple.result();
    const template = await prepare(device, emitMatmul(kernel, device.describe().target, access), storage);
    const second = await template.result();
    const scale = first.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    if (first.some((x, i) => Math.abs(x - (second[i] as number)) > 1e-4 * scale)) throw new Error('the two kernels disagree');
    const repeats = async (ready: Ready): Promise<number> => Math.max(1, Math.ceil(milliseconds / Math.max(await ready.time(1), 0.05)));
    const [a, b] = [await repeats(simple), await repeats(template)];
    let [slow, fast] = [Infinity, Infinity];
    for (let turn = 0; turn < rounds; turn += 1) {
      slow = Math.min(slow, await simple.time(a));
      fast = Math.min(fast, await template.time(b));
    }
    for (const buffer of storage) buffer.destroy();
    const shape = `${size.batch > 1 ? `${size.batch} x ` : ''}${size.m}x${size.n}x${size.k}${size.rank > 0 ? ` + rank ${size.rank}` : ''}`;
    return {
      role: size.role,
      size: shape,
      layout: size.layout,
      naive: round(kernel.flops / slow / 1e6, 2),
      template: round(kernel.flops / fast / 1e6, 2),
      ratio: round(slow / fast, 1),
      first: round(template.firstMilliseconds, 0),
    };
  });
}

/** GFLOPS of the template and of the simple kernel. */
export const benchmark: Benchmark = {
  summary: 'the matmul template beside one thread an output: GFLOPS and ratio',
  run: async () => {
    const device = await openDevice();
    try {
      const rows: Record<string, string | number>[] = [];
      for (const size of sizes) {
        const row = await measure(device, size);
        rows.push(row);
        process.stderr.write(`${Object.values(row).join('  ')}\n`);
      }
      const head = ['role', 'size', 'layout', 'naive', 'template', 'ratio', 'first'];
      printTable(
        `GFLOPS on ${device.describe().name} by ${clockName(device)}; ratio: template to naive; first: pipeline and first run, ms`,
        head,
        rows.map((row) => head.map((column) => row[column] as string | number)),
      );
      writeResults(`matmul-${adapterSlug(device)}`, circumstances(device), {
        unit: 'GFLOPS, best of 5; first: milliseconds of pipeline and first dispatch',
        clock: clockName(device),
        rows,
      });
    } finally {
      device.close();
    }
  },
};
