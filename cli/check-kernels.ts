/**
 * @file PEFT_CHECK=1: before training starts, every kernel of every entry runs once on the first batch and is computed again on
 * the processor, from the bytes that its arrays held before. The first one that differs by more than f32 arithmetic explains ends the run.
 *
 * The bound on an element follows from the kernel itself: its ops, and how many terms it adds up (compiler/kernels/rounding).
 */
import { boundKernel } from '../compiler/kernels/interpret.js';
import type { Arg, Kernel } from '../compiler/kernels/kernel.js';
import { fromHalf } from '../compiler/ops/bits.js';
import { worstDeviation, type Deviation } from '../compiler/kernels/rounding.js';
import type { ScalarExpr } from '../compiler/plan/program.js';
import type { Session } from '../runtime/execute.js';
import { evaluateScalar, type Variables } from '../runtime/scalars.js';

/** A kernel whose device result is wrong. */
export interface WrongKernel extends Deviation {
  readonly entry: string;
  readonly step: number;
  readonly label: string;
  /** Number of the array in the kernel. */
  readonly array: number;
}

/** How a check went: the first wrong kernel, or how many were right and the largest error as a share of what is allowed. */
export type CheckResult = { readonly wrong: WrongKernel } | { readonly kernels: number; readonly worst: number };

/** Bytes as the numbers they hold. */
function numbers(bytes: Uint8Array<ArrayBuffer>, { dtype, storage, elements }: Arg): Float64Array {
  if (storage === 'f16') return Float64Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, elements), fromHalf);
  return Float64Array.from(
    dtype === 'f32' ? new Float32Array(bytes.buffer, bytes.byteOffset, elements) : new Int32Array(bytes.buffer, bytes.byteOffset, elements),
  );
}

/** The kernels of an entry, one for each step, and the numbers of the host that they use. */
export interface WatchedEntry {
  readonly kernels: readonly Kernel[];
  readonly hosts: ReadonlyMap<string, ScalarExpr>;
}

/** The host's numbers that a kernel uses, as the device reads them. */
function hostNumbers(kernel: Kernel, hosts: ReadonlyMap<string, ScalarExpr>, variables: Variables): Map<string, number> {
  return new Map(
    kernel.body.flatMap((s) => {
      const expr = s.kind === 'host' ? hosts.get(s.name) : undefined;
      if (s.kind !== 'host' || expr === undefined) return [];
      const value = evaluateScalar(expr, variables);
      return [[s.name, s.dtype === 'f32' ? Math.fround(value) : Number(BigInt.asIntN(32, BigInt(Math.floor(value))))] as const];
    }),
  );
}

/** Runs one entry of a session step by step and checks each against its kernel, up to the first that is wrong. */
export async function checkEntry(
  session: Session,
  entry: string,
  { kernels, hosts }: WatchedEntry,
  variables: Variables,
): Promise<CheckResult> {
  let before: Float64Array[] = [];
  let worst = 0;
  let wrong: WrongKernel | undefined;
  await session.observe(entry, variables, {
    before: async ({ index, read }) => {
      const kernel = kernels[index];
      before = [];
      if (kernel === undefined || wrong !== undefined) return;
      for (const [a, arg] of kernel.args.entries())
        before.push(arg.access === 'write' ? new Float64Array(arg.elements) : numbers(await read(a), arg));
    },
    after: async ({ index, step, read }) => {
      const kernel = kernels[index];
      if (kernel === undefined || wrong !== undefined) return;
      const wanted = boundKernel(
        kernel,
        before.map((value) => ({ value, error: new Float64Array(value.length) })),
        hostNumbers(kernel, hosts, variables),
      );
      for (const [array, arg] of kernel.args.entries()) {
        if (arg.access === 'read') continue;
        const expected = wanted[array];
        const found = numbers(await read(array), arg);
        const deviation = expected && worstDeviation(found, expected);
        worst = Math.max(worst, deviation?.excess ?? 0);
        if (deviation !== undefined && deviation.excess > 1) wrong = { ...deviation, entry, step: index, label: step.label, array };
      }
    },
  });
  return wrong === undefined ? { kernels: kernels.length, worst } : { wrong };
}

/** A wrong kernel in words. */
export function showWrong({ entry, step, label, array, element, found, expected, bound }: WrongKernel): string {
  return `kernel ${step} of ${entry} (${label}) computes element ${element} of array ${array} as ${found}, not ${expected}; rounding explains ${bound.toPrecision(2)}`;
}
