/**
 * @file The command that runs an experiment again, and the file that it was written in.
 */
import type { Run } from '../runs.js';

/** The file that an experiment was written in, as it was named; undefined where the lock does not say. */
export function fileOf({ spec }: Run): string | undefined {
  for (const path of ['base', 'tune', 'data', ...Object.keys(spec.origins)]) {
    const origin = spec.origins[path];
    if (origin?.kind === 'written' && !origin.span.file.startsWith('std/')) return origin.span.file;
  }
  return undefined;
}

/** A word of a command line, quoted where a shell would read something else. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command that runs an experiment again. */
export function commandOf(run: Run): string {
  const file = fileOf(run) ?? 'FILE';
  return `peft run ${word(file)} -e ${word(run.result.experiment)} --out ${word(run.folder)}`;
}
