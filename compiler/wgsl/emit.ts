/**
 * @file The shader of any kernel.
 */
import type { Kernel } from '../kernels/kernel.js';
import type { Target } from '../plan/program.js';
import type { Emitted, HostSlots } from './expression.js';
import { emitMatmul } from './matmul.js';
import { emitPointwise } from './pointwise.js';
import { emitRowReduce } from './row-reduce.js';
import { emitScatter } from './scatter.js';

/** The shader of a kernel; `access` says how each of its args is bound. */
export function emitKernel(kernel: Kernel, target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  switch (kernel.kind) {
    case 'pointwise':
      return emitPointwise(kernel, target, access, hosts);
    case 'row-reduce':
      return emitRowReduce(kernel, target, access, hosts);
    case 'matmul':
      return emitMatmul(kernel, target, access, hosts);
    case 'scatter-add':
      return emitScatter(kernel, target, access, hosts);
    default:
      return kernel satisfies never;
  }
}
