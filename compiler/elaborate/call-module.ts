/**
 * @file Calls of modules: `forward`, and what the adapter on the module does to its result.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { adaptInput, adaptOutput } from './adapter.js';
import type { EvaluatedArgument } from './arguments.js';
import type { Elaboration } from './elaboration.js';
import type { ModuleInstance } from './instance.js';
import { evaluateMember, moduleScope } from './members.js';
import { stop } from './stop.js';
import type { Value } from './value.js';

/** Calls a module: its `forward`, and what the adapter on it does to the result. */
export function callModule(e: Elaboration, instance: ModuleInstance, args: readonly EvaluatedArgument[], span: Span): Value {
  const forward =
    e.interpreter.replaced(e, instance, 'forward') ?? evaluateMember(e, instance.members, 'forward', moduleScope(e, instance));
  if (forward?.kind !== 'function') return stop('PEFT0219', span, `${instance.definition.name.text} has no forward and cannot be called`);
  const [first, ...rest] = args;
  const value = adaptInput(e, instance, first?.value, span);
  const seen = first === undefined || value === undefined ? args : [{ ...first, value }, ...rest];
  return adaptOutput(e, instance, e.interpreter.callFunction(e, forward, seen, span), value, span);
}
