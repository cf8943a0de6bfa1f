/**
 * @file Adapters on sites. An adapter is an effective weight: `delta` says what is added to W, `weight` what W becomes, and
 * `input(x)` what the change sees of the activation. The site then computes
 *
 *     y = x Wᵀ + input(x) (W' - W)ᵀ        and where input is the identity   y = x W'ᵀ,
 *
 * `delta_bias` is added to the result, and `output(y)` says what becomes of it. Which order of evaluation is cheap is for
 * the graph's algebra to find (compiler/graph/weights.ts), not for this file.
 */
import type { Span } from '../../grammar/diagnostics.js';
import type { NodeId } from '../graph/graph.js';
import type { Elaboration } from './elaboration.js';
import type { AdapterInstance, ModuleInstance } from './instance.js';
import { evaluateMember, memberNames, memberOf, once, storageNode, weightName } from './members.js';
import { lazyScope, type Scope } from './scope.js';
import { stop } from './stop.js';
import { elementwise, graphOf, product, shapeOf, showShape, toNode, transpose } from './tensors.js';
import type { Value } from './value.js';

/** What the definition of an adapter sees: its parameters and tensors, the site's parameters under the names of `on`, and W. */
export function adapterScope(e: Elaboration, adapter: AdapterInstance): Scope {
  const bound = siteArguments(adapter);
  const names = [weightName, ...bound.keys(), ...adapter.params.keys(), ...adapter.storage.map((s) => s.name), ...memberNames(adapter.members)];
  return lazyScope(
    names,
    (name) =>
      once(e, adapter, name, placeOf(adapter, name), () => {
        const given = bound.get(name) ?? adapter.params.get(name);
        if (given !== undefined) return given;
        const storage = adapter.storage.find((s) => s.name === name);
        if (storage !== undefined) return storageNode(e, storage, storage.span);
        return evaluateMember(e, adapter.members, name, adapterScope(e, adapter)) ?? (name === weightName ? memberOf(e, adapter.site, weightName, adapter.definition.name.span) : undefined);
      }),
    adapter.globals,
  );
}

/** Names given by `on linear(in, out)` with the site's values. */
export function siteArguments(adapter: Pick<AdapterInstance, 'definition' | 'site'>): Map<string, Value> {
  const on = adapter.definition.on;
  const kind = adapter.site.kinds.find((k) => k.name === on?.name.text);
  return new Map((on?.binds ?? []).flatMap((name, i) => (kind?.args[i] === undefined ? [] : [[name.text, kind.args[i] as Value] as const])));
}

/** Where a member stands. */
function placeOf(adapter: AdapterInstance, name: string): Span {
  const member = adapter.members.find((m) => (m.kind === 'let' || m.kind === 'assign' || m.kind === 'function') && m.name.text === name);
  return member === undefined ? adapter.definition.name.span : member.kind === 'let' || member.kind === 'assign' ? member.value.span : member.span;
}

const valueMember = (e: Elaboration, adapter: AdapterInstance, name: string): Value | undefined => {
  if (!memberNames(adapter.members).includes(name)) return undefined;
  const value = adapterScope(e, adapter).lookup(name);
  return value?.kind === 'none' ? undefined : value;
};

/** What the weight of a site becomes, as [out, in]: `weight`, or W + `delta`, or W where the adapter changes no weight. */
export function effectiveWeight(e: Elaboration, adapter: AdapterInstance, base: NodeId): NodeId {
  const weight = valueMember(e, adapter, 'weight');
  if (weight !== undefined) return checked(e, adapter, 'weight', toNode(e, weight, placeOf(adapter, 'weight')), base, 'the weight');
  const delta = valueMember(e, adapter, 'delta');
  if (delta === undefined) return base;
  const node = checked(e, adapter, 'delta', toNode(e, delta, placeOf(adapter, 'delta')), base, 'the weight');
  return graphOf(e, placeOf(adapter, 'delta')).add('add', [base, node], {});
}

/** A node that must have the shape of another one. */
function checked(e: Elaboration, adapter: AdapterInstance, member: string, node: NodeId, model: NodeId, what: string): NodeId {
  const g = graphOf(e, adapter.definition.span);
  const a = shapeOf(g, node);
  const b = shapeOf(g, model);
  if (a.length !== b.length || a.some((n, i) => n !== b[i])) {
    stop('PEFT0308', placeOf(adapter, member), `${member} of ${adapter.definition.name.text} has shape ${showShape(a)}, but ${what} has ${showShape(b)}`);
  }
  return node;
}

/** What is added to the bias of a site, if anything. */
export function biasChange(e: Elaboration, adapter: AdapterInstance): NodeId | undefined {
  const value = valueMember(e, adapter, 'delta_bias');
  return value === undefined ? undefined : toNode(e, value, placeOf(adapter, 'delta_bias'));
}

/** x @ W' for an adapted site. */
export function adaptedProduct(e: Elaboration, left: Value, right: Extract<Value, { kind: 'effective' }>, span: Span): Value {
  const g = graphOf(e, span);
  const adapter = e.adapters.get(right.site);
  const x = toNode(e, left, span);
  const oriented = (node: NodeId): NodeId => (right.transposed ? transpose(g, node, span) : node);
  if (adapter === undefined) return { kind: 'tensor', node: product(g, x, oriented(right.base), span) };
  const changed = effectiveWeight(e, adapter, right.base);
  const input = evaluateMember(e, adapter.members, 'input', adapterScope(e, adapter));
  const seen = input?.kind === 'function' ? checked(e, adapter, 'input', toNode(e, e.interpreter.callFunction(e, input, [{ value: { kind: 'tensor', node: x }, span }], placeOf(adapter, 'input')), span), x, 'the activation') : x;
  if (seen === x || changed === right.base) return { kind: 'tensor', node: product(g, x, oriented(changed), span) };
  const delta = valueMember(e, adapter, 'weight') === undefined ? toNode(e, valueMember(e, adapter, 'delta') as Value, span) : g.add('sub', [changed, right.base], {});
  const base = product(g, x, oriented(right.base), span);
  return { kind: 'tensor', node: g.add('add', [base, product(g, seen, oriented(delta), span)], {}) };
}

/** What the adapter on a module does to the module's result. */
export function adaptOutput(e: Elaboration, module: ModuleInstance, result: Value, span: Span): Value {
  const adapter = e.adapters.get(module);
  if (adapter === undefined) return result;
  const before = toNode(e, result, span);
  const bias = biasChange(e, adapter);
  const sum = bias === undefined ? result : elementwise(e, 'add', [result, { kind: 'tensor', node: bias }], placeOf(adapter, 'delta_bias'));
  const shifted = bias === undefined ? before : checked(e, adapter, 'delta_bias', toNode(e, sum, span), before, 'the result');
  const output = evaluateMember(e, adapter.members, 'output', adapterScope(e, adapter));
  if (output?.kind !== 'function') return { kind: 'tensor', node: shifted };
  const place = placeOf(adapter, 'output');
  return { kind: 'tensor', node: checked(e, adapter, 'output', toNode(e, e.interpreter.callFunction(e, output, [{ value: { kind: 'tensor', node: shifted }, span }], place), place), before, 'the result') };
}
