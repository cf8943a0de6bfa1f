/**
 * @file Adapter configurations of Hugging Face PEFT (`adapter_config.json`), written and read. Which keys a method has there is
 * said by its own `foreign { … }`; here are only the keys that every method shares. Source: PEFT 0.21, `PeftConfig`.
 */
import type { Definition, Member } from '../../grammar/ast.js';
import { createElaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import type { AdapterInstance, ModuleInstance } from '../elaborate/instance.js';
import { allModules, keyPrefix } from '../elaborate/instance.js';
import { weightName } from '../elaborate/members.js';
import { emptyScope, scopeOf, type Scope } from '../elaborate/scope.js';
import { givenNames } from '../elaborate/given-names.js';
import { namesIn } from '../elaborate/names.js';
import { showNumber } from '../elaborate/value.js';
import type { Resolved } from './check.js';
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
    const head = modules.filter((m) => m.storage.length > 0 && heads.tasks.some((t) => t === task) && heads.names.some((name) => stands(m.path, name)));
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
      modules_to_save: saved.length > 0 ? suffixes([...new Set(saved.map((m) => (head.includes(m) ? headOf(m.path) : m.path)))], all, 'anywhere') : null,
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
  const last = steps.findIndex((_, i) => heads.names.some((name) => steps.slice(0, i + 1).join('.').endsWith(name)));
  return steps.slice(0, last + 1).join('.');
};

/** Whether an adapter only trains tensors of the model itself and is no method of PEFT. */
const isInPlace = (adapter: AdapterInstance): boolean => adapter.storage.length === 0 && adapter.own.length > 0 && adapter.definition.foreign.length === 0;

/** Modules that are trained in full, or in part by what is no method of PEFT: the smallest modules that PEFT would save whole. */
export const savedModules = (resolved: Resolved): ModuleInstance[] => allModules(resolved.model).filter((m) => m.storage.length > 0 && (resolved.trained.has(m) || [resolved.adapters.get(m)].some((a) => a !== undefined && isInPlace(a))));

/** The adapters that one configuration can mean: it has one value for each key, and a map only for some of them. */
function groupsOf(adapters: readonly AdapterInstance[]): { readonly type: string; readonly adapters: readonly AdapterInstance[] }[] {
  const groups: { readonly type: string; readonly adapters: AdapterInstance[]; readonly fixed: Map<string, string>; readonly definitions: Set<Definition> }[] = [];
  for (const adapter of adapters) {
    const { definition } = adapter;
    const type = definition.foreign[0]?.value ?? definition.name.text;
    const fixed = new Map(saidBy(adapter).flatMap((f) => (f.kind === 'fixed' ? [[f.name, JSON.stringify(f.value)] as const] : [])));
    const group = groups.find(
      (g) =>
        g.type === type &&
        [...fixed].every(([name, value]) => (g.fixed.get(name) ?? value) === value && [...g.definitions].every((d) => mayBe(d, name, value))) &&
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
  return accepts(allowed.value, (expr) => JSON.stringify(toJson(evaluate(createElaboration(undefined, { training: false }), expr, emptyScope))) === json);
}

/** Whether `any`, `one_of(a, b)` or a value accepts what `equal` compares with. */
const accepts = (expr: SectionField['value'], equal: (expr: SectionField['value']) => boolean): boolean =>
  (expr.kind === 'name' && expr.name === 'any') || (expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === 'one_of' ? expr.args.some((a) => equal(a.value)) : equal(expr));

const sorted = (o: JsonObject): JsonObject => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));

type SectionField = { readonly name: string; readonly value: Extract<Member, { kind: 'section' }>['section']['fields'][number]['value'] };

const section = (d: Definition, name: string): readonly SectionField[] =>
  (d.body.kind === 'block' ? d.body.members : []).flatMap((m) => (m.kind === 'section' && m.section.name.text === name ? m.section.fields.map((f) => ({ name: f.name.text, value: f.value })) : []));

/** What an adapter says of a key: a value that all of its configuration share, one that they should but need not to compute the same,
 * one that a map may change by module, the map of those, or whether the module is listed. */
type Said = { readonly name: string } & ({ readonly kind: 'fixed' | 'usual' | 'varying'; readonly value: Json } | { readonly kind: 'pattern'; readonly value: Json; readonly of: string | undefined } | { readonly kind: 'mark'; readonly value: boolean });

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
    if (pattern !== undefined) return { name, kind: 'pattern', value: valueOf(pattern), of: fields.find((f) => isSame(f.value, pattern))?.name };
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
    else if (m.kind === 'section' ? m.section.name.text === 'replace' : m.kind !== 'require' && !(m.kind === 'function' && m.name.text === 'input')) namesBelow(m, names);
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
  const text = (expr: SectionField['value']): string => JSON.stringify(expr, (key, value: unknown) => (key === 'span' || key === 'trivia' ? undefined : value));
  return text(a) === text(b);
};

