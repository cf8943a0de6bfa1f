/**
 * @file Adapter configurations of Hugging Face PEFT (`adapter_config.json`), written and read. Which keys a method has there is
 * said by its own `foreign { … }`; here are only the keys that every method shares. Source: PEFT 0.21, `PeftConfig`.
 */
import type { Definition } from '../../grammar/ast.js';
import { createElaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import type { AdapterInstance, ModuleInstance } from '../elaborate/instance.js';
import { allModules, keyPrefix } from '../elaborate/instance.js';
import { weightName } from '../elaborate/members.js';
import { emptyScope, scopeOf } from '../elaborate/scope.js';
import { givenNames } from '../elaborate/given-names.js';
import { namesIn } from '../elaborate/names.js';
import type { Resolved } from './check.js';
import { accepts, argumentOf, isEmpty, section, stands, type SectionField } from './foreign-fields.js';
import { toJson } from './json.js';
import type { Json } from './spec.js';

type JsonObject = { readonly [key: string]: Json };

/** The adapters that make one adapter of PEFT: its configuration and the sites it has. */
export interface ForeignAdapter {
  /** Its `peft_type`, or the name of a method that PEFT does not have. */
  readonly type: string;
  /** The name of the first definition: the folder where there is more than one adapter. */
  readonly name: string;
  readonly config: JsonObject;
  readonly adapters: readonly AdapterInstance[];
  /** Modules whose tensors lie beside it, whole. */
  readonly modules: readonly ModuleInstance[];
  /** What the keys of the base's own tensors begin with. */
  readonly prefix: string;
}

/** Modules that PEFT saves and expects beside every adapter for these tasks, by the end of their name. Source: PEFT 0.21,
 * `PeftModelForSequenceClassification`, `PeftModelForTokenClassification`. */
const heads = { tasks: ['SEQ_CLS', 'TOKEN_CLS'], names: ['classifier', 'score'] } as const;

/** `adapter_config.json` of each method of a resolved experiment; none where only tensors of the model itself are trained. */
export function foreignAdapters(resolved: Resolved): readonly ForeignAdapter[] {
  const modules = allModules(resolved.model);
  const all = modules.map((m) => m.path);
  const source = resolved.spec.base.source;
  const saved = savedModules(resolved);
  const task = resolved.task.definition.foreign[0]?.value ?? null;
  return groupsOf([...resolved.adapters.values()].filter((a) => !isInPlace(a))).map(({ type, adapters }) => {
    const transposed = adapters.every((a) => !a.site.storage.some((s) => s.name === weightName));
    const { fields, targets } = foreignFields(adapters, all);
    const head = modules.filter(
      (m) => m.storage.length > 0 && heads.tasks.some((t) => t === task) && heads.names.some((name) => stands(m.path, name)),
    );
    // For these tasks PEFT would save the head instead of adapting it.
    const adaptsHead = adapters.some((a) => head.includes(a.site));
    const config: JsonObject = {
      peft_type: type,
      base_model_name_or_path: source.kind === 'hub' ? source.repo : source.path,
      revision: source.kind === 'hub' ? source.revision : null,
      task_type: adaptsHead ? null : task,
      inference_mode: true,
      bias: 'none',
      fan_in_fan_out: transposed,
      modules_to_save:
        saved.length > 0 ? suffixes([...new Set(saved.map((m) => (head.includes(m) ? headOf(m.path) : m.path)))], all, 'anywhere') : null,
      target_modules: targets,
      ...fields,
    };
    return {
      type,
      name: (adapters[0] as AdapterInstance).definition.name.text,
      config: sorted(Object.fromEntries(Object.entries(config).filter(([key]) => !(key in fields && fields[key] === null)))),
      adapters,
      modules: [...new Set([...saved, ...(adaptsHead ? [] : head)])],
      // A method without targets wraps no module.
      prefix: fields['target_modules'] === null ? 'base_model.' : keyPrefix,
    };
  });
}

/** The module that PEFT saves as the head: one inside it must not be saved a second time. */
const headOf = (path: string): string => {
  const steps = path.split('.');
  const last = steps.findIndex((_, i) =>
    heads.names.some((name) =>
      steps
        .slice(0, i + 1)
        .join('.')
        .endsWith(name),
    ),
  );
  return steps.slice(0, last + 1).join('.');
};

/** Whether an adapter only trains tensors of the model itself and is no method of PEFT. */
const isInPlace = (adapter: AdapterInstance): boolean =>
  adapter.storage.length === 0 && adapter.own.length > 0 && adapter.definition.foreign.length === 0;

/** Modules that are trained in full, or in part by what is no method of PEFT: the smallest modules that PEFT would save whole. */
export const savedModules = (resolved: Resolved): ModuleInstance[] =>
  allModules(resolved.model).filter(
    (m) => m.storage.length > 0 && (resolved.trained.has(m) || [resolved.adapters.get(m)].some((a) => a !== undefined && isInPlace(a))),
  );

/** The adapters that one configuration can mean: it has one value for each key, and a map only for some of them. */
function groupsOf(adapters: readonly AdapterInstance[]): { readonly type: string; readonly adapters: readonly AdapterInstance[] }[] {
  const groups: {
    readonly type: string;
    readonly adapters: AdapterInstance[];
    readonly fixed: Map<string, string>;
    readonly definitions: Set<Definition>;
  }[] = [];
  for (const adapter of adapters) {
    const { definition } = adapter;
    const type = definition.foreign[0]?.value ?? definition.name.text;
    const fixed = new Map(saidBy(adapter).flatMap((f) => (f.kind === 'fixed' ? [[f.name, JSON.stringify(f.value)] as const] : [])));
    const group = groups.find(
      (g) =>
        g.type === type &&
        [...fixed].every(
          ([name, value]) => (g.fixed.get(name) ?? value) === value && [...g.definitions].every((d) => mayBe(d, name, value)),
        ) &&
        [...g.fixed].every(([name, value]) => fixed.has(name) || mayBe(definition, name, value)),
    );
    if (group === undefined) groups.push({ type, adapters: [adapter], fixed, definitions: new Set([definition]) });
    else {
      group.adapters.push(adapter);
      group.definitions.add(definition);
      for (const [name, value] of fixed) group.fixed.set(name, value);
    }
  }
  return groups;
}

/** Whether a definition goes with a value of a key that it may not have itself. */
function mayBe(definition: Definition, name: string, json: string): boolean {
  if (section(definition, 'foreign').some((f) => f.name === name)) return true;
  const value = JSON.parse(json) as Json;
  const allowed = section(definition, 'foreign_ignored').find((f) => f.name === name);
  if (allowed === undefined) return isEmpty(value) || value === 0;
  return accepts(
    allowed.value,
    (expr) => JSON.stringify(toJson(evaluate(createElaboration(undefined, { training: false }), expr, emptyScope))) === json,
  );
}

const sorted = (o: JsonObject): JsonObject => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));

