/**
 * @file What an experiment costs against what it may cost: planned bytes and trained parameters against the `budget` section.
 */
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { showBytes } from '../elaborate/value.js';
import type { BufferKind, Program } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import type { Layout } from './layout.js';

/** Planned bytes of each kind, kinds without any left out. */
export function bytesByKind(program: Program): Map<BufferKind, number> {
  const bytes = new Map<BufferKind, number>();
  for (const buffer of program.buffers) bytes.set(buffer.kind, (bytes.get(buffer.kind) ?? 0) + buffer.bytes);
  return bytes;
}

/** Planned bytes of all buffers: what the runtime allocates, exactly. */
export const plannedBytes = (program: Program): number => program.buffers.reduce((sum, b) => sum + b.bytes, 0);

/** Number of trained parameters. */
export const trainedParameters = (layout: Layout): number => layout.trainables.reduce((sum, t) => sum + t.elements, 0);

/** Parameters of the base and the adapters together. */
export const allParameters = (layout: Layout): number => layout.baseElements + layout.adapterElements;

/** What exceeds the budget. */
export function checkBudget(resolved: Resolved, layout: Layout, program: Program | undefined): Diagnostic[] {
  const { budget } = resolved.spec;
  const found: Diagnostic[] = [];
  const at = (field: string): Span => {
    const origin = resolved.spec.origins[`budget.${field}`];
    return origin?.kind === 'written' ? origin.span : resolved.task.definition.span;
  };
  const trained = trainedParameters(layout);
  if (budget.trainable !== null) {
    const limit = 'count' in budget.trainable ? budget.trainable.count : budget.trainable.share * allParameters(layout);
    if (trained > limit) {
      const share = ((100 * trained) / allParameters(layout)).toFixed(2);
      const allowed =
        'count' in budget.trainable ? budget.trainable.count.toLocaleString('en') : `${Number((100 * budget.trainable.share).toFixed(4))}%`;
      found.push({
        code: 'PEFT0702',
        severity: 'error',
        span: at('trainable'),
        message: `${trained.toLocaleString('en')} of ${allParameters(layout).toLocaleString('en')} parameters are trained (${share}%), but the budget is ${allowed}`,
        help: 'lower the rank, adapt fewer modules, or raise the budget',
      });
    }
  }
  if (program !== undefined && budget.gpu_memory !== null) {
    const bytes = plannedBytes(program);
    if (bytes > budget.gpu_memory) {
      const largest = [...bytesByKind(program)].sort((a, b) => b[1] - a[1])[0];
      found.push({
        code: 'PEFT0701',
        severity: 'error',
        span: at('gpu_memory'),
        message: `the plan needs ${showBytes(bytes)} (${bytes.toLocaleString('en')} bytes), but the budget is ${showBytes(budget.gpu_memory)}`,
        ...(largest === undefined ? {} : { notes: [{ message: `${showBytes(largest[1])} of it are ${largest[0]}` }] }),
        help: 'lower tune.batch or data.max_length, or raise the budget',
      });
    }
  }
  return found;
}
