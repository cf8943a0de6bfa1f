/**
 * @file A shader of a Program as a pipeline of a device. Layouts are explicit and shared: binding 0 is the step's uniform block,
 * binding 1 the scalars where the shader reads them, then its storage buffers in the order of `access`.
 */
import type { Shader } from '../compiler/plan/program.js';
import type { Device } from './device.js';
import { DeviceError } from './device-error.js';

/** A compiled shader with the layout that its bind groups follow. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

interface Layouts {
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

const layoutsOf = new WeakMap<Device, Map<string, Layouts>>();

/** The binding number of the first storage buffer of a shader. */
export function firstStorageBinding(shader: Pick<Shader, 'scalars'>): number {
  return shader.scalars ? 2 : 1;
}

/** Compiles one shader; rejects with the compiler's words, its label in front. */
export async function compileShader(device: Device, shader: Shader): Promise<Pipeline> {
  device.check();
  const { gpu } = device;
  gpu.pushErrorScope('validation');
  const layouts = layoutsFor(device, shader);
  const module = gpu.createShaderModule({ label: shader.label, code: shader.code });
  const [invalid, info] = await Promise.all([gpu.popErrorScope(), module.getCompilationInfo()]);
  const faults = info.messages.filter((one) => one.type === 'error');
  if (faults.length > 0)
    throw new DeviceError(
      'rejected',
      `shader ${shader.label}: ${faults.map((one) => `${one.lineNum}:${one.linePos} ${one.message}`).join('; ')}`,
    );
  if (invalid !== null) throw new DeviceError('rejected', `shader ${shader.label}: ${invalid.message}`);
  try {
    const pipeline = await gpu.createComputePipelineAsync({
      label: shader.label,
      layout: layouts.pipeline,
      compute: { module, entryPoint: 'main' },
    });
    return { pipeline, layout: layouts.group };
  } catch (error) {
    device.check();
    throw new DeviceError('rejected', `shader ${shader.label}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Compiles many shaders at once; equal code with equal bindings is compiled once. */
export async function compileShaders(device: Device, shaders: readonly Shader[]): Promise<readonly Pipeline[]> {
  const made = new Map<string, Promise<Pipeline>>();
  const settled = await Promise.allSettled(
    shaders.map((shader) => {
      const key = `${layoutKey(shader)}\n${shader.code}`;
      const pending = made.get(key) ?? compileShader(device, shader);
      made.set(key, pending);
      return pending;
    }),
  );
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

function layoutKey(shader: Pick<Shader, 'scalars' | 'access'>): string {
  return `${shader.scalars ? 's' : ''}:${shader.access.join(',')}`;
}

function layoutsFor(device: Device, shader: Shader): Layouts {
  const known = layoutsOf.get(device) ?? new Map<string, Layouts>();
  layoutsOf.set(device, known);
  const key = layoutKey(shader);
  const present = known.get(key);
  if (present !== undefined) return present;
  const types: GPUBufferBindingType[] = ['uniform'];
  if (shader.scalars) types.push('uniform');
  for (const access of shader.access) types.push(access === 'read' ? 'read-only-storage' : 'storage');
  const group = device.gpu.createBindGroupLayout({
    label: key,
    entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
  });
  const layouts = { group, pipeline: device.gpu.createPipelineLayout({ label: key, bindGroupLayouts: [group] }) };
  known.set(key, layouts);
  return layouts;
}
