/**
 * @file Pointwise kernels: one thread for each index of the axes.
 */
import type { Pointwise } from '../kernels/kernel.js';
import type { Target } from '../plan/program.js';
import { collapse } from './collapse.js';
import { closeModule, grid, openModule, scalars, split, storeLines, word, type Emitted, type HostSlots } from './expression.js';

/** Threads of a workgroup. */
const threads = 64;

/** The shader of a pointwise kernel. */
export function emitPointwise(source: Pointwise, _target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  const kernel = collapse(source, 0);
  const total = kernel.axes.reduce((a, b) => a * b, 1);
  const workgroups = grid(Math.ceil(total / threads));
  const m = openModule(kernel, hosts);
  const bound = word(m, total);
  const place = split(m, 'id', kernel.axes, 'i');
  const { lines, name } = scalars(
    m,
    kernel.stores.map((s) => s.value),
    place,
  );
  const stores = storeLines(m, kernel.stores, place, name);
  const main = `@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let id = (group.x + group.y * groups.x) * ${threads}u + lane;
  if (id >= ${bound}) { return; }
  ${[...place.lines, ...lines, ...stores].join('\n  ')}
}`;
  return { ...closeModule(m, access, { main }), workgroups };
}
