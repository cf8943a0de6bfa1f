/**
 * @file Checks of documents: what `peft check` and the lint rules say of a text, experiment by experiment, so that a file of many
 * experiments never keeps an answer waiting for long. A check whose text has changed meanwhile is given up. Beside it the base alone, for files that are
 * being written and have errors elsewhere.
 */
import type { Experiment } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { layoutOf, type Layout } from '../../compiler/driver/layout.js';
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { attempt } from '../../compiler/elaborate/stop.js';
import { lintSteps } from '../../lint/lint.js';
import { rules } from '../../lint/rules.js';
import { resolveBase, resolveTask, type Base, type Task } from '../../compiler/spec/base.js';
import { sourcesOf, type Resolved } from '../../compiler/spec/check.js';
import type { Context } from '../../compiler/spec/context.js';
import { checkFile, unique } from '../../compiler/spec/file.js';
import { independent } from '../../compiler/spec/independent.js';
import type { TableSource } from '../../compiler/spec/spec.js';
import { experimentsOf, flatten } from '../../compiler/spec/statements.js';
import { join } from 'node:path';
import { isBroken, type Document } from './document.js';
import type { Workspace } from './workspace.js';
import { createWorld } from './world.js';

/** A document that was checked. */
export interface Checked {
  readonly document: Document;
  readonly experiments: readonly { readonly experiment: Experiment; readonly resolved: Resolved | undefined }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The base of an experiment as far as it could be found out, and what its task names. */
export interface Foundation {
  readonly base: Base | undefined;
  readonly task: Task | undefined;
  /** Columns of its tables. */
  readonly columns: readonly string[];
}

/** What is known of documents. */
export interface Checker {
  /** The check of a version of a text; undefined where the text has changed meanwhile. */
  readonly check: (document: Document) => Promise<Checked | undefined>;
  readonly foundation: (document: Document, experiment: string) => Promise<Foundation>;
}

/** How long rules may keep an answer waiting, in milliseconds. */
const longest = 5;

/** Lets whatever waits be done first. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A checker over the files of a workspace. */
export function createChecker(workspace: Workspace): Checker {
  const world = createWorld();
  const checks = new WeakMap<Document, Promise<Checked | undefined>>();
  const foundations = new WeakMap<Document, Map<string, Promise<Foundation>>>();
  /** The last base that each experiment had, for the time in which its text is broken. */
  const last = new Map<string, Foundation>();
  const isPresent = (document: Document): boolean => workspace.read(document.file) === document;
  const placeOf = (document: Document): string => join(workspace.folderOf(document), 'it.peft');

  async function check(document: Document): Promise<Checked | undefined> {
    const { ast, syntax } = document;
    const found: Diagnostic[] = [];
    const { library } = workspace;
    const sources = experimentsOf(ast).map((experiment) => sourcesOf(ast, experiment, library));
    const facts = await world.facts(
      sources.flatMap((s) => s.bases),
      sources.flatMap((s) => s.tables),
      placeOf(document),
      'required',
    );
    const experiments: Checked['experiments'][number][] = [];
    const all = experimentsOf(ast);
    // At least once, for the definitions.
    for (const one of all.length === 0 ? [undefined] : all) {
      if (!isPresent(document)) return undefined;
      const checked = checkFile(ast, library, facts, (experiment) => experiment === one);
      experiments.push(...checked.experiments);
      found.push(...checked.diagnostics);
      await pause();
    }
    if (!isPresent(document)) return undefined;
    // Where a part could not be read, what follows from it is not worth saying.
    const kept = independent(ast, syntax, { experiments, diagnostics: unique(found) });
    const checked = unique([...syntax, ...kept.diagnostics]);
    // Rules ask for experiments without errors.
    if (isBroken(document)) return { document, experiments: kept.experiments, diagnostics: checked };
    const diagnostics = await linted(document, workspace, experiments, checked, () => isPresent(document));
    return diagnostics && { document, experiments, diagnostics };
  }

  async function find(document: Document, name: string): Promise<Foundation> {
    const key = `${document.file}\0${name}`;
    const experiment = experimentsOf(document.ast).find((e) => e.name.text === name);
    const statements = experiment && flatten(document.ast, experiment, []);
    if (experiment === undefined || statements?.base === undefined) return last.get(key) ?? nothing;
    const { library } = workspace;
    const { bases, tables } = sourcesOf(document.ast, experiment, library);
    const facts = await world.facts(bases, tables, placeOf(document), 'optional');
    const context: Context = {
      e: createElaboration(undefined, { training: false }),
      file: document.ast,
      library,
      facts,
      scope: workspace.scopeOf(document),
      statements,
      diagnostics: [],
      origins: {},
    };
    const { base: statement } = statements;
    const task = attempt([], () => resolveTask(context, statement));
    const base = attempt([], () => resolveBase(context, statement, task));
    const columnsOf = (table: TableSource): readonly string[] => {
      const fact = facts.table(table);
      return fact.ok ? fact.value.columns : [];
    };
    const columns = [...new Set(tables.flatMap(columnsOf))];
    const before = last.get(key) ?? nothing;
    const foundation = { base: base ?? before.base, task: task ?? before.task, columns: columns.length > 0 ? columns : before.columns };
    last.set(key, foundation);
    return foundation;
  }

  return {
    check: (document) => {
      let known = checks.get(document);
      if (known === undefined) checks.set(document, (known = check(document)));
      return known;
    },
    foundation: (document, name) => {
      let all = foundations.get(document);
      if (all === undefined) foundations.set(document, (all = new Map()));
      let known = all.get(name);
      if (known === undefined) all.set(name, (known = find(document, name).catch(() => nothing)));
      return known;
    },
  };
}

const nothing: Foundation = { base: undefined, task: undefined, columns: [] };

/** The findings of the check with those of the rules; a rule that fails says nothing. Undefined where `goesOn` says no meanwhile. */
async function linted(
  document: Document,
  { library }: Workspace,
  experiments: Checked['experiments'],
  checked: readonly Diagnostic[],
  goesOn: () => boolean,
): Promise<readonly Diagnostic[] | undefined> {
  try {
    const steps = lintSteps({ file: document.ast, text: document.text, library, experiments, checked }, rules);
    let rested = performance.now();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (performance.now() - rested < longest) continue;
      await pause();
      rested = performance.now();
      if (!goesOn()) return undefined;
    }
  } catch {
    return checked;
  }
}

const layouts = new WeakMap<Resolved, Layout>();

/** How the tensors of an experiment lie; worked out once. */
export function layoutFor(resolved: Resolved): Layout {
  let known = layouts.get(resolved);
  if (known === undefined) layouts.set(resolved, (known = layoutOf(resolved)));
  return known;
}