/** The keys that the definitions give (null where `none` says that a key is left out), and the names of the targets. */
function foreignFields(adapters: readonly AdapterInstance[], all: readonly string[]): { readonly fields: JsonObject; readonly targets: readonly string[] } {
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
    if (first.kind === 'mark') fields[name] = suffixes(here.filter((h) => h.said.value === true).map((h) => h.path), all, 'anywhere');
    else if (first.kind === 'pattern') {
      const normal = JSON.stringify(usual(first.of ?? name));
      const map: { [key: string]: Json } = {};
      for (const value of new Set(here.map((h) => JSON.stringify(h.said.value)))) {
        if (value === normal) continue;
        for (const suffix of suffixes(here.filter((h) => JSON.stringify(h.said.value) === value).map((h) => h.path), paths)) map[suffix] = JSON.parse(value) as Json;
      }
      fields[name] = map;
    } else fields[name] = mostCommon(here.map((h) => h.said.value));
  }
  // A method that PEFT does not have is described by its own parameters.
  const one = adapters[0] as AdapterInstance;
  if (one.definition.foreign.length === 0) for (const [name, value] of one.params) fields[name] ??= toJson(value);
  return { fields, targets: [...new Set(targets)].sort() };
}

/** What stands in `patterns(…)` or `modules(…)`. */
const argumentOf = (word: string, expr: SectionField['value']): SectionField['value'] | undefined => (expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === word ? expr.args[0]?.value : undefined);

/** The parameter in `patterns(parameter)` or `modules(parameter)`. */
const parameterOf = (word: string, expr: SectionField['value']): string | undefined => {
  const argument = argumentOf(word, expr);
  return argument?.kind === 'name' ? argument.name : undefined;
};

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
      if (all.every((path) => wanted.has(path) || !(from === 'dot' ? path === suffix || path.endsWith(`.${suffix}`) : path.endsWith(suffix)))) {
        chosen = suffix;
        break;
      }
    }
    found.add(chosen);
  }
  return [...found].sort();
}

/** Keys every method may have that say nothing about the mathematics. */
const neutral = new Set(['peft_type', 'task_type', 'base_model_name_or_path', 'revision', 'inference_mode', 'peft_version', 'auto_mapping', 'fan_in_fan_out', 'target_modules', 'modules_to_save', 'exclude_modules', 'layers_to_transform', 'layers_pattern', 'runtime_config']);

/** What a configuration means as text. */
export interface ImportedConfig {
  /** `import` lines and the statements of the experiment. */
  readonly imports: readonly string[];
  readonly statements: readonly string[];
  /** What could not be carried over, in words; not empty means that the import must be refused. */
  readonly unsupported: readonly string[];
}

/** A definition that a configuration may mean. */
export interface Method {
  readonly folder: string;
  readonly definition: Definition;
  readonly scope: Scope;
}

