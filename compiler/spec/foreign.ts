/**
 * @file Adapter configurations of Hugging Face PEFT (`adapter_config.json`), written and read. Which keys a method has there is
 * said by its own `foreign { … }`; here are only the keys that every method shares. Source: PEFT 0.21, `PeftConfig`.
 */
import type { Definition, Member } from '../../grammar/ast.js';
import { createElaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import type { AdapterInstance, ModuleInstance } from '../elaborate/instance.js';
import { allModules } from '../elaborate/instance.js';
import { weightName } from '../elaborate/members.js';
import { scopeOf, type Scope } from '../elaborate/scope.js';
import { showNumber, type Value } from '../elaborate/value.js';
import type { Resolved } from './check.js';
import { toJson } from './json.js';
import type { Json } from './spec.js';

type JsonObject = { readonly [key: string]: Json };

/** Prefix of every tensor in PEFT's files. */
export const keyPrefix = 'base_model.model.';

/** `adapter_config.json` of a resolved experiment, or why it cannot be one. */
export function adapterConfig(resolved: Resolved): { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly message: string } {
  const adapters = [...resolved.adapters.values()];
  const first = adapters[0];
  const source = resolved.spec.base.source;
  const all = allModules(resolved.model).map((m) => m.path);
  const saved = savedModules(resolved);
  const shared: JsonObject = {
    base_model_name_or_path: source.kind === 'hub' ? source.repo : source.path,
    revision: source.kind === 'hub' ? source.revision : null,
    task_type: resolved.task.definition.foreign[0]?.value ?? null,
    inference_mode: true,
    bias: 'none',
    modules_to_save: saved.length > 0 ? suffixes(saved, all) : null,
  };
  if (first === undefined) return { ok: false, message: 'no adapter is trained, so there is no adapter configuration' };
  const other = adapters.find((a) => a.definition !== first.definition);
  if (other !== undefined) return { ok: false, message: `${first.definition.name.text} and ${other.definition.name.text} cannot stand in one adapter configuration` };
  const type = first.definition.foreign[0]?.value;
  if (type === undefined) return { ok: false, message: `${first.definition.name.text} has no name there` };
  const targets = adapters.map((a) => a.site.path);
  const transposed = adapters.every((a) => !a.site.storage.some((s) => s.name === weightName));
  return { ok: true, value: sorted({ peft_type: type, ...shared, fan_in_fan_out: transposed, target_modules: suffixes(targets, all), ...foreignFields(adapters) }) };
}

/** Paths of the modules that are trained in full: the smallest modules that PEFT would save whole. */
export const savedModules = (resolved: Resolved): string[] => [...resolved.trained].filter((m) => m.storage.length > 0).map((m) => m.path);

const sorted = (o: JsonObject): JsonObject => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));

const section = (d: Definition, name: string): readonly { readonly name: string; readonly value: Extract<Member, { kind: 'section' }>['section']['fields'][number]['value'] }[] =>
  (d.body.kind === 'block' ? d.body.members : []).flatMap((m) => (m.kind === 'section' && m.section.name.text === name ? m.section.fields.map((f) => ({ name: f.name.text, value: f.value })) : []));

function foreignFields(adapters: readonly AdapterInstance[]): JsonObject {
  const first = adapters[0] as AdapterInstance;
  const usual = new Map([...first.params.keys()].map((name) => [name, mostCommon(adapters.map((a) => a.params.get(name) as Value))] as const));
  const e = createElaboration(undefined, { training: false });
  const out: { [key: string]: Json } = {};
  for (const field of section(first.definition, 'foreign')) {
    const pattern = patternOf(field.value);
    if (pattern === undefined) {
      out[field.name] = toJson(evaluate(e, field.value, scopeOf(usual, first.globals)));
      continue;
    }
    const normal = JSON.stringify(toJson(usual.get(pattern) as Value));
    const paths = adapters.map((a) => a.site.path);
    const map: { [key: string]: Json } = {};
    for (const value of new Set(adapters.map((a) => JSON.stringify(toJson(a.params.get(pattern) as Value))))) {
      if (value === normal) continue;
      const own = adapters.filter((a) => JSON.stringify(toJson(a.params.get(pattern) as Value)) === value).map((a) => a.site.path);
      for (const suffix of suffixes(own, paths)) map[suffix] = JSON.parse(value) as Json;
    }
    out[field.name] = map;
  }
  return out;
}

/** The parameter in `patterns(parameter)`. */
const patternOf = (expr: ReturnType<typeof section>[number]['value']): string | undefined =>
  expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === 'patterns' && expr.args[0]?.value.kind === 'name' ? expr.args[0].value.name : undefined;

function mostCommon(values: readonly Value[]): Value {
  const counts = new Map<string, { value: Value; count: number }>();
  for (const value of values) {
    const key = JSON.stringify(toJson(value));
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { value, count: 1 });
  }
  return [...counts.values()].reduce((best, one) => (one.count > best.count ? one : best)).value;
}

