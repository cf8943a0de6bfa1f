/**
 * @file The points of a sweep as files: each one checked, with a folder named by the hash of what it means, and a text that anyone can run.
 */
import { dirname, join, relative, resolve } from 'node:path';
import type { Experiment, Expr, File, Statement, Sweep } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';
import { nearest } from '../../compiler/elaborate/nearest.js';
import { checkExperiment, sourcesOf, type Resolved } from '../../compiler/spec/check.js';
import { unique } from '../../compiler/spec/file.js';
import { canonical, meaning } from '../../compiler/spec/spec.js';
import { pointsOf, sweepsOf, variedKeys } from '../../compiler/spec/sweep.js';
import { describe } from '../../compiler/elaborate/value.js';
import { UserError } from '../exit.js';
import { gatherFacts } from '../facts.js';
import { openLibrary } from '../library.js';
import { sha256 } from '../prepare.js';
import type { Source } from '../source.js';

/** A point that can be run. */
export interface SweepPoint {
  /** Name of its experiment: what is varied, as a name. */
  readonly name: string;
  readonly label: string;
  /** Hash of what it means. */
  readonly hash: string;
  /** Folder of its run, below that of the sweep. */
  readonly folder: string;
  /** The file to run, as it stands in that folder. */
  readonly text: string;
  readonly resolved: Resolved;
}

/** A sweep with its points. */
export interface OpenedSweep {
  readonly name: string;
  readonly points: readonly SweepPoint[];
  readonly diagnostics: readonly Diagnostic[];
}

/** File of a point in its folder. */
export const pointFile = 'point.peft';

/** Opens a sweep and checks all of its points; `out` is the folder of the sweep. */
export async function openSweep(source: Source, cwd: string, only: string | undefined, out: string | undefined): Promise<OpenedSweep> {
  const path = source.path ?? resolve(cwd, 'stdin.peft');
  const parsed = parseFile(source.text, source.name);
  const sweep = chosen(parsed.value, only, source.name);
  const found: Diagnostic[] = [...parsed.diagnostics];
  if (found.some((d) => d.severity === 'error')) return { name: sweep.name.text, points: [], diagnostics: found };
  const library = await openLibrary();
  const points = pointsOf(parsed.value, sweep, library, found);
  const sources = points.map((p) => sourcesOf(parsed.value, p.experiment, library));
  const facts = await gatherFacts(
    sources.flatMap((s) => s.bases),
    sources.flatMap((s) => s.tables),
    path,
  );
  const folder = resolve(cwd, out ?? join('runs', sweep.name.text));
  const varied = variedKeys(points);
  const ready: SweepPoint[] = [];
  for (const point of points) {
    const named: Experiment = {
      ...point.experiment,
      name: { ...point.experiment.name, text: pointName(sweep, point.of, new Map([...point.values].filter(([key]) => varied.has(key)))) },
    };
    const { value: resolved, diagnostics } = checkExperiment(parsed.value, named, library, facts);
    // The same fault in every point is told once, with the first point that has it.
    for (const d of diagnostics) {
      const same = found.some((f) => f.code === d.code && f.message === d.message && f.span.start === d.span.start);
      if (!same) found.push({ ...d, notes: [...(d.notes ?? []), { message: `in the point ${point.label}` }] });
    }
    if (resolved === undefined) continue;
    const hash = sha256(canonical(meaning(resolved.spec)));
    const place = join(folder, hash.slice(0, 12));
    ready.push({
      name: named.name.text,
      label: point.label,
      hash,
      folder: place,
      text: textOf(
        parsed.value,
        named,
        dirname(path),
        place,
        `// The point ${point.label} of the sweep ${sweep.name.text}, written by peft sweep.`,
      ),
      resolved,
    });
  }
  // Points that mean the same are one run.
  const kept = ready.filter((p, i) => ready.findIndex((other) => other.hash === p.hash) === i);
  return { name: sweep.name.text, points: kept, diagnostics: unique(found) };
}

function chosen(file: File, only: string | undefined, shown: string): Sweep {
  const sweeps = sweepsOf(file);
  const names = sweeps.map((s) => s.name.text);
  const [first] = sweeps;
  if (first === undefined) throw new UserError(`${shown} has no sweep`, 'write sweep NAME over EXPERIMENT { rank in [4, 8] }');
  if (only === undefined) {
    if (sweeps.length > 1) throw new UserError(`${shown} has ${sweeps.length} sweeps`, `name one with --sweep: ${names.join(', ')}`);
    return first;
  }
  const found = sweeps.find((s) => s.name.text === only);
  const near = nearest(only, names);
  if (found === undefined)
    throw new UserError(`${shown} has no sweep ${only}`, near === undefined ? `it has ${names.join(', ')}` : `did you mean ${near}?`);
  return found;
}

/** `lora_rank_4_seed_0`. */
function pointName(sweep: Sweep, of: Experiment, values: ReadonlyMap<string, Parameters<typeof describe>[0]>): string {
  const parts = [...values].map(
    ([key, value]) => `${key.slice(key.lastIndexOf('.') + 1)}_${value.kind === 'string' ? value.value : describe(value)}`,
  );
  const first = sweep.over.length > 1 ? of.name.text : sweep.name.text;
  return [first, ...parts]
    .join('_')
    .replace(/%/g, ' percent')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
}

/** The whole file of a point: imports and definitions of the file, its experiment, and paths from where it stands. */
function textOf(file: File, experiment: Experiment, from: string, to: string, head: string): string {
  const moved = (path: string): string => (path.startsWith('/') ? path : relative(to, resolve(from, path)) || '.');
  const string = (expr: Expr): Expr => (expr.kind === 'string' ? { ...expr, value: moved(expr.value) } : expr);
  /** `"folder"`, `local("folder")`, `scratch("folder")`, `tsv("file", take: 5)`; not `hub("owner/name")`. */
  const source = (expr: Expr): Expr => {
    if (expr.kind !== 'call') return string(expr);
    if (expr.callee.kind === 'name' && expr.callee.name === 'hub') return expr;
    return { ...expr, args: expr.args.map((a, i) => (i === 0 && a.name === undefined ? { ...a, value: string(a.value) } : a)) };
  };
  const statement = (s: Statement): Statement => {
    if (s.kind === 'base') return { ...s, source: source(s.source) };
    if (s.kind !== 'section' || s.section.name.text !== 'data') return s;
    const fields = s.section.fields.map((f) => (f.name.text === 'train' || f.name.text === 'eval' ? { ...f, value: source(f.value) } : f));
    return { ...s, section: { ...s.section, fields } };
  };
  const imports = file.imports.map((i) => (i.from.kind === 'string' ? { ...i, from: { ...i.from, value: moved(i.from.value) } } : i));
  return printFile({
    ...file,
    trivia: { before: [head, ''] },
    imports: imports.map(({ trivia: _comments, ...rest }) => rest),
    items: [...file.items.filter((i) => i.kind === 'definition'), { ...experiment, statements: experiment.statements.map(statement) }],
    tail: [],
  });
}
