/**
 * @file Adapters on sites: an adapter definition and a site become an adapter with its tensors. Only numbers are computed here.
 */
import type { Definition, Expr } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import { createGraph } from '../graph/builder.js';
import type { NodeId } from '../graph/graph.js';
import { givenNames, siteArguments } from './given-names.js';
import { namesIn } from './names.js';
import { createElaboration, type Elaboration } from './elaboration.js';
import { requireHolds } from './evaluate.js';
import { decodedNode } from './format.js';
import {
  keyPrefix,
  type AdapterInstance,
  type AdapterTensor,
  type ModuleInstance,
  type OwnTensor,
  type SavedTensor,
  type SitePlace,
  type StorageInit,
} from './instance.js';
import { evaluateMember, memberNames, memberOf, once, weightName } from './members.js';
import { suggest } from './nearest.js';
import { lazyScope, scopeOf, type Scope } from './scope.js';
import { stop, told, unread } from './stop.js';
import { holds, initOf, keysOf, shapeOfStorage, type Storage } from './storage.js';
import { describe, type Value } from './value.js';

/** Where an adapter is written: the call, and each argument of it. */
export interface AdapterPlace {
  readonly span: Span;
  readonly args: ReadonlyMap<string, Span>;
}

/** The word for every tensor of the site. */
const allTensors = 'all';

/** Where each site of a method stands among all of them. */
export function placesOf(definition: Definition, sites: readonly ModuleInstance[]): ReadonlyMap<ModuleInstance, SitePlace> {
  const largest = new Map<string, Value>();
  for (const site of sites) {
    for (const [name, value] of siteArguments({ definition, site })) {
      const known = largest.get(name);
      if (value.kind === 'number' && (known?.kind !== 'number' || value.value > known.value)) largest.set(name, value);
    }
  }
  return new Map(sites.map((site, index) => [site, { index, count: sites.length, largest }] as const));
}

/** An adapter on a site, with its tensors. A rule that does not hold is told at the argument that the rule is about. */
export function instantiateAdapter(
  definition: Definition,
  globals: Scope,
  params: ReadonlyMap<string, Value>,
  site: ModuleInstance,
  place: SitePlace,
  written: AdapterPlace,
): AdapterInstance {
  const e = createElaboration(undefined, { training: false });
  const members = definition.body.kind === 'block' ? definition.body.members : [];
  const storage: AdapterTensor[] = [];
  const own: OwnTensor[] = [];
  const saved: SavedTensor[] = [];
  const adapter: AdapterInstance = { definition, site, place, params, storage, own, saved, members, globals };
  const scope: Scope = lazyScope(
    memberNames(members),
    (name) => once(e, adapter, name, definition.name.span, () => evaluateMember(e, members, name, scope)),
    scopeOf(givenNames(adapter), globals),
  );
  const named = [{ message: `the site is ${site.path === '' ? 'the whole model' : site.path}` }];
  const rates = ratesOf(e, adapter, scope);
  checkReplacements(adapter);
  for (const m of members) {
    if (m.kind === 'require') told(argumentOf(m.condition, written), () => requireHolds(e, m, scope), named);
    if (m.kind === 'error') unread(m.span);
    if (m.kind !== 'storage') continue;
    told(
      written.span,
      () => {
        if (m.when !== undefined && !holds(e, m.when, scope)) return;
        if (m.storage === 'save') saved.push(savedOf(m));
        else if (m.storage !== 'train' && m.storage !== 'frozen')
          stop('PEFT0235', m.span, `${m.storage} cannot stand in an adapter`, { help: 'write train, frozen or save' });
        else if (m.type === undefined) own.push(...ownTensors(m, site));
        else storage.push(tensorOf(e, m, m.storage, scope, adapter, rates.get(m.name.text) ?? 1));
      },
      named,
    );
  }
  return adapter;
}

function tensorOf(
  e: Elaboration,
  m: Storage,
  storage: 'train' | 'frozen',
  scope: Scope,
  {
    site,
    definition: {
      name: { text: definition },
    },
  }: AdapterInstance,
  rate: number,
): AdapterTensor {
  const { shape, dtype } = shapeOfStorage(e, m, scope);
  if (storage === 'train' && dtype === 'i32')
    stop('PEFT0249', m.span, `${m.name.text} holds whole numbers, which cannot be trained`, { help: 'write frozen' });
  // A shared tensor is named by its whole key; `{site}` stands for each of its sites, which have a copy in the file beside the common one.
  const keys = m.shared && m.foreign.length > 0 ? m.foreign.map((f) => f.value.replace('{site}', definition)) : keysOf(m, site.path);
  const copied = m.foreign.some((f) => f.value.startsWith('{site}'));
  const names = m.shared
    ? m.foreign.map((f) => (f.value.startsWith('{site}') ? keyPrefix : '') + f.value.replace('{site}', site.path))
    : keys.map((key) => keyPrefix + key);
  const files = copied ? names.map((name): [string] => [name]) : names.length > 0 ? [names as [string, ...string[]]] : [];
  return {
    name: m.name.text,
    shape,
    dtype,
    keys,
    init: ofWeight(initOf(e, m, shape, scope), site, m.span),
    doc: m.doc,
    span: m.span,
    storage,
    shared: m.shared,
    stored: storage === 'train' || m.foreign.length > 0,
    rate,
    files,
  };
}

