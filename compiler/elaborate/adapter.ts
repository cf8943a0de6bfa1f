/**
 * @file Adapters on sites. An adapter is an effective weight: `delta` says what is added to W, `weight` what W becomes, and
 * `input(x)` what the change sees of the activation. The site then computes
 *
 *     y = x Wᵀ + input(x) (W' - W)ᵀ        and where input is the identity   y = x W'ᵀ.
 *
 * Around that, `before(x)` says what becomes of the activation, `branch(x)` and `delta_bias` are added to the result, and `output(y)`
 * says what becomes of it. `replace { name: value }` gives members of the site another value. Which order of evaluation is cheap is for the graph's algebra to find (compiler/graph/weights.ts), not for this file.
 */
import type { Expr } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { NodeId } from '../graph/graph.js';
import type { Elaboration } from './elaboration.js';
import { givenNames } from './given-names.js';
import type { AdapterInstance, ModuleInstance } from './instance.js';
import { baseMember, evaluateMember, memberNames, once, storageNode, weightName } from './members.js';
import { lazyScope, type Scope } from './scope.js';
import { stop } from './stop.js';
import { elementwise, graphOf, product, shapeOf, showShape, toNode, transpose } from './tensors.js';
import type { Value } from './value.js';

/** What the definition of an adapter sees: its parameters and tensors, the site's parameters under the names of `on`, the site's
 * tensors as they are without it, and W. */
export function adapterScope(e: Elaboration, adapter: AdapterInstance): Scope {
  const given = givenNames(adapter);
  const own = [...given.keys(), ...adapter.storage.map((s) => s.name), ...memberNames(adapter.members)];
  const site = [weightName, ...adapter.site.storage.map((s) => s.name)].filter((name) => !own.includes(name));
  return lazyScope(
    [...own, ...site],
    (name) =>
      once(e, adapter, name, placeOf(adapter, name), () => {
        const known = given.get(name);
        if (known !== undefined) return known;
        const storage = adapter.storage.find((s) => s.name === name);
        if (storage !== undefined) return storageNode(e, storage, storage.span);
        return (
          evaluateMember(e, adapter.members, name, adapterScope(e, adapter)) ??
          (site.includes(name) ? baseMember(e, adapter.site, name) : undefined)
        );
      }),
    adapter.globals,
  );
}

/** What the adapter on a module gives in place of a member of that name. */
export function replacedMember(e: Elaboration, module: ModuleInstance, name: string): Value | undefined {
  const adapter = e.adapters.get(module);
  const value = adapter === undefined ? undefined : replacements(adapter).get(name);
  return adapter === undefined || value === undefined ? undefined : e.interpreter.evaluate(e, value, adapterScope(e, adapter));
}

/** Members of its site that an adapter replaces: `replace { name: value }`. */
export function replacements(adapter: AdapterInstance): ReadonlyMap<string, Expr> {
  return new Map(
    adapter.members.flatMap((m) =>
      m.kind === 'section' && m.section.name.text === 'replace' ? m.section.fields.map((f) => [f.name.text, f.value] as const) : [],
    ),
  );
}

/** Where a member stands. */
function placeOf(adapter: AdapterInstance, name: string): Span {
  const member = adapter.members.find((m) => (m.kind === 'let' || m.kind === 'assign' || m.kind === 'function') && m.name.text === name);
  return member === undefined
    ? adapter.definition.name.span
    : member.kind === 'let' || member.kind === 'assign'
      ? member.value.span
      : member.span;
}

/** A value member of an adapter; undefined where there is none or it is `none`. */
export const valueMember = (e: Elaboration, adapter: AdapterInstance, name: string): Value | undefined => {
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
    stop(
      'PEFT0308',
      placeOf(adapter, member),
      `${member} of ${adapter.definition.name.text} has shape ${showShape(a)}, but ${what} has ${showShape(b)}`,
    );
  }
  return node;
}

/** What is added to the bias of a site, if anything. */
export function biasChange(e: Elaboration, adapter: AdapterInstance): NodeId | undefined {
  const value = valueMember(e, adapter, 'delta_bias');
  return value === undefined ? undefined : toNode(e, value, placeOf(adapter, 'delta_bias'));
}

