/**
 * @file Layer by layer: which method, rank and format each module has in each experiment, the layers in which it is alike as one row.
 */
import type { Json, Spec } from '../../compiler/spec/spec.js';
import type { Run } from '../runs.js';
import { html, tableOf, type Markup } from './markup.js';
import { count, type Report } from './report.js';

/** Modules that are alike. */
export interface LayerRow {
  /** With `*` where their numbers stand. */
  readonly modules: string;
  /** Their numbers, as ranges; empty where there are none. */
  readonly layers: string;
  readonly count: number;
  /** What each method makes of them, in the order of the methods; empty where it leaves them alone. */
  readonly cells: readonly string[];
}

/** The modules of some specs with what is done to them, grouped. */
export function layerRows(specs: readonly Spec[]): LayerRow[] {
  const telling = tellingArguments(specs);
  const maps = specs.map((spec) => modulesOf(spec, telling));
  const modules = [...new Set(maps.flatMap((map) => [...map.keys()]))];
  const rows = new Map<string, { pattern: string; numbers: number[]; count: number; cells: readonly string[] }>();
  for (const module of modules) {
    const cells = maps.map((map) => map.get(module) ?? '');
    const pattern = module.replace(/(?<=^|\.)\d+(?=\.|$)/g, '*');
    const numbers = (module.match(/(?<=^|\.)\d+(?=\.|$)/g) ?? []).map(Number);
    const key = JSON.stringify([pattern, cells]);
    const row = rows.get(key) ?? { pattern, numbers: [], count: 0, cells };
    rows.set(key, { ...row, count: row.count + 1, numbers: numbers[0] === undefined ? row.numbers : [...row.numbers, numbers[0]] });
  }
  return [...rows.values()].map((r) => ({ modules: r.pattern, layers: ranges(r.numbers), count: r.count, cells: r.cells }));
}

/** Arguments worth showing for each method: those that are not the same wherever it is used, and rank and alpha. */
function tellingArguments(specs: readonly Spec[]): ReadonlyMap<string, ReadonlySet<string>> {
  const values = new Map<string, Map<string, Set<string>>>();
  const note = (name: string, args: { readonly [name: string]: Json }): void => {
    const known = values.get(name) ?? new Map<string, Set<string>>();
    for (const [arg, value] of Object.entries(args)) known.set(arg, (known.get(arg) ?? new Set()).add(JSON.stringify(value)));
    values.set(name, known);
  };
  for (const spec of specs) {
    for (const a of spec.adapters) note(a.method, a.args);
    for (const q of spec.quantized) note(q.format, q.args);
  }
  const always = ['rank', 'alpha'];
  return new Map(
    [...values].map(([name, args]) => [
      name,
      new Set([...args].filter(([arg, found]) => found.size > 1 || always.includes(arg)).map(([arg]) => arg)),
    ]),
  );
}

function modulesOf(spec: Spec, telling: ReadonlyMap<string, ReadonlySet<string>>): Map<string, string> {
  const map = new Map<string, string>();
  const add = (module: string, what: string): void => {
    const known = map.get(module);
    map.set(module, known === undefined ? what : `${known}, ${what}`);
  };
  const call = (name: string, args: { readonly [name: string]: Json }): string => {
    const shown = Object.entries(args).filter(([arg]) => telling.get(name)?.has(arg));
    return shown.length === 0
      ? name
      : `${name}(${shown.map(([k, v]) => `${k}: ${typeof v === 'string' ? v : JSON.stringify(v)}`).join(', ')})`;
  };
  for (const a of spec.adapters) add(a.module, call(a.method, a.args));
  for (const q of spec.quantized) add(q.module, `in ${call(q.format, q.args)}`);
  for (const module of spec.trained) add(module, 'trained in full');
  return map;
}

/** Numbers as ranges: `0–11`, `0, 2, 4–6`. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let end = i;
    while (sorted[end + 1] === (sorted[end] as number) + 1) end += 1;
    parts.push(end === i ? String(sorted[i]) : `${sorted[i]}\u2013${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(', ');
}

/** Whether there is anything to tell apart: methods that differ in a module, or modules of a kind that differ in one experiment. */
const differ = (rows: readonly LayerRow[]): boolean =>
  rows.some((r) => new Set(r.cells).size > 1) || new Set(rows.map((r) => r.modules)).size < rows.length;

/** The table of layers. */
export function layersSection(report: Report): Markup {
  const specs = report.methods.map((m) => (m.runs[0] as Run).spec);
  const rows = layerRows(specs);
  if (!differ(rows)) return html`<p>The methods do the same to every module.</p>`;
  const same = rows.filter((r) => report.methods.length > 1 && new Set(r.cells).size === 1);
  const left = same.reduce((sum, r) => sum + r.count, 0);
  const shown = rows.filter((r) => !same.includes(r));
  const telling = shown.length > 0 ? shown : rows;
  return html`${tableOf({
    id: 'layers-table',
    caption: 'What each method does to the modules of the base',
    head: [{ text: 'modules' }, { text: 'layers' }, { text: 'count', number: true }, ...report.methods.map((m) => ({ text: m.name }))],
    rows: telling.map((r) => ({
      cells: [html`<code>${r.modules}</code>`, r.layers, r.count, ...r.cells.map((c) => (c === '' ? '\u2013' : c))],
    })),
  })}${left > 0 && shown.length > 0 ? html`<p class="note">${count(left, 'module')} in which the methods do not differ ${left === 1 ? 'is' : 'are'} left out.</p>` : null}`;
}
