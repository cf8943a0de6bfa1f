/**
 * @file Scatter-add: a thread for each element of the table looks through the ids, or along the chain
 * of its row where there is one, or halves ids that ascend. Deterministic, without atomics.
 */
import type { ScatterAdd } from '../kernels/kernel.js';
import type { Target } from '../plan/program.js';
import { closeModule, grid, loaded, openModule, scalars, storeLines, word, type Emitted, type HostSlots } from './expression.js';

const threads = 64;

/** The shader of a scatter-add. */
export function emitScatter(kernel: ScatterAdd, _target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  const [rows, width] = kernel.axes as readonly [number, number];
  const workgroups = grid(Math.ceil((rows * width) / threads));
  const m = openModule(kernel, hosts);
  const place = { index: ['row', 'column'], accumulator: 'sum' };
  const bound = word(m, rows * width);
  const across = word(m, width);
  const ascending = `var low = 0u;
  var high = ${word(m, kernel.count)};
  while (low < high) {
    let middle = (low + high) / 2u;
    if (t${kernel.ids}[middle] < i32(row)) { low = middle + 1u; } else { high = middle; }
  }
  for (var i = low; i < ${word(m, kernel.count)} && t${kernel.ids}[i] == i32(row); i += 1u) { sum += ${loaded(kernel, kernel.values, `i * ${across} + column`)}; }`;
  const walk = kernel.sorted
    ? ascending
    : kernel.lists === undefined
      ? `for (var i = 0u; i < ${word(m, kernel.count)}; i += 1u) {
    if (t${kernel.ids}[i] == i32(row)) { sum += ${loaded(kernel, kernel.values, `i * ${across} + column`)}; }
  }`
      : `for (var i = t${kernel.lists.head}[row]; i >= 0i; i = t${kernel.lists.next}[i]) { sum += ${loaded(kernel, kernel.values, `u32(i) * ${across} + column`)}; }`;
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
  let row = id / ${across};
  let column = id % ${across};
  var sum = 0.0;
  ${walk}
  ${[...lines, ...stores].join('\n  ')}
}`;
  return { ...closeModule(m, access, { main }), workgroups };
}
