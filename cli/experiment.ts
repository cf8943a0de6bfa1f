/**
 * @file Opens the experiments of a file: text → Ast → facts → Spec, with every finding on the way.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Experiment, File } from '../grammar/ast.js';
import type { Diagnostic } from '../grammar/diagnostics.js';
import { parseFile } from '../grammar/parse.js';
import { nearest } from '../compiler/elaborate/nearest.js';
import { sourcesOf, type Resolved } from '../compiler/spec/check.js';
import { checkFile, unique } from '../compiler/spec/file.js';
import { independent } from '../compiler/spec/independent.js';
import { experimentsOf } from '../compiler/spec/statements.js';
import { UserError, exitCodes, type ExitCode } from './exit.js';
import { gatherFacts, type FactOptions } from './facts.js';
import type { Context } from './io.js';
import { renderFindings, type FindingsFormat } from './render.js';
import { readSources, type Source } from './source.js';
import { openLibrary } from './library.js';
import { stdlibText } from './stdlib.js';

/** An experiment and what was found out about it. */
export interface Opened {
  readonly experiment: Experiment;
  readonly resolved: Resolved | undefined;
}

/** A file with its experiments. */
export interface OpenedFile {
  readonly source: Source;
  /** The path that relative paths in it start from. */
  readonly path: string;
  readonly file: File;
  readonly experiments: readonly Opened[];
  /** Findings of the whole file, each once. */
  readonly diagnostics: readonly Diagnostic[];
  readonly texts: ReadonlyMap<string, string>;
}

/** Opens a file and checks its experiments, or the one named `only`. */
export async function openFile(source: Source, cwd: string, only?: string, options?: FactOptions): Promise<OpenedFile> {
  const path = source.path ?? resolve(cwd, 'stdin.peft');
  const parsed = parseFile(source.text, source.name);
  // Bytes that are no text are one finding; what the parser makes of them is not worth saying.
  const found: Diagnostic[] = source.malformed ? [source.malformed] : [...parsed.diagnostics];
  const texts = new Map([[source.name, source.text]]);
  const all = experimentsOf(parsed.value);
  const experiments: Opened[] = [];
  if (source.malformed === undefined) {
    const library = await openLibrary();
    const wanted = (experiment: Experiment): boolean => only === undefined || experiment.name.text === only;
    const sources = all.filter(wanted).map((experiment) => sourcesOf(parsed.value, experiment, library));
    const facts = await gatherFacts(
      sources.flatMap((s) => s.bases),
      sources.flatMap((s) => s.tables),
      path,
      options,
    );
    // Where a part could not be read, what follows from it is not worth saying.
    const checked = independent(parsed.value, parsed.diagnostics, checkFile(parsed.value, library, facts, wanted));
    experiments.push(...checked.experiments);
    found.push(...checked.diagnostics);
  }
  if (only !== undefined && all.length > 0 && !all.some((e) => e.name.text === only)) {
    const near = nearest(
      only,
      all.map((e) => e.name.text),
    );
    throw new UserError(
      `${source.name} has no experiment ${only}`,
      near ? `did you mean ${near}?` : `it has ${all.map((e) => e.name.text).join(', ')}`,
    );
  }
  const diagnostics = unique(found);
  for (const d of diagnostics)
    for (const span of [d.span, ...(d.notes ?? []).flatMap((n) => (n.span ? [n.span] : []))]) {
      const text = stdlibText(span.file) ?? (texts.has(span.file) || !existsSync(span.file) ? undefined : readFileSync(span.file, 'utf8'));
      if (text !== undefined) texts.set(span.file, text);
    }
  return { source, path, file: parsed.value, experiments, diagnostics, texts };
}

/** Opens the one experiment a verb works on; findings are shown, and errors among them end the verb with code 1. */
export async function openOne(
  name: string,
  only: string | undefined,
  context: Context,
  format: FindingsFormat = 'text',
  options?: FactOptions,
): Promise<{ readonly opened: OpenedFile; readonly resolved: Resolved } | ExitCode> {
  const [source] = await readSources([name], context);
  if (source === undefined) throw new UserError(`${name} does not exist`);
  const opened = await openFile(source, context.cwd, only, options);
  if (opened.diagnostics.length > 0)
    context.err(renderFindings(opened.diagnostics, opened.texts, format === 'sarif' ? 'sarif' : 'text', context.colour.err));
  if (opened.diagnostics.some((d) => d.severity === 'error')) return exitCodes.findings;
  const ready = opened.experiments.flatMap((e) => (e.resolved ? [e.resolved] : []));
  const first = ready[0];
  if (first === undefined) throw new UserError(`${name} has no experiment`, 'write experiment NAME { … }');
  if (ready.length > 1)
    throw new UserError(
      `${name} has ${ready.length} experiments`,
      `name one with --experiment: ${ready.map((r) => r.spec.name).join(', ')}`,
    );
  return { opened, resolved: first };
}
