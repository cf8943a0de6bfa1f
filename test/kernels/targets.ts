/**
 * @file The devices that kernel tests assume: the smallest limits that WebGPU guarantees.
 */
import type { Target } from '../../compiler/plan/program.js';

/** A software adapter. */
export const softwareTarget: Target = {
  kind: 'software',
  subgroup: 0,
  f16: false,
  maxBindingBytes: 2 ** 27,
  maxBufferBytes: 2 ** 28,
  maxStorageBuffers: 8,
  maxWorkgroupThreads: 256,
  maxWorkgroupBytes: 16384,
};

/** A GPU. */
export const gpuTarget: Target = { ...softwareTarget, kind: 'gpu', subgroup: 32 };