/** Rows of W' by index, for an adapted site. */
export function adaptedRows(e: Elaboration, table: Extract<Value, { kind: 'effective' }>, ids: NodeId, span: Span): Value {
  const adapter = e.adapters.get(table.site);
  if (table.transposed) return stop('PEFT0202', span, 'the transpose of the effective weight has no rows to gather');
  return {
    kind: 'tensor',
    node: graphOf(e, span).add('gather', [adapter === undefined ? table.base : effectiveWeight(e, adapter, table.base), ids], {}),
  };
}

/** x @ W' for an adapted site. */
export function adaptedProduct(e: Elaboration, left: Value, right: Extract<Value, { kind: 'effective' }>, span: Span): Value {
  const g = graphOf(e, span);
  const adapter = e.adapters.get(right.site);
  const x = toNode(e, left, span);
  const oriented = (node: NodeId): NodeId => (right.transposed ? transpose(g, node, span) : node);
  if (adapter === undefined) return { kind: 'tensor', node: product(g, x, oriented(right.base), span) };
  const changed = effectiveWeight(e, adapter, right.base);
  const seen = checked(e, adapter, 'input', applyMember(e, adapter, 'input', x, span), x, 'the activation');
  if (seen === x || changed === right.base) return { kind: 'tensor', node: product(g, x, oriented(changed), span) };
  const delta =
    valueMember(e, adapter, 'weight') === undefined
      ? toNode(e, valueMember(e, adapter, 'delta') as Value, span)
      : g.add('sub', [changed, right.base], {});
  const base = product(g, x, oriented(right.base), span);
  return { kind: 'tensor', node: g.add('add', [base, product(g, seen, oriented(delta), span)], {}) };
}

/** A member that is a function of one tensor, applied: `before(x)`, `input(x)`, `output(y)`; the tensor itself where there is none. */
export function applyMember(
  e: Elaboration,
  adapter: AdapterInstance,
  name: 'before' | 'input' | 'branch' | 'output',
  x: NodeId,
  span: Span,
): NodeId {
  const f = memberNames(adapter.members).includes(name) ? adapterScope(e, adapter).lookup(name) : undefined;
  if (f?.kind !== 'function') return x;
  return toNode(e, e.interpreter.callFunction(e, f, [{ value: { kind: 'tensor', node: x }, span }], placeOf(adapter, name)), span);
}

/** What the adapter on a module makes of the activation that the module is called with. */
export function adaptInput(e: Elaboration, module: ModuleInstance, value: Value | undefined, span: Span): Value | undefined {
  const adapter = e.adapters.get(module);
  if (adapter === undefined || value === undefined || !memberNames(adapter.members).includes('before')) return value;
  const x = toNode(e, value, span);
  return { kind: 'tensor', node: checked(e, adapter, 'before', applyMember(e, adapter, 'before', x, span), x, 'the activation') };
}

/** What the adapter on a module does to the module's result. */
export function adaptOutput(e: Elaboration, module: ModuleInstance, plain: Value, input: Value | undefined, span: Span): Value {
  const adapter = e.adapters.get(module);
  if (adapter === undefined) return plain;
  const before = toNode(e, plain, span);
  const result = branched(e, adapter, plain, input, before, span);
  const bias = biasChange(e, adapter);
  const sum = bias === undefined ? result : elementwise(e, 'add', [result, { kind: 'tensor', node: bias }], placeOf(adapter, 'delta_bias'));
  const shifted =
    bias === undefined ? toNode(e, result, span) : checked(e, adapter, 'delta_bias', toNode(e, sum, span), before, 'the result');
  const output = applyMember(e, adapter, 'output', shifted, span);
  // A site with a weight keeps its width; one without may change the shape, as virtual tokens do.
  return { kind: 'tensor', node: hasWeight(module) ? checked(e, adapter, 'output', output, before, 'the result') : output };
}

/** The result with what the adapter computes beside the site. */
function branched(e: Elaboration, adapter: AdapterInstance, result: Value, input: Value | undefined, before: NodeId, span: Span): Value {
  if (input === undefined || !memberNames(adapter.members).includes('branch')) return result;
  const beside: Value = { kind: 'tensor', node: applyMember(e, adapter, 'branch', toNode(e, input, span), span) };
  const sum = elementwise(e, 'add', [result, beside], placeOf(adapter, 'branch'));
  return { kind: 'tensor', node: checked(e, adapter, 'branch', toNode(e, sum, span), before, 'the result') };
}

/** Whether a module has a weight that adapters can act on. */
export const hasWeight = (module: ModuleInstance): boolean =>
  module.storage.some((s) => s.name === weightName) || memberNames(module.members).includes(weightName);
