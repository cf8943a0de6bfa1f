/**
 * @file Adapter configurations of Hugging Face PEFT (`adapter_config.json`) read: which method, which targets, which arguments.
 * What a key means is said by each method's own `foreign { … }`. Source: PEFT 0.21, `PeftConfig`.
 */
import type { Definition } from '../../grammar/ast.js';
import { createElaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import type { ModuleInstance } from '../elaborate/instance.js';
import type { Scope } from '../elaborate/scope.js';
import { allModules } from '../elaborate/instance.js';
import { namesIn } from '../elaborate/names.js';
import { showNumber } from '../elaborate/value.js';
import { accepts, isEmpty, parameterOf, section, stands, type SectionField } from './foreign-fields.js';
import { toJson } from './json.js';
import type { Json } from './spec.js';

type JsonObject = { readonly [key: string]: Json };

/** Keys every method may have that say nothing about the mathematics. */
const neutral = new Set([
  'peft_type',
  'task_type',
  'base_model_name_or_path',
  'revision',
  'inference_mode',
  'peft_version',
  'auto_mapping',
  'fan_in_fan_out',
  'target_modules',
  'modules_to_save',
  'exclude_modules',
  'layers_to_transform',
  'layers_pattern',
  'runtime_config',
]);

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
    if (typeof text === 'string' && expression(`(?:${text})$`, '^') === undefined)
      return refused(`${key}: ${JSON.stringify(text)} is no expression that is understood here`);
  }
  const unsupported: string[] = [];
  if (typeof config['target_modules'] === 'string' && !isEmpty(config['layers_to_transform'] ?? null))
    unsupported.push('layers_to_transform beside target_modules that is one expression');
  const modules = allModules(model);
  const readings = methods.map((method) => ({ method, kind: method.definition.on?.name.text, reading: readConfig(config, method) }));
  /** The definition that means the configuration on a kind of site, or the one that fails for the fewest reasons. */
  const readingFor = (m: ModuleInstance): (typeof readings)[number] | undefined =>
    readings
      .filter((r) => m.kinds.some((k) => k.name === r.kind))
      .sort((a, b) => a.reading.unsupported.length - b.reading.unsupported.length)[0];
  const sites = modules.filter((m) => readingFor(m) !== undefined);
  const saved = asList(config['modules_to_save']);
  const savedPaths = modules.filter((m) => m.storage.length > 0 && saved.some((s) => stands(m.path, s)));
  // A method that has no targets there acts on every site that it can.
  const everywhere = readings.some((r) => r.reading.everywhere);
  const meant = (m: ModuleInstance): boolean => (everywhere || isTarget(m.path, config, sites)) && !savedPaths.includes(m);
  const targets = sites.filter(meant);
  const beyond = everywhere ? undefined : modules.find((m) => m.storage.length > 0 && !sites.includes(m) && meant(m));
  if (beyond !== undefined && config['target_modules'] !== 'all-linear')
    unsupported.push(
      `${beyond.path} is ${/^[aeiou]/.test(beyond.definition.name.text) ? 'an' : 'a'} ${beyond.definition.name.text}, which ${(methods[0] as Method).definition.name.text} does not act on`,
    );
  if (targets.length === 0)
    unsupported.push(
      ...(readings.length === 1 ? (readings[0]?.reading.unsupported ?? []) : []),
      `target_modules ${JSON.stringify(config['target_modules'] ?? null)} matches nothing in this model`,
    );
  const groups = new Map<string, { method: Method; args: ReadonlyMap<string, Json>; paths: string[] }>();
  for (const site of targets) {
    const { method, reading } = readingFor(site) as (typeof readings)[number];
    for (const reason of reading.unsupported) if (!unsupported.includes(reason)) unsupported.push(reason);
    const own = new Map(reading.args);
    for (const { param, entries } of reading.patterns) {
      const hit = entries.find(([re]) => re.test(site.path));
      if (hit) own.set(param, hit[1]);
    }
    for (const { param, names } of reading.marked)
      own.set(
        param,
        names.some((name) => matchesName(site.path, name)),
      );
    const key = JSON.stringify([method.definition.name.text, ...own]);
    const group = groups.get(key) ?? { method, args: own, paths: [] };
    group.paths.push(site.path);
    groups.set(key, group);
  }
  const paths = sites.map((m) => m.path);
  const statements = [...groups.values()].map((g) => {
    const { definition } = g.method;
    const args = [...g.args].map(([k, v]) => `${k}: ${literal(definition, k, v)}`).join(', ');
    return `adapt ${globs(g.paths, paths)
      .map((p) => JSON.stringify(p))
      .join(' + ')} with ${definition.name.text}(${args})`;
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
  const equal = (expr: SectionField['value'], value: Json): boolean =>
    JSON.stringify(toJson(evaluate(e, expr, method.scope))) === JSON.stringify(value);
  const unsupported: string[] = [];
  // What PEFT's own code does differently is done as it does it.
  const args = new Map<string, Json>(
    section(definition, 'foreign_import').map((f) => [f.name, toJson(evaluate(e, f.value, method.scope))]),
  );
  const patterns: { param: string; entries: (readonly [RegExp, Json])[] }[] = [];
  const marked: { param: string; names: string[] }[] = [];
  const params = new Set(definition.params.map((p) => p.name.text));
  for (const [key, value] of Object.entries(config)) {
    const field = fields.find((f) => f.name === key);
    const pattern = field === undefined ? undefined : parameterOf('patterns', field.value);
    const mark = field === undefined ? undefined : parameterOf('modules', field.value);
    if (field === undefined) {
      const allowed = ignored.find((f) => f.name === key);
      if (
        !(allowed !== undefined && accepts(allowed.value, (expr) => equal(expr, value))) &&
        !neutral.has(key) &&
        !isEmpty(value) &&
        !(key === 'bias' && value === 'none')
      )
        unsupported.push(`${key}: ${JSON.stringify(value)}`);
    } else if (value === null) continue;
    else if (pattern !== undefined) {
      const entries = Object.entries(value as JsonObject).map(([k, v]) => [expression(`(.*\\.)?(${k})$`, '^'), v] as const);
      for (const [i, [re]] of entries.entries())
        if (re === undefined)
          unsupported.push(`${key}: ${JSON.stringify(Object.keys(value as JsonObject)[i])} is no expression that is understood here`);
      patterns.push({ param: pattern, entries: entries.flatMap(([re, v]) => (re === undefined ? [] : [[re, v] as const])) });
    } else if (mark !== undefined) marked.push({ param: mark, names: asList(value) });
    else if (field.value.kind === 'name' && params.has(field.value.name)) args.set(field.value.name, value);
    else if (field.value.kind === 'none') continue;
    else if (namesIn(field.value).some((name) => definition.on?.binds.some((b) => b.text === name))) continue;
    else if (namesIn(field.value).some((name) => params.has(name)))
      unsupported.push(`${key}: ${JSON.stringify(value)} is what ${definition.name.text} writes, not what it reads`);
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

const asList = (v: Json | undefined): string[] =>
  Array.isArray(v) ? (v as readonly Json[]).filter((x): x is string => typeof x === 'string') : typeof v === 'string' ? [v] : [];

const matchesName = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** PEFT's rule: a string is a full match (or `all-linear`), a list holds names and dotted suffixes; `exclude_modules` first, then layers. */
function isTarget(path: string, config: JsonObject, sites: readonly ModuleInstance[]): boolean {
  const spec = (v: Json | undefined): boolean =>
    typeof v === 'string' ? new RegExp(`^(?:${v})$`).test(path) : asList(v).some((name) => matchesName(path, name));
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
  const found =
    (names.length > 0
      ? names.map((n) => expression(`.*?\\.${n}\\.(\\d+)\\.`, '')?.exec(path)).find((m) => m != null)
      : /.*?\.[^.]*\.(\d+)\./.exec(path)) ?? undefined;
  const index = found === undefined ? undefined : Number(found[1]);
  return index !== undefined && (Array.isArray(layers) ? (layers as readonly Json[]).includes(index) : layers === index);
}

/** Globs with `*` for layer numbers where every layer is meant, full names elsewhere. */
export function globs(targets: readonly string[], all: readonly string[]): string[] {
  const wanted = new Set(targets);
  const out = new Set<string>();
  for (const target of targets) {
    const glob = target.replace(/(^|\.)\d+(?=\.|$)/g, '$1*');
    const re = new RegExp(
      `^${glob
        .split('*')
        .map((s) => s.replace(/\./g, '\\.'))
        .join('[^.]*')}$`,
    );
    out.add(all.every((p) => wanted.has(p) || !re.test(p)) ? glob : target);
  }
  return [...out];
}

/** A JSON value as the parameter's type wants it written. */
function literal(definition: Definition, name: string, value: Json): string {
  const type = JSON.stringify(definition.params.find((p) => p.name.text === name)?.type ?? {});
  if (typeof value === 'number')
    return type.includes('"Ratio"') ? showNumber({ kind: 'number', value, integer: false, unit: 'ratio' }) : String(value);
  return JSON.stringify(value);
}
