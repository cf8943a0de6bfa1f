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
function comparable(spec: Spec): Json {
  const whole = meaning(spec) as { readonly [key: string]: Json };
  return {
    ...whole,
    adapters: Object.fromEntries(spec.adapters.map((x) => [x.module, { method: x.method, ...x.args }])),
    trained: Object.fromEntries(spec.trained.map((m) => [m, true])),
  };
}

const isObject = (j: Json | undefined): j is { readonly [key: string]: Json } => typeof j === 'object' && j !== null && !Array.isArray(j);

function compare(a: Json | undefined, b: Json | undefined, path: string, found: Difference[]): void {
  if (isObject(a) && isObject(b)) {
    for (const key of [...Object.keys(a), ...Object.keys(b).filter((k) => !(k in a))]) compare(a[key], b[key], joinKey(path, key), found);
    return;
  }
  if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ path, before: a, after: b });
}
