/**
 * @file Differences of two Specs, field by field, in meaning and not in text: formatting, comments, order of statements and
 * derivation make none.
 */
import { joinKey } from './json.js';
import { meaning, type Json, type Spec } from './spec.js';

/** One field that differs; undefined where it is absent on that side. */
export interface Difference {
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** What differs, in the order of the fields; adapters are compared by module. */
export function diffSpecs(a: Spec, b: Spec): Difference[] {
  const found: Difference[] = [];
  compare(comparable(a), comparable(b), '', found);
  return found;
}

/** The meaning with lists of modules as maps, so that one more module is one difference. */
export function comparable(spec: Spec): Json {
  const whole = meaning(spec) as { readonly [key: string]: Json };
  return {
    ...whole,
    adapters: Object.fromEntries(spec.adapters.map((x) => [x.module, { method: x.method, ...x.args }])),
    quantized: Object.fromEntries(spec.quantized.map((q) => [q.module, { format: q.format, ...q.args }])),
    trained: Object.fromEntries(spec.trained.map((m) => [m, true])),
  };
}

/** Modules in which the same changes in the same way, as one row. */
export interface Grouped extends Difference {
  /** Paths of the modules; none where the field belongs to no module. */
  readonly modules: readonly string[];
}

/** Parts of a Spec that have an entry for each module. */
const byModule = ['adapters', 'quantized', 'trained'];

/** Differences with those that are alike in several modules as one; `adapters."encoder.layer.0.query".rank` and its like become `adapters.rank`. */
export function groupDifferences(differences: readonly Difference[]): Grouped[] {
  const rows = new Map<string, Difference & { modules: string[] }>();
  for (const d of differences) {
    const [, part, module, rest] = /^(\w+)\."([^"]*)"(?:\.(.*))?$/.exec(d.path) ?? /^(\w+)\.([^.]+)(?:\.(.*))?$/.exec(d.path) ?? [];
    if (part === undefined || module === undefined || !byModule.includes(part)) {
      rows.set(d.path, { ...d, modules: [] });
      continue;
    }
    const path = rest === undefined ? part : `${part}.${rest}`;
    const key = JSON.stringify([path, d.before ?? null, d.after ?? null, d.before === undefined, d.after === undefined]);
    const known = rows.get(key);
    if (known === undefined) rows.set(key, { path, before: d.before, after: d.after, modules: [module] });
    else known.modules.push(module);
  }
  return [...rows.values()];
}

/** Paths with the numbers in which they differ as `*`: `encoder.layer.*.attention.query`. */
export function showModules(paths: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const key = path.replace(/(?<=^|\.)\d+(?=\.|$)/g, '*');
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return [...groups].map(([key, list]) => (list.length === 1 ? (list[0] as string) : `${key} (${list.length})`));
}

const isObject = (j: Json | undefined): j is { readonly [key: string]: Json } => typeof j === 'object' && j !== null && !Array.isArray(j);

function compare(a: Json | undefined, b: Json | undefined, path: string, found: Difference[]): void {
  if (isObject(a) && isObject(b)) {
    for (const key of [...Object.keys(a), ...Object.keys(b).filter((k) => !(k in a))]) compare(a[key], b[key], joinKey(path, key), found);
    return;
  }
  if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ path, before: a, after: b });
}