/** The statements that mean what a PEFT configuration means on this model. */
export function importAdapterConfig(config: JsonObject, known: readonly Method[], model: ModuleInstance): ImportedConfig {
  const type = config['peft_type'];
  const methods = known.filter((a) => a.definition.foreign.some((f) => f.value === type));
  const refused = (...unsupported: readonly string[]): ImportedConfig => ({ imports: [], statements: [], unsupported });
  if (methods.length === 0) return refused(`peft_type ${JSON.stringify(type ?? null)} has no adapter in the standard library`);
  for (const key of ['target_modules', 'exclude_modules']) {
    const text = config[key];
    if (typeof text === 'string' && expression(`(?:${text})$`, '^') === undefined) return refused(`${key}: ${JSON.stringify(text)} is no expression that is understood here`);
  }
  const unsupported: string[] = [];
  if (typeof config['target_modules'] === 'string' && !isEmpty(config['layers_to_transform'] ?? null)) unsupported.push('layers_to_transform beside target_modules that is one expression');
  const modules = allModules(model);
  const readings = methods.map((method) => ({ method, kind: method.definition.on?.name.text, reading: readConfig(config, method) }));
  /** The definition that means the configuration on a kind of site, or the one that fails for the fewest reasons. */
  const readingFor = (m: ModuleInstance): (typeof readings)[number] | undefined =>
    readings.filter((r) => m.kinds.some((k) => k.name === r.kind)).sort((a, b) => a.reading.unsupported.length - b.reading.unsupported.length)[0];
  const sites = modules.filter((m) => readingFor(m) !== undefined);
  const saved = asList(config['modules_to_save']);
  const savedPaths = modules.filter((m) => m.storage.length > 0 && saved.some((s) => stands(m.path, s)));
  // A method that has no targets there acts on every site that it can.
  const everywhere = readings.some((r) => r.reading.everywhere);
  const meant = (m: ModuleInstance): boolean => (everywhere || isTarget(m.path, config, sites)) && !savedPaths.includes(m);
  const targets = sites.filter(meant);
  const beyond = everywhere ? undefined : modules.find((m) => m.storage.length > 0 && !sites.includes(m) && meant(m));
  if (beyond !== undefined && config['target_modules'] !== 'all-linear') unsupported.push(`${beyond.path} is ${/^[aeiou]/.test(beyond.definition.name.text) ? 'an' : 'a'} ${beyond.definition.name.text}, which ${(methods[0] as Method).definition.name.text} does not act on`);
  if (targets.length === 0) unsupported.push(...(readings.length === 1 ? (readings[0]?.reading.unsupported ?? []) : []), `target_modules ${JSON.stringify(config['target_modules'] ?? null)} matches nothing in this model`);
  const groups = new Map<string, { method: Method; args: ReadonlyMap<string, Json>; paths: string[] }>();
  for (const site of targets) {
    const { method, reading } = readingFor(site) as (typeof readings)[number];
    for (const reason of reading.unsupported) if (!unsupported.includes(reason)) unsupported.push(reason);
    const own = new Map(reading.args);
    for (const { param, entries } of reading.patterns) {
      const hit = entries.find(([re]) => re.test(site.path));
      if (hit) own.set(param, hit[1]);
    }
    for (const { param, names } of reading.marked) own.set(param, names.some((name) => matchesName(site.path, name)));
    const key = JSON.stringify([method.definition.name.text, ...own]);
    const group = groups.get(key) ?? { method, args: own, paths: [] };
    group.paths.push(site.path);
    groups.set(key, group);
  }
  const paths = sites.map((m) => m.path);
  const statements = [...groups.values()].map((g) => {
    const { definition } = g.method;
    const args = [...g.args].map(([k, v]) => `${k}: ${literal(definition, k, v)}`).join(', ');
    return `adapt ${globs(g.paths, paths).map((p) => JSON.stringify(p)).join(' + ')} with ${definition.name.text}(${args})`;
  });
  if (savedPaths.length > 0) statements.push(`train ${savedPaths.map((m) => JSON.stringify(m.path)).join(' + ')}`);
  const imports = new Set([...groups.values()].map(({ method }) => `import std.${method.folder}.${method.definition.name.text}`));
  return { imports: [...imports], statements, unsupported };
}

/** What a configuration says to one definition. */
interface Reading {
  readonly args: ReadonlyMap<string, Json>;
  readonly patterns: readonly { readonly param: string; readonly entries: readonly (readonly [RegExp, Json])[] }[];
  readonly marked: readonly { readonly param: string; readonly names: readonly string[] }[];
  /** `target_modules: none`: it acts on every site of its kind. */
  readonly everywhere: boolean;
  readonly unsupported: readonly string[];
}

function readConfig(config: JsonObject, method: Method): Reading {
  const { definition } = method;
  const fields = section(definition, 'foreign');
  const ignored = section(definition, 'foreign_ignored');
  const e = createElaboration(undefined, { training: false });
  const equal = (expr: SectionField['value'], value: Json): boolean => JSON.stringify(toJson(evaluate(e, expr, method.scope))) === JSON.stringify(value);
  const unsupported: string[] = [];
  // What PEFT's own code does differently is done as it does it.
  const args = new Map<string, Json>(section(definition, 'foreign_import').map((f) => [f.name, toJson(evaluate(e, f.value, method.scope))]));
  const patterns: { param: string; entries: (readonly [RegExp, Json])[] }[] = [];
  const marked: { param: string; names: string[] }[] = [];
  const params = new Set(definition.params.map((p) => p.name.text));
  for (const [key, value] of Object.entries(config)) {
    const field = fields.find((f) => f.name === key);
    const pattern = field === undefined ? undefined : parameterOf('patterns', field.value);
    const mark = field === undefined ? undefined : parameterOf('modules', field.value);
    if (field === undefined) {
      const allowed = ignored.find((f) => f.name === key);
      if (!(allowed !== undefined && accepts(allowed.value, (expr) => equal(expr, value))) && !neutral.has(key) && !isEmpty(value) && !(key === 'bias' && value === 'none')) unsupported.push(`${key}: ${JSON.stringify(value)}`);
    } else if (value === null) continue;
    else if (pattern !== undefined) {
      const entries = Object.entries(value as JsonObject).map(([k, v]) => [expression(`(.*\\.)?(${k})$`, '^'), v] as const);
      for (const [i, [re]] of entries.entries()) if (re === undefined) unsupported.push(`${key}: ${JSON.stringify(Object.keys(value as JsonObject)[i])} is no expression that is understood here`);
      patterns.push({ param: pattern, entries: entries.flatMap(([re, v]) => (re === undefined ? [] : [[re, v] as const])) });
    } else if (mark !== undefined) marked.push({ param: mark, names: asList(value) });
    else if (field.value.kind === 'name' && params.has(field.value.name)) args.set(field.value.name, value);
    else if (field.value.kind === 'none') continue;
    else if (namesIn(field.value).some((name) => definition.on?.binds.some((b) => b.text === name))) continue;
    else if (namesIn(field.value).some((name) => params.has(name))) unsupported.push(`${key}: ${JSON.stringify(value)} is what ${definition.name.text} writes, not what it reads`);
    else if (!equal(field.value, value)) unsupported.push(`${key}: ${JSON.stringify(value)}`);
  }
  return { args, patterns, marked, everywhere: fields.some((f) => f.name === 'target_modules' && f.value.kind === 'none'), unsupported };
}

