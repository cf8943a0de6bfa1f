/**
 * @file Calls of modules: `forward`, and what the adapter on the module does to its result.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { adaptOutput } from './adapter.js';
import type { EvaluatedArgument } from './arguments.js';
import type { Elaboration } from './elaboration.js';
import type { ModuleInstance } from './instance.js';
import { evaluateMember, moduleScope } from './members.js';
import { stop } from './stop.js';
import type { Value } from './value.js';

/** Calls a module: its `forward`, and what the adapter on it does to the result. */
export function callModule(e: Elaboration, instance: ModuleInstance, args: readonly EvaluatedArgument[], span: Span): Value {
  const forward = evaluateMember(e, instance.members, 'forward', moduleScope(e, instance));
  if (forward?.kind !== 'function') return stop('PEFT0219', span, `${instance.definition.name.text} has no forward and cannot be called`);
  return adaptOutput(e, instance, e.interpreter.callFunction(e, forward, args, span), span);
}
