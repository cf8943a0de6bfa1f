/**
 * @file Merging: what the stored tensors of a site become when the adapter on it is folded in, derived from the adapter's own
 * definition. With y = output(z W'ᵀ + branch(z) + b), z = before(x), and all of these maps linear,
 *
 *     merged Wᵀ = output(before(I) W'ᵀ + branch(before(I))),     merged b = output(b).
 *
 * What is not linear in what the module computes, or acts where there is no weight, cannot be merged, and says why.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { uniformValue, type GraphBuilder } from '../graph/builder.js';
import { isLinearIn } from '../graph/linear.js';
import type { NodeId } from '../graph/graph.js';
import { applyMember, biasChange, effectiveWeight, hasWeight, replacements } from './adapter.js';
import type { Elaboration } from './elaboration.js';
import type { AdapterInstance } from './instance.js';
import { storedTensor } from './instantiate-adapter.js';
import { baseMember, memberNames, storageNode, weightName } from './members.js';
import { expand, graphOf, product, shapeOf, transpose } from './tensors.js';

/** New values of stored tensors, or why there are none. */
export type Merged =
  | { readonly ok: true; readonly tensors: readonly { readonly tensor: string; readonly value: NodeId }[] }
  | { readonly ok: false; readonly why: string };

/** The name by which modules call their bias. */
const biasName = 'b';

/** The stored tensors of a site with its adapter folded in. */
export function mergedSite(e: Elaboration, adapter: AdapterInstance): Merged {
  const span = adapter.definition.name.span;
  const { site } = adapter;
  const name = adapter.definition.name.text;
  const refuse = (why: string): Merged => ({ ok: false, why });
  const g = graphOf(e, span);
  const own = adapter.own.map(({ tensor }) => ({ tensor: tensor.keys[0] as string, value: nodeOf(storageNode(e, tensor, span)) }));
  const replaced = replacements(adapter);
  const tensors: { tensor: string; value: NodeId }[] = [...own];
  for (const one of replaced.keys()) {
    const stored = site.storage.find((s) => s.name === one);
    const value = stored === undefined ? undefined : e.interpreter.replaced(e, site, one);
    if (stored === undefined || value?.kind !== 'tensor')
      return refuse(`${name} replaces ${one} of ${site.definition.name.text}, which is no stored tensor`);
    tensors.push({ tensor: stored.keys[0] as string, value: value.node });
  }
  const members = memberNames(adapter.members);
  if (!['delta', 'weight', 'delta_bias', 'before', 'branch', 'output'].some((m) => members.includes(m))) return { ok: true, tensors };
  const base = hasWeight(site) ? baseMember(e, site, weightName) : undefined;
  const stored = base?.kind === 'tensor' ? storedTensor(e, base.node) : undefined;
  if (base?.kind !== 'tensor' || stored === undefined)
    return refuse(`${name} changes what ${site.path} computes, which has no weight to merge into`);
  const before = members.includes('before');
  const output = members.includes('output');
  const branch = members.includes('branch');
  if ((before || branch || output) && takesIds(adapter))
    return refuse(`${name} changes what ${site.path} computes from ids, which is no product with its weight`);
  let weight = effectiveWeight(e, adapter, base.node);
  const [out, into] = shapeOf(g, weight) as readonly [number, number];
  for (const member of ['before', 'branch', 'output'] as const) {
    if (members.includes(member) && !linear(e, adapter, member, member === 'output' ? out : into, span)) {
      return refuse(`${member}(${member === 'output' ? 'y' : 'x'}) of ${name} is not linear, so no weight does the same`);
    }
  }
  if (before || branch) {
    const every = identity(g, into);
    const seen = before ? applyMember(e, adapter, 'before', every, span) : every;
    const plain = before ? product(g, seen, transpose(g, weight, span), span) : transpose(g, weight, span);
    const beside = branch ? expand(g, applyMember(e, adapter, 'branch', seen, span), [into, out], span) : undefined;
    weight = transpose(g, beside === undefined ? plain : g.add('add', [plain, beside], {}), span);
  }
  if (output) weight = transpose(g, applyMember(e, adapter, 'output', transpose(g, weight, span), span), span);
  tensors.push({ tensor: stored.tensor, value: stored.transposed ? transpose(g, weight, span) : weight });
  const change = biasChange(e, adapter);
  const bias = site.storage.find((s) => s.name === biasName);
  if (bias === undefined)
    return change === undefined ? { ok: true, tensors } : refuse(`${site.path} has no bias that the one of ${name} could be merged into`);
  if (change === undefined && !output) return { ok: true, tensors };
  const plain = nodeOf(storageNode(e, bias, span));
  const sum = change === undefined ? plain : g.add('add', [plain, change], {});
  const row = g.add('reshape', [sum], { shape: [1, out] });
  tensors.push({
    tensor: bias.keys[0] as string,
    value: output ? g.add('reshape', [applyMember(e, adapter, 'output', row, span)], { shape: [out] }) : sum,
  });
  return { ok: true, tensors };
}

const nodeOf = (value: ReturnType<typeof storageNode>): NodeId => (value as { readonly node: NodeId }).node;

/** Whether the site is called with whole numbers, as a table of embeddings is. */
function takesIds(adapter: AdapterInstance): boolean {
  const forward = adapter.site.members.find((m) => m.kind === 'function' && m.name.text === 'forward');
  const type = forward?.kind === 'function' ? forward.params[0]?.type : undefined;
  return type?.kind === 'type-name' && type.name.text === 'Int';
}

function linear(e: Elaboration, adapter: AdapterInstance, member: 'before' | 'branch' | 'output', width: number, span: Span): boolean {
  const g = graphOf(e, span);
  const probe = g.add('input', [], { name: `probe.${member}.${width}`, shape: [2, width], dtype: 'f32' });
  const value = applyMember(e, adapter, member, probe, span);
  return uniformValue(g, value) === 0 || isLinearIn(g, value, probe);
}

function identity(g: GraphBuilder, n: number): NodeId {
  const index = (axis: number): NodeId => g.add('iota', [], { shape: [n, n], axis, dtype: 'f32' });
  return g.add('equal', [index(0), index(1)]);
}