/** The shortest dotted suffixes that match every target and none of the others. */
export function suffixes(targets: readonly string[], all: readonly string[]): string[] {
  const wanted = new Set(targets);
  const found = new Set<string>();
  for (const target of targets) {
    const steps = target.split('.');
    let chosen = target;
    for (let n = 1; n <= steps.length; n += 1) {
      const suffix = steps.slice(-n).join('.');
      if (all.every((path) => wanted.has(path) || !(path === suffix || path.endsWith(`.${suffix}`)))) {
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

/** The statements that mean what a PEFT configuration means on this model. */
export function importAdapterConfig(config: JsonObject, adapters: readonly { readonly folder: string; readonly definition: Definition; readonly scope: Scope }[], model: ModuleInstance): ImportedConfig {
  const unsupported: string[] = [];
  const type = config['peft_type'];
  const method = adapters.find((a) => a.definition.foreign.some((f) => f.value === type));
  if (method === undefined) return { imports: [], statements: [], unsupported: [`peft_type ${JSON.stringify(type ?? null)} has no adapter in the standard library`] };
  const { definition } = method;
  const kind = definition.on?.name.text;
  const modules = allModules(model);
  const sites = modules.filter((m) => m.kinds.some((k) => k.name === kind));
  const fields = section(definition, 'foreign');
  const ignored = section(definition, 'foreign_ignored');
  const e = createElaboration(undefined, { training: false });
  const args = new Map<string, Json>();
  const patterns: { param: string; entries: (readonly [RegExp, Json])[] }[] = [];
  for (const [key, value] of Object.entries(config)) {
    const field = fields.find((f) => f.name === key);
    if (field === undefined) {
      const allowed = ignored.find((f) => f.name === key);
      const same = allowed !== undefined && JSON.stringify(toJson(evaluate(e, allowed.value, method.scope))) === JSON.stringify(value);
      if (!same && !neutral.has(key) && !isEmpty(value) && !(key === 'bias' && value === 'none')) unsupported.push(`${key}: ${JSON.stringify(value)}`);
      continue;
    }
    if (value === null) continue;
    const pattern = patternOf(field.value);
    if (pattern !== undefined) {
      const entries = Object.entries(value as JsonObject).map(([k, v]) => [expression(`(.*\\.)?(${k})$`, '^'), v] as const);
      for (const [i, [re]] of entries.entries()) if (re === undefined) unsupported.push(`${key}: ${JSON.stringify(Object.keys(value as JsonObject)[i])} is no expression that is understood here`);
      patterns.push({ param: pattern, entries: entries.flatMap(([re, v]) => (re === undefined ? [] : [[re, v] as const])) });
    } else if (field.value.kind === 'name') args.set(field.value.name, value);
    else if (JSON.stringify(toJson(evaluate(e, field.value, method.scope))) !== JSON.stringify(value)) unsupported.push(`${key}: ${JSON.stringify(value)}`);
  }
  for (const key of ['target_modules', 'exclude_modules']) {
    const text = config[key];
    if (typeof text === 'string' && expression(`(?:${text})$`, '^') === undefined) return { imports: [], statements: [], unsupported: [`${key}: ${JSON.stringify(text)} is no expression that is understood here`] };
  }
  if (typeof config['target_modules'] === 'string' && !isEmpty(config['layers_to_transform'] ?? null)) unsupported.push('layers_to_transform beside target_modules that is one expression');
  const saved = asList(config['modules_to_save']);
  const savedPaths = modules.filter((m) => m.storage.length > 0 && saved.some((s) => stands(m.path, s)));
  const targets = sites.filter((m) => isTarget(m.path, config, sites) && !savedPaths.includes(m));
  const beyond = modules.find((m) => m.storage.length > 0 && !sites.includes(m) && isTarget(m.path, config, sites) && !savedPaths.includes(m));
  if (beyond !== undefined && config['target_modules'] !== 'all-linear') unsupported.push(`${beyond.path} is ${/^[aeiou]/.test(beyond.definition.name.text) ? 'an' : 'a'} ${beyond.definition.name.text}, which ${definition.name.text} does not act on`);
  if (targets.length === 0) unsupported.push(`target_modules ${JSON.stringify(config['target_modules'] ?? null)} matches nothing in this model`);
  const groups = new Map<string, { args: Map<string, Json>; paths: string[] }>();
  for (const site of targets) {
    const own = new Map(args);
    for (const { param, entries } of patterns) {
      const hit = entries.find(([re]) => re.test(site.path));
      if (hit) own.set(param, hit[1]);
    }
    const key = JSON.stringify([...own]);
    const group = groups.get(key) ?? { args: own, paths: [] };
    group.paths.push(site.path);
    groups.set(key, group);
  }
  const paths = sites.map((m) => m.path);
  const statements = [...groups.values()].map((g) => `adapt ${globs(g.paths, paths).map((p) => JSON.stringify(p)).join(' + ')} with ${definition.name.text}(${[...g.args].map(([k, v]) => `${k}: ${literal(definition, k, v)}`).join(', ')})`);
  if (savedPaths.length > 0) statements.push(`train ${savedPaths.map((m) => JSON.stringify(m.path)).join(' + ')}`);
  return { imports: [`import std.${method.folder}.${definition.name.text}`], statements, unsupported };
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

/** Whether a module, or one around it, has a name. */
const stands = (path: string, name: string): boolean => path.split('.').some((_, i, steps) => matchesName(steps.slice(0, i + 1).join('.'), name));

/** PEFT's rule: a string is a full match (or `all-linear`), a list holds names and dotted suffixes; `exclude_modules` first, then layers. */
function isTarget(path: string, config: JsonObject, sites: readonly ModuleInstance[]): boolean {
  const spec = (v: Json | undefined): boolean => (typeof v === 'string' ? new RegExp(`^(?:${v})$`).test(path) : asList(v).some((name) => matchesName(path, name)));
  if (!isEmpty(config['exclude_modules'] ?? null) && spec(config['exclude_modules'])) return false;
  const target = config['target_modules'];
  if (target === 'all-linear') {
    const site = sites.find((m) => m.path === path);
    return !(site?.roles.some((r) => r[0]?.name === 'head') ?? false);
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