/** What an adapter says of a key: a value that all of its configuration share, one that they should but need not to compute the same,
 * one that a map may change by module, the map of those, or whether the module is listed. */
type Said = { readonly name: string } & (
  | { readonly kind: 'fixed' | 'usual' | 'varying'; readonly value: Json }
  | { readonly kind: 'pattern'; readonly value: Json; readonly of: string | undefined }
  | { readonly kind: 'mark'; readonly value: boolean }
);

function saidBy(adapter: AdapterInstance): Said[] {
  const { definition, params } = adapter;
  const e = createElaboration(undefined, { training: false });
  const scope = scopeOf(params, scopeOf(givenNames(adapter), adapter.globals));
  const valueOf = (expr: SectionField['value']): Json => toJson(evaluate(e, expr, scope));
  const fields = section(definition, 'foreign');
  const patterns = fields.flatMap((f) => argumentOf('patterns', f.value) ?? []);
  const computing = computingNames(definition);
  return fields.map(({ name, value: expr }): Said => {
    const marked = argumentOf('modules', expr);
    const pattern = argumentOf('patterns', expr);
    if (marked !== undefined) return { name, kind: 'mark', value: valueOf(marked) === true };
    if (pattern !== undefined)
      return { name, kind: 'pattern', value: valueOf(pattern), of: fields.find((f) => isSame(f.value, pattern))?.name };
    if (patterns.some((p) => isSame(p, expr))) return { name, kind: 'varying', value: valueOf(expr) };
    const names = namesIn(expr).filter((n) => params.has(n));
    return { name, kind: names.length === 0 || names.some((n) => computing.has(n)) ? 'fixed' : 'usual', value: valueOf(expr) };
  });
}

/** The names that say what a method computes when it is not trained: what `input` does to the activation of the change, the rates and
 * the first values of what is stored are left out. */
