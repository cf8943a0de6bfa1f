/**
 * @file Small Programs written by hand for the tests of runtime/execute: the whole form of a Program without the compiler.
 */
import type { Entry, Program, Shader } from '../../compiler/plan/program.js';
import { softwareTarget } from '../kernels/targets.js';

/** y = a * x + y over `n` elements; `a` is a scalar of the host, the length comes from the uniform block. */
export const axpyShader: Shader = {
  label: 'axpy',
  scalars: true,
  access: ['read', 'read_write'],
  code: `
@group(0) @binding(0) var<uniform> u: vec4<u32>;
@group(0) @binding(1) var<uniform> s: array<vec4<f32>, 16>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.x) { return; }
  y[id.x] = s[0].x * x[id.x] + y[id.x];
}`,
};

/** total[0] = sum of y, in one thread. */
export const sumShader: Shader = {
  label: 'sum',
  scalars: false,
  access: ['read', 'read_write'],
  code: `
@group(0) @binding(0) var<uniform> u: vec4<u32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;
@compute @workgroup_size(1) fn main() {
  var sum = 0.0;
  for (var i = 0u; i < u.x; i++) { sum += y[i]; }
  total[0] = sum;
}`,
};

/** counts[i] += ids[i], integers, to show that i32 tensors pass unchanged. */
export const countShader: Shader = {
  label: 'count',
  scalars: false,
  access: ['read', 'read_write'],
  code: `
@group(0) @binding(0) var<uniform> u: vec4<u32>;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> counts: array<i32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < u.x) { counts[id.x] += ids[id.x]; }
}`,
};

const align = (bytes: number): number => Math.ceil(bytes / 256) * 256;

/** A Program of two entries over tensors x, y [n] and ids, counts [n]: `step` runs axpy then sum, `count` adds ids to counts. */
export function axpyProgram(n: number): Program {
  const bytes = n * 4;
  const room = align(bytes);
  const groups = Math.ceil(n / 64);
  const x = { buffer: 2, offset: 0, bytes };
  const y = { buffer: 3, offset: 0, bytes };
  const ids = { buffer: 2, offset: room, bytes };
  const counts = { buffer: 3, offset: room, bytes };
  const total = { buffer: 4, offset: 0, bytes: 4 };
  const uniforms = { offset: 0, bytes: 16 };
  const step: Entry = {
    name: 'step',
    inputs: ['x'],
    scalars: [{ offset: 0, dtype: 'f32', expr: { op: 'div', args: [{ var: 'step' }, 4] } }],
    steps: [
      { label: 'axpy y', shader: 0, bindings: [x, y], uniforms, workgroups: [groups, 1, 1], flops: 2 * n },
      { label: 'sum y', shader: 1, bindings: [y, total], uniforms, workgroups: [1, 1, 1], flops: n },
    ],
    outputs: [{ name: 'total', dtype: 'f32', shape: [], ...total }],
  };
  const count: Entry = {
    name: 'count',
    inputs: ['ids'],
    scalars: [],
    steps: [{ label: 'count ids', shader: 2, bindings: [ids, counts], uniforms, workgroups: [groups, 1, 1], flops: n }],
    outputs: [{ name: 'counts', dtype: 'i32', shape: [n], ...counts }],
  };
  const words = new Uint8Array(new Uint32Array([n, 0, 0, 0]).buffer);
  return {
    format: 'peft-program',
    version: 1,
    target: softwareTarget,
    buffers: [
      { name: 'uniforms', kind: 'uniforms', bytes: 256 },
      { name: 'scalars', kind: 'scalars', bytes: 256 },
      { name: 'batch', kind: 'batch', bytes: 2 * room },
      { name: 'adapter', kind: 'adapter', bytes: 2 * room },
      { name: 'results', kind: 'results', bytes: 256 },
    ],
    tensors: [
      { name: 'x', dtype: 'f32', shape: [n], ...x, source: { kind: 'host' } },
      { name: 'y', dtype: 'f32', shape: [n], ...y, source: { kind: 'init', init: { kind: 'normal', mean: 0, std: 1 } } },
      { name: 'ids', dtype: 'i32', shape: [n], ...ids, source: { kind: 'host' } },
      { name: 'counts', dtype: 'i32', shape: [n], ...counts, source: { kind: 'zeros' } },
    ],
    shaders: [axpyShader, sumShader, countShader],
    entries: [step, count],
    uniforms: Buffer.from(words).toString('base64'),
  };
}
