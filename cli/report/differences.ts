/**
 * @file How the experiments of two methods differ in meaning, and what that comes to. The seed makes no difference here: a method has several.
 */
import { diffSpecs, groupDifferences, type Grouped } from '../../compiler/spec/diff.js';
import { joinKey } from '../../compiler/spec/json.js';
import type { Json, Origin, Spec } from '../../compiler/spec/spec.js';
import type { Method } from '../comparison.js';
import { consequenceNames, type Consequences } from '../consequences.js';
import { consequencesOfRun, type Run } from '../runs.js';

/** A field that differs. */
export interface FieldDifference extends Grouped {
  /** Where the value of the method was written, else that of the baseline: a file, or the default of a definition. */
  readonly origin: string | null;
}

/** A consequence that differs. */
export interface ConsequenceChange {
  readonly name: keyof Consequences;
  readonly before: number | null;
  readonly after: number | null;
}

/** What sets a method apart from the baseline. */
export interface MethodDifferences {
  readonly method: Method;
  readonly fields: readonly FieldDifference[];
  readonly consequences: readonly ConsequenceChange[];
  /** Fields that are the same in both. */
  readonly unchanged: number;
}

/** The differences of a method to the baseline, by a run of each. */
export function differencesOf(baseline: Method, method: Method): MethodDifferences {
  const [a, b] = [baseline.runs[0], method.runs[0]] as [Run, Run];
  const all = diffSpecs(a.spec, b.spec).filter((d) => d.path !== 'tune.seed');
  const fields = groupDifferences(all).map((d) => ({ ...d, origin: originOf(b.spec, d) ?? originOf(a.spec, d) }));
  return { method, fields, consequences: changes(a, b), unchanged: Math.max(0, leaves(withoutOrigins(a.spec)) - all.length) };
}

const withoutOrigins = ({ origins: _origins, name: _name, ...rest }: Spec): Json => rest as unknown as Json;

function leaves(json: Json): number {
  if (json === null || typeof json !== 'object') return 1;
  return Object.values(json as { readonly [key: string]: Json }).reduce((sum: number, value) => sum + leaves(value), 0);
}

function changes(a: Run, b: Run): ConsequenceChange[] {
  const [before, after] = [consequencesOfRun(a), consequencesOfRun(b)];
  return (Object.keys(consequenceNames) as (keyof Consequences)[]).flatMap((name) => {
    const change = { name, before: before?.[name] ?? null, after: after?.[name] ?? null };
    return change.before === change.after ? [] : [change];
  });
}

/** Where the field, or the nearest field around it, was written. */
function originOf(spec: Spec, d: Grouped): string | null {
  const [part, ...rest] = d.path.split('.');
  const whole = d.modules[0] === undefined ? d.path : [joinKey(part ?? '', d.modules[0]), ...rest].join('.');
  for (let at = whole; at !== ''; at = around(at)) {
    const origin: Origin | undefined = spec.origins[at];
    if (origin !== undefined) return origin.kind === 'default' ? `default of ${origin.of}` : origin.span.file;
  }
  return null;
}

/** The path of the field around a field; quoted parts may hold dots. */
const around = (path: string): string => (path.includes('.') ? path.replace(/\.(?:"[^"]*"|[^."]*)$/, '') : '');

/** A value of a field in words. */
export const showField = (value: Json | undefined): string => (value === undefined ? 'absent' : spaced(value));

/** JSON with spaces, so that it can be broken into lines. */
function spaced(json: Json): string {
  if (Array.isArray(json)) return `[${(json as readonly Json[]).map(spaced).join(', ')}]`;
  if (json === null || typeof json !== 'object') return JSON.stringify(json);
  return `{ ${Object.entries(json as { readonly [key: string]: Json })
    .map(([k, v]) => `${k}: ${spaced(v)}`)
    .join(', ')} }`;
}
