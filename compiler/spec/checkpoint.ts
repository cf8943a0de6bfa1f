/**
 * @file Binding of a model's tensors to those of a checkpoint, by name and shape, from the header alone.
 *
 * A tensor is looked for under its own names, and under each of them without its first step: checkpoints of a bare encoder
 * leave the wrapper's prefix out. What is not there may be newly made where the model says so; elsewhere it is an error.
 * Where there are no weights at all (`tensors` undefined: a new model, or a plan from `config.json` alone) every tensor is fresh,
 * and nothing is missing.
 */
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { allModules, type ModuleInstance } from '../elaborate/instance.js';
import { nearest } from '../elaborate/nearest.js';
import { showShape } from '../elaborate/tensors.js';
import type { BaseFacts, StoredFormat, TensorFacts } from './facts.js';

/** Where a tensor comes from: a tensor of the checkpoint, or new. */
export type Binding =
  | { readonly kind: 'checkpoint'; readonly key: string; readonly dtype: string; readonly quantized?: StoredFormat }
  | { readonly kind: 'fresh' };

const floating = ['F32', 'F16', 'BF16'];

/** Binds every tensor of the model; what is missing or has another shape is reported at `at`. */
export function bindCheckpoint(model: ModuleInstance, facts: BaseFacts, at: Span, diagnostics: Diagnostic[]): Map<string, Binding> {
  const bindings = new Map<string, Binding>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const unreadable: string[] = [];
  for (const module of allModules(model)) {
    for (const storage of module.storage) {
      const name = storage.keys[0] as string;
      const { tensors } = facts;
      if (tensors === undefined) {
        bindings.set(name, { kind: 'fresh' });
        continue;
      }
      const key = storage.keys.flatMap((k) => [k, k.slice(k.indexOf('.') + 1)]).find((k) => tensors.has(k));
      if (key === undefined) {
        if (module.fresh) bindings.set(name, { kind: 'fresh' });
        else missing.push(name);
        continue;
      }
      const found = tensors.get(key) as TensorFacts;
      if (found.shape.length !== storage.shape.length || found.shape.some((n, i) => n !== storage.shape[i])) {
        if (module.fresh) {
          // A head of another task: made anew, as the number of its classes says.
          bindings.set(name, { kind: 'fresh' });
          continue;
        }
        misshapen.push(
          `${key} has shape ${showShape(found.shape)} in the checkpoint, but ${facts.configName} makes it ${showShape(storage.shape)}`,
        );
        continue;
      }
      if (found.quantized !== undefined) {
        bindings.set(name, { kind: 'checkpoint', key, dtype: found.dtype, quantized: found.quantized });
        continue;
      }
      if (!floating.includes(found.dtype)) {
        unreadable.push(`${key} has dtype ${found.dtype}, which is not supported`);
        continue;
      }
      bindings.set(name, { kind: 'checkpoint', key, dtype: found.dtype });
    }
  }
  if (missing.length > 0) {
    const first = missing[0] as string;
    const near = nearest(first, [...(facts.tensors?.keys() ?? [])]);
    diagnostics.push({
      code: 'PEFT0508',
      severity: 'error',
      span: at,
      message:
        missing.length === 1
          ? `the checkpoint has no tensor ${first}`
          : `the checkpoint lacks ${missing.length} tensors of this model, the first is ${first}`,
      help: near ? `the nearest name is ${near}` : `it has names like ${[...(facts.tensors?.keys() ?? [])][0] ?? 'none'}`,
    });
  }
  const first = (code: string, faults: readonly string[], more: Pick<Diagnostic, 'help'> = {}): void => {
    const [message] = faults;
    if (message === undefined) return;
    const notes =
      faults.length > 1
        ? { notes: [{ message: faults.length === 2 ? 'one more tensor is like it' : `${faults.length - 1} more tensors are like it` }] }
        : {};
    diagnostics.push({ code, severity: 'error', span: at, message, ...notes, ...more });
  };
  first('PEFT0506', misshapen);
  first('PEFT0507', unreadable, { help: `supported are ${floating.join(', ')}` });
  return bindings;
}