function computingNames(definition: Definition): ReadonlySet<string> {
  const names = new Set<string>();
  for (const m of definition.body.kind === 'block' ? definition.body.members : []) {
    if (m.kind === 'storage') namesBelow([m.type, m.when, m.storage === 'frozen' && m.foreign.length === 0 ? m.init : undefined], names);
    else if (
      m.kind === 'section' ? m.section.name.text === 'replace' : m.kind !== 'require' && !(m.kind === 'function' && m.name.text === 'input')
    )
      namesBelow(m, names);
  }
  return names;
}

/** Every name that a part of a tree looks up. */
function namesBelow(node: unknown, names: Set<string>): void {
  if (typeof node !== 'object' || node === null) return;
  if ('kind' in node && node.kind === 'name' && 'name' in node && typeof node.name === 'string') names.add(node.name);
  for (const part of Object.values(node)) namesBelow(part, names);
}

/** Whether two expressions are written alike. */
const isSame = (a: SectionField['value'], b: SectionField['value']): boolean => {
  const text = (expr: SectionField['value']): string =>
    JSON.stringify(expr, (key, value: unknown) => (key === 'span' || key === 'trivia' ? undefined : value));
  return text(a) === text(b);
};

/** The keys that the definitions give (null where `none` says that a key is left out), and the names of the targets. */
function foreignFields(
  adapters: readonly AdapterInstance[],
  all: readonly string[],
): { readonly fields: JsonObject; readonly targets: readonly string[] } {
  const said = adapters.map((a) => ({ path: a.site.path, fields: new Map(saidBy(a).map((f) => [f.name, f] as const)) }));
  const paths = said.map((s) => s.path);
  const fields: { [key: string]: Json } = {};
  // What is marked is named by itself: PEFT wants the names of a list of modules among the targets, letter by letter.
  const marked = new Map<string, string[]>();
  for (const { path, fields: own } of said) {
    const key = JSON.stringify([...own.values()].filter((f) => f.kind === 'mark'));
    marked.set(key, [...(marked.get(key) ?? []), path]);
  }
  const targets = [...marked].flatMap(([key, of]) => suffixes(of, all, key === '[]' ? 'dot' : 'anywhere'));
  for (const name of new Set(said.flatMap((s) => [...s.fields.keys()]))) {
    const here = said.flatMap(({ path, fields: own }) => (own.has(name) ? [{ path, said: own.get(name) as Said }] : []));
    const first = (here[0] as (typeof here)[number]).said;
    const usual = (key: string): Json => mostCommon(said.flatMap((s) => s.fields.get(key)?.value ?? []));
    if (first.kind === 'mark')
      fields[name] = suffixes(
        here.filter((h) => h.said.value === true).map((h) => h.path),
        all,
        'anywhere',
      );
    else if (first.kind === 'pattern') {
      const normal = JSON.stringify(usual(first.of ?? name));
      const map: { [key: string]: Json } = {};
      for (const value of new Set(here.map((h) => JSON.stringify(h.said.value)))) {
        if (value === normal) continue;
        for (const suffix of suffixes(
          here.filter((h) => JSON.stringify(h.said.value) === value).map((h) => h.path),
          paths,
        ))
          map[suffix] = JSON.parse(value) as Json;
      }
      fields[name] = map;
    } else fields[name] = mostCommon(here.map((h) => h.said.value));
  }
  // A method that PEFT does not have is described by its own parameters.
  const one = adapters[0] as AdapterInstance;
  if (one.definition.foreign.length === 0) for (const [name, value] of one.params) fields[name] ??= toJson(value);
  return { fields, targets: [...new Set(targets)].sort() };
}

function mostCommon(values: readonly Json[]): Json {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(JSON.stringify(value), (counts.get(JSON.stringify(value)) ?? 0) + 1);
  return JSON.parse([...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0]) as Json;
}

/** The shortest dotted suffixes that match every target and none of the others. What compares names from `anywhere` needs no dot before
 * the suffix. */
export function suffixes(targets: readonly string[], all: readonly string[], from: 'dot' | 'anywhere' = 'dot'): string[] {
  const wanted = new Set(targets);
  const found = new Set<string>();
  for (const target of targets) {
    const steps = target.split('.');
    let chosen = target;
    for (let n = 1; n <= steps.length; n += 1) {
      const suffix = steps.slice(-n).join('.');
      if (
        all.every((path) => wanted.has(path) || !(from === 'dot' ? path === suffix || path.endsWith(`.${suffix}`) : path.endsWith(suffix)))
      ) {
        chosen = suffix;
        break;
      }
    }
    found.add(chosen);
  }
  return [...found].sort();
}
