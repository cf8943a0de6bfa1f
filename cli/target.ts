/**
 * @file The device that is planned for: the one this machine has, or a named kind with the limits WebGPU guarantees.
 */
import type { Target } from '../compiler/plan/program.js';

/** Limits that WebGPU guarantees everywhere, for planning without a device. */
const guaranteed = {
  maxBindingBytes: 128 * 2 ** 20,
  maxBufferBytes: 256 * 2 ** 20,
  maxStorageBuffers: 8,
  maxWorkgroupThreads: 256,
  maxWorkgroupBytes: 16 * 2 ** 10,
} as const;

/** The names `--target` takes. */
export const targetNames = ['device', 'gpu', 'software'] as const;

/** What to plan for, with a name for it; without a device on this machine the guaranteed limits of a GPU. */
export async function planningTarget(name: string): Promise<{ readonly target: Target; readonly name: string }> {
  if (name === 'gpu') return { target: { kind: 'gpu', subgroup: 32, f16: true, ...guaranteed }, name: 'any GPU' };
  if (name === 'software') return { target: { kind: 'software', subgroup: 0, f16: false, ...guaranteed }, name: 'any software adapter' };
  const { openDevice } = await import('../runtime/device.js');
  const { DeviceError } = await import('../runtime/device-error.js');
  try {
    const device = await openDevice();
    const { target, name: shown } = device.describe();
    device.close();
    return { target, name: shown };
  } catch (error) {
    if (error instanceof DeviceError && error.kind === 'unavailable') return planningTarget('gpu');
    throw error;
  }
}
