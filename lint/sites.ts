/**
 * @file What rules ask about modules and the adapters on them: where an adapter is written, what a statement selects, what the checkpoint
 * lacks, how many numbers a module has.
 */
import type { Selector } from '../grammar/ast.js';
import type { Span } from '../grammar/diagnostics.js';
import { allModules, showRole, type AdapterInstance, type ModuleInstance } from '../compiler/elaborate/instance.js';
import { joinKey } from '../compiler/spec/json.js';
import { select } from '../compiler/spec/select.js';
import type { Match } from '../compiler/spec/targets.js';
import { placeOf, written } from './places.js';
import type { ExperimentContext } from './rule.js';

/** The adapters that one statement placed and no later one took over. */
export interface Placed {
  /** The statement. */
  readonly span: Span;
  readonly adapters: readonly [AdapterInstance, ...AdapterInstance[]];
}

/** The adapters by the statement that placed them, in the order of the model. */
export function placed(c: ExperimentContext): Placed[] {
  const groups = new Map<number, { span: Span; adapters: [AdapterInstance, ...AdapterInstance[]] }>();
  for (const adapter of c.resolved.adapters.values()) {
    const span = adapterPlace(c, adapter);
    const group = groups.get(span.start);
    if (group === undefined) groups.set(span.start, { span, adapters: [adapter] });
    else group.adapters.push(adapter);
  }
  return [...groups.values()];
}

const keyOf = (adapter: AdapterInstance): string => joinKey('adapters', adapter.site.path);

/** The statement that places an adapter. */
export const adapterPlace = (c: ExperimentContext, adapter: AdapterInstance): Span => placeOf(c, keyOf(adapter));

/** Where the first of some arguments of an adapter that is written at all is written, else its statement. */
export const argumentPlace = (c: ExperimentContext, adapter: AdapterInstance, ...names: readonly string[]): Span =>
  names.map((name) => written(c, `${keyOf(adapter)}.${name}`)).find((span) => span !== undefined) ?? adapterPlace(c, adapter);

/** A parameter of an adapter that is a number. */
export function numberOf(adapter: AdapterInstance, name: string): number | undefined {
  const value = adapter.params.get(name);
  return value?.kind === 'number' ? value.value : undefined;
}

/** Whether a parameter of an adapter is true. */
export function isOn(adapter: AdapterInstance, name: string): boolean {
  const value = adapter.params.get(name);
  return value?.kind === 'bool' && value.value;
}

/** The selector of the statement that a match is of. */
export const selectorOf = ({ statements }: ExperimentContext, match: Match): Selector | undefined =>
  [...statements.targets, ...statements.formats].find((s) => s.span.file === match.span.file && s.span.start === match.span.start)
    ?.selector;

/** The modules with tensors that a part of a selector means. */
export const selected = ({ resolved }: ExperimentContext, selector: Selector): ModuleInstance[] =>
  [...select(resolved.model, selector)].filter((m) => m.storage.length > 0);

/** The parts of a selector that name modules, without what is put together from them. */
export function leaves(selector: Selector): Exclude<Selector, { readonly kind: 'select-binary' }>[] {
  return selector.kind === 'select-binary' ? [...leaves(selector.left), ...leaves(selector.right)] : [selector];
}

/** Whether a module is of a kind. */
export const isKind = (module: ModuleInstance, kind: string): boolean => module.kinds.some((k) => k.name === kind);

/** Whether a module is a part of what makes the answer of the task. */
export const isHead = (module: ModuleInstance): boolean => module.roles.some((role) => role[0]?.name === 'head');

/** Whether a module has a tensor that its checkpoint lacks; never where there is no checkpoint. */
export const isNew = ({ resolved }: ExperimentContext, module: ModuleInstance): boolean =>
  resolved.base.tensors !== undefined && module.storage.some((s) => resolved.bindings.get(s.keys[0] as string)?.kind === 'fresh');

/** The linear layers of a base, without those of its head. */
export const bodyLinears = ({ resolved }: ExperimentContext): ModuleInstance[] =>
  allModules(resolved.model).filter((m) => isKind(m, 'linear') && !isHead(m));

/** Modules with weights of the checkpoint, outside of the head, that are trained in full. */
export const trainedBody = (c: ExperimentContext): ModuleInstance[] =>
  [...c.resolved.trained].filter(
    (m) => m.storage.some((s) => c.resolved.bindings.get(s.keys[0] as string)?.kind === 'checkpoint') && !isHead(m),
  );

/** How a selector would name a module. */
export const nameOf = (module: ModuleInstance): string =>
  module.roles[0] === undefined ? JSON.stringify(module.path) : showRole(module.roles[0]);

/** Numbers in a tensor. */
export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A first name with how many there are besides. */
export const firstOf = (modules: readonly ModuleInstance[]): string =>
  `${modules[0]?.path ?? ''}${modules.length > 1 ? ` and ${modules.length - 1} more` : ''}`;
