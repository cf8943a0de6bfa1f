/**
 * @file Check of a whole file: its imports, its definitions, and its experiments, or some of them. A finding that several
 * experiments share, because they share a statement, is told once.
 */
import type { Experiment, File } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import type { Library } from '../elaborate/library.js';
import { checkExperiment, type Resolved } from './check.js';
import { checkDefinitions } from './definitions.js';
import type { Facts } from './facts.js';
import { experimentsOf } from './statements.js';
import { pointsOf, sweepsOf } from './sweep.js';

/** What a file turned out to be: each experiment with its Spec, undefined where it has errors; findings in the order of the text, each once. */
export interface CheckedFile {
  readonly experiments: readonly { readonly experiment: Experiment; readonly resolved: Resolved | undefined }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Checks a file; `only` says which experiments are wanted, all of them by default. */
export function checkFile(file: File, library: Library, facts: Facts, only: (experiment: Experiment) => boolean = () => true): CheckedFile {
  const found: Diagnostic[] = [];
  checkDefinitions(file, library, found);
  found.push(...namedTwice([...experimentsOf(file), ...sweepsOf(file)]));
  // The points themselves are checked before a sweep starts: each is an experiment of its own.
  for (const sweep of sweepsOf(file)) pointsOf(file, sweep, library, found);
  const experiments = experimentsOf(file)
    .filter(only)
    .map((experiment) => {
      const { value, diagnostics } = checkExperiment(file, experiment, library, facts);
      found.push(...diagnostics);
      return { experiment, resolved: value };
    });
  return { experiments, diagnostics: unique(found) };
}

function namedTwice(experiments: readonly Pick<Experiment, 'name'>[]): Diagnostic[] {
  return experiments.flatMap(({ name }, i): Diagnostic[] => {
    const first = experiments.slice(0, i).find((x) => x.name.text === name.text);
    return first
      ? [
          {
            code: 'PEFT0102',
            severity: 'error',
            span: name.span,
            message: `${name.text} is defined twice`,
            notes: [{ message: 'first here', span: first.name.span }],
          },
        ]
      : [];
  });
}

/** Findings in the order of the text, each once. */
export function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics
    .filter((d) => {
      const key = JSON.stringify([d.code, d.span, d.message]);
      return seen.has(key) ? false : seen.add(key);
    })
    .sort((a, b) => (a.span.file === b.span.file ? a.span.start - b.span.start : a.span.file < b.span.file ? -1 : 1));
}