/** A regular expression of Python, as far as it is one here too. */
function expression(text: string, start: string): RegExp | undefined {
  try {
    return new RegExp(start + text);
  } catch {
    return undefined;
  }
}

const isEmpty = (v: Json): boolean => v === null || v === false || (Array.isArray(v) ? v.length === 0 : typeof v === 'object' && Object.keys(v as JsonObject).length === 0);

const asList = (v: Json | undefined): string[] => (Array.isArray(v) ? (v as readonly Json[]).filter((x): x is string => typeof x === 'string') : typeof v === 'string' ? [v] : []);

const matchesName = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** Whether the path of a module, or of one around it, ends with a name; PEFT does not ask for a whole step there. */
const stands = (path: string, name: string): boolean => path.split('.').some((_, i, steps) => steps.slice(0, i + 1).join('.').endsWith(name));

/** PEFT's rule: a string is a full match (or `all-linear`), a list holds names and dotted suffixes; `exclude_modules` first, then layers. */
function isTarget(path: string, config: JsonObject, sites: readonly ModuleInstance[]): boolean {
  const spec = (v: Json | undefined): boolean => (typeof v === 'string' ? new RegExp(`^(?:${v})$`).test(path) : asList(v).some((name) => matchesName(path, name)));
  if (!isEmpty(config['exclude_modules'] ?? null) && spec(config['exclude_modules'])) return false;
  const target = config['target_modules'];
  if (target === 'all-linear') {
    const site = sites.find((m) => m.path === path);
    return site?.kinds.some((k) => k.name === 'linear') === true && !site.roles.some((r) => r[0]?.name === 'head');
  }
  if (!spec(target)) return false;
  const layers = config['layers_to_transform'];
  if (layers === undefined || layers === null) return true;
  const pattern = config['layers_pattern'];
  const names = asList(pattern);
  const found = (names.length > 0 ? names.map((n) => expression(`.*?\\.${n}\\.(\\d+)\\.`, '')?.exec(path)).find((m) => m != null) : /.*?\.[^.]*\.(\d+)\./.exec(path)) ?? undefined;
  const index = found === undefined ? undefined : Number(found[1]);
  return index !== undefined && (Array.isArray(layers) ? (layers as readonly Json[]).includes(index) : layers === index);
}

/** Globs with `*` for layer numbers where every layer is meant, full names elsewhere. */
export function globs(targets: readonly string[], all: readonly string[]): string[] {
  const wanted = new Set(targets);
  const out = new Set<string>();
  for (const target of targets) {
    const glob = target.replace(/(^|\.)\d+(?=\.|$)/g, '$1*');
    const re = new RegExp(`^${glob.split('*').map((s) => s.replace(/\./g, '\\.')).join('[^.]*')}$`);
    out.add(all.every((p) => wanted.has(p) || !re.test(p)) ? glob : target);
  }
  return [...out];
}

/** A JSON value as the parameter's type wants it written. */
function literal(definition: Definition, name: string, value: Json): string {
  const type = JSON.stringify(definition.params.find((p) => p.name.text === name)?.type ?? {});
  if (typeof value === 'number') return type.includes('"Ratio"') ? showNumber({ kind: 'number', value, integer: false, unit: 'ratio' }) : String(value);
  return JSON.stringify(value);
}
