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
import type { GraphBuilder } from '../graph/builder.js';
import type { NodeId } from '../graph/graph.js';

/** Calls a module: its `forward`, and what the adapter on it does to the result. */
export function callModule(e: Elaboration, instance: ModuleInstance, args: readonly EvaluatedArgument[], span: Span): Value {
  const forward =
    e.interpreter.replaced(e, instance, 'forward') ?? evaluateMember(e, instance.members, 'forward', moduleScope(e, instance));
  if (forward?.kind !== 'function') return stop('PEFT0219', span, `${instance.definition.name.text} has no forward and cannot be called`);
  const [first, ...rest] = args;
  const value = mark(e, instance, adaptInput(e, instance, first?.value, span));
  const seen = first === undefined || value === undefined ? args : [{ ...first, value }, ...rest];
  return mark(e, instance, adaptOutput(e, instance, e.interpreter.callFunction(e, forward, seen, span), value, span));
}

/** Where checkpoints are wanted: what goes into a layer, one of a list of modules, and what comes out of it. */
function mark<T extends Value | undefined>(e: Elaboration, module: ModuleInstance, value: T): T | Value {
  if (!e.checkpoints || e.graph === undefined || value?.kind !== 'tensor' || !isLayer(module)) return value;
  return { kind: 'tensor', node: markedNode(e.graph, value.node) };
}

const markedNode = (g: GraphBuilder, node: NodeId): NodeId =>
  g.node(node).op === 'checkpoint' ? node : g.add('checkpoint', [node], { phase: 0 });

/** Whether a module is one of a list that stands in no other list. */
const isLayer = (module: ModuleInstance): boolean =>
  module.roles.some((role) => role.at(-1)?.index !== undefined && role.filter((part) => part.index !== undefined).length === 1);
