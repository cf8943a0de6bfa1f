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
import { callFunction } from './evaluate.js';
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
      once(e, adapter, name, adapter.definition.name.span, () => {
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

const valueMember = (e: Elaboration, adapter: AdapterInstance, name: string): Value | undefined => {
  if (!memberNames(adapter.members).includes(name)) return undefined;
  const value = adapterScope(e, adapter).lookup(name);
  return value?.kind === 'none' ? undefined : value;
};

/** What the weight of a site becomes, as [out, in]: `weight`, or W + `delta`, or W where the adapter changes no weight. */
export function effectiveWeight(e: Elaboration, adapter: AdapterInstance, base: NodeId): NodeId {
  const span = adapter.definition.name.span;
  const weight = valueMember(e, adapter, 'weight');
  if (weight !== undefined) return checked(e, toNode(e, weight, span), base, adapter, 'weight');
  const delta = valueMember(e, adapter, 'delta');
  if (delta === undefined) return base;
  const node = checked(e, toNode(e, delta, span), base, adapter, 'delta');
  return graphOf(e, span).add('add', [base, node], {});
}

function checked(e: Elaboration, node: NodeId, base: NodeId, adapter: AdapterInstance, what: string): NodeId {
  const g = graphOf(e, adapter.definition.span);
  const a = shapeOf(g, node);
  const b = shapeOf(g, base);
  if (a.length !== b.length || a.some((n, i) => n !== b[i])) {
    stop('PEFT0308', adapter.definition.name.span, `${what} of ${adapter.definition.name.text} has shape ${showShape(a)}, but the weight of ${adapter.site.path} has ${showShape(b)}`);
  }
  return node;
}

/** What is added to the bias of a site, if anything. */
export function biasChange(e: Elaboration, adapter: AdapterInstance): NodeId | undefined {
  const value = valueMember(e, adapter, 'delta_bias');
  return value === undefined ? undefined : toNode(e, value, adapter.definition.name.span);
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
  const seen = input?.kind === 'function' ? toNode(e, callFunction(e, input, [{ value: { kind: 'tensor', node: x }, span }], span), span) : x;
  if (seen === x || changed === right.base) return { kind: 'tensor', node: product(g, x, oriented(changed), span) };
  const delta = valueMember(e, adapter, 'weight') === undefined ? toNode(e, valueMember(e, adapter, 'delta') as Value, span) : g.add('sub', [changed, right.base], {});
  const base = product(g, x, oriented(right.base), span);
  return { kind: 'tensor', node: g.add('add', [base, product(g, seen, oriented(delta), span)], {}) };
}

/** What the adapter on a module does to the module's result. */
export function adaptOutput(e: Elaboration, module: ModuleInstance, result: Value, span: Span): Value {
  const adapter = e.adapters.get(module);
  if (adapter === undefined) return result;
  const bias = biasChange(e, adapter);
  const shifted = bias === undefined ? result : elementwise(e, 'add', [result, { kind: 'tensor', node: bias }], span);
  const output = evaluateMember(e, adapter.members, 'output', adapterScope(e, adapter));
  return output?.kind === 'function' ? callFunction(e, output, [{ value: shifted, span }], span) : shifted;
}
