/**
 * @file Experiments of the tests in this folder: texts checked against a world without files.
 */
import { parseFile } from '../../grammar/parse.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Resolved } from '../../compiler/spec/check.js';
import { factsOf, libraryOf, type Given } from './world.js';

const library = libraryOf();

/** The experiments of a text by name; what is wrong with it is an error of the test. */
export function resolveAll(text: string, given: Given = {}): Map<string, Resolved> {
  const parsed = parseFile(text, 'test.peft');
  const checked = checkFile(parsed.value, given.files === undefined ? library : libraryOf(given.files), factsOf(given));
  const problems = [...parsed.diagnostics, ...checked.diagnostics].filter((d) => d.severity === 'error');
  if (problems.length > 0) throw new Error(problems.map((d) => `${d.message}: ${text.slice(d.span.start, d.span.end)}`).join('\n'));
  return new Map(checked.experiments.map((x) => [x.experiment.name.text, x.resolved as Resolved] as const));
}

/** The last experiment of a text. */
export const resolveLast = (text: string, given: Given = {}): Resolved => [...resolveAll(text, given).values()].at(-1) as Resolved;
