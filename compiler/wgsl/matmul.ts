/**
 * @file Matmul: strided, batched sums of products with any scalar epilogue, of any size, as one dispatch.
 *
 * One template, a loop for each kind of device: `matmul-lanes` for software adapters (a subgroup's tile in registers, fewest
 * loads), `matmul-tiles` for GPUs (a register tile fed from workgroup memory). `matmul-module` holds what they share. No index
 * leaves its array: rows, columns and steps of k are clamped, and what lies outside adds zero and is not stored.
 */
import type { Matmul } from '../kernels/kernel.js';
import type { Target } from '../plan/program.js';
import type { Emitted, HostSlots } from './expression.js';
import { emitLanes } from './matmul-lanes.js';
import { emitTiles } from './matmul-tiles.js';

/** The shader of a matmul kernel. `access` says how each of `kernel.args` is bound. */
export function emitMatmul(
  kernel: Matmul,
  target: Target,
  access: readonly ('read' | 'read_write')[],
  hosts: HostSlots = new Map(),
): Emitted {
  switch (target.kind) {
    case 'software':
      return emitLanes(kernel, target, access, hosts);
    case 'gpu':
      // The subgroup-matrix loop (f16 operands, f32 accumulators) belongs here, before the register tile, once a target names one.
      return emitTiles(kernel, target, access, hosts);
  }
}