/** A value that the host makes from the base weight names the tensor that holds it. */
function ofWeight(init: StorageInit, site: ModuleInstance, span: Span): StorageInit {
  if (init.kind !== 'host' || init.of === undefined) return init;
  const e = createElaboration(createGraph(), { training: false });
  const weight = memberOf(e, site, weightName, span);
  const found = weight.kind === 'tensor' ? storedTensor(e, weight.node) : undefined;
  return {
    ...init,
    of: found ?? stop('PEFT0250', span, `${init.function} needs the weight of the site, and ${site.definition.name.text} stores none`),
  };
}

/** The stored tensor that a weight is, or is the transpose of. */
export function storedTensor(e: Elaboration, weight: NodeId): { readonly tensor: string; readonly transposed: boolean } | undefined {
  const node = e.graph?.node(weight);
  const id = node?.op === 'permute' ? (node.inputs[0] as NodeId) : weight;
  const transposed = id !== weight;
  const stored = e.graph?.node(id);
  if (stored?.op === 'tensor') return { tensor: stored.attrs['name'] as string, transposed };
  for (const f of e.formats.values()) if (decodedNode(e, f) === id) return { tensor: f.weight.keys[0] as string, transposed };
  return undefined;
}

/** `train b` trains the site's own tensor b, `train all` every one; `as "x.{key}"` says under which name it is saved. */
function ownTensors(m: Storage, site: ModuleInstance): OwnTensor[] {
  if (m.storage !== 'train' || m.init !== undefined || m.shared)
    return stop('PEFT0232', m.span, `${m.name.text} needs a shape`, { help: `write ${m.name.text}: [rows, columns]` });
  const named = site.storage.filter((s) => m.name.text === allTensors || s.name === m.name.text);
  if (named.length === 0)
    return stop(
      'PEFT0251',
      m.name.span,
      `${site.definition.name.text} has no tensor ${m.name.text}`,
      suggest(m.name.text, m.name.span, [...site.storage.map((s) => s.name), allTensors], 'it has'),
    );
  const prefix = site.path === '' ? '' : `${site.path}.`;
  return named.map((tensor) => {
    const own = (tensor.keys[0] as string).slice(prefix.length);
    return { tensor, key: prefix + (m.foreign[0]?.value.replace('{key}', own) ?? own) };
  });
}

function savedOf(m: Storage): SavedTensor {
  if (m.init === undefined) return stop('PEFT0232', m.span, `${m.name.text} needs a value`, { help: `write save ${m.name.text} = …` });
  return {
    name: m.name.text,
    key: m.foreign[0]?.value ?? m.name.text,
    value: m.init,
    dtype: m.type?.kind === 'type-name' && m.type.name.text === 'Int' ? 'i32' : 'f32',
  };
}

/** What an adapter replaces must be there. */
function checkReplacements({ members, site }: AdapterInstance): void {
  const names = [...site.storage.map((s) => s.name), ...memberNames(site.members)].filter((name) => name !== weightName);
  for (const m of members) {
    if (m.kind !== 'section' || m.section.name.text !== 'replace') continue;
    for (const { name } of m.section.fields)
      if (!names.includes(name.text))
        stop(
          'PEFT0253',
          name.span,
          `${site.definition.name.text} has no member ${name.text} to replace`,
          suggest(name.text, name.span, names, 'it has'),
        );
  }
}

/** `rates { B: 16 }`: factors on the learning rate, by tensor. */
function ratesOf(e: Elaboration, adapter: AdapterInstance, scope: Scope): Map<string, number> {
  const rates = new Map<string, number>();
  for (const m of adapter.members) {
    if (m.kind !== 'section' || m.section.name.text !== 'rates') continue;
    for (const field of m.section.fields) {
      const names = adapter.members.flatMap((s) => (s.kind === 'storage' && s.storage === 'train' ? [s.name.text] : []));
      if (!names.includes(field.name.text))
        stop(
          'PEFT0252',
          field.name.span,
          `${field.name.text} is not trained here`,
          suggest(field.name.text, field.name.span, names, 'there is'),
        );
      const value = e.interpreter.evaluate(e, field.value, scope);
      if (value.kind !== 'number' || value.value < 0)
        return stop('PEFT0205', field.value.span, `a factor on the learning rate is a number of at least 0, not ${describe(value)}`);
      rates.set(field.name.text, value.value);
    }
  }
  return rates;
}

/** The argument that an expression speaks of first, or the whole call. */
function argumentOf(expr: Expr, place: AdapterPlace): Span {
  const first = namesIn(expr).find((name) => place.args.has(name));
  return (first === undefined ? undefined : place.args.get(first)) ?? place.span;
}
