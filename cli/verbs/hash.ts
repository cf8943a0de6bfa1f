/**
 * @file `peft hash`: one number for what an experiment means, and the meaning itself as lines for other tools (git's textconv).
 */
import { comparable } from '../../compiler/spec/diff.js';
import { canonical, meaning, type Json } from '../../compiler/spec/spec.js';
import { joinKey } from '../../compiler/spec/json.js';
import { exitCodes } from '../exit.js';
import { openFile } from '../experiment.js';
import { sha256 } from '../prepare.js';
import { renderFindings } from '../render.js';
import { readSources } from '../source.js';
import type { Verb } from '../verb.js';

/** `peft hash FILE…` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'print the hash of what each experiment means',
  details:
    'SHA-256 of the resolved experiment: names, comments, formatting, order and derivation do not change it.\nWith --lines every field of the meaning stands on a line of its own: git config diff.peft.textconv "peft hash --lines".',
  args: [{ syntax: '<files...>', help: '.peft files, folders, patterns, or - for standard input' }],
  options: [
    { flags: '--lines', help: 'print the meaning, one field a line' },
    { flags: '--format <format>', help: 'how the result is written', choices: ['text', 'json'], default: 'text' },
  ],
  examples: [
    { command: 'peft hash review.peft', help: 'the hash of each experiment' },
    { command: 'peft hash --lines review.peft', help: 'what is hashed' },
  ],
  run: async ({ args, options }, context) => {
    const rows: { readonly file: string; readonly experiment: string; readonly hash: string; readonly lines: Json }[] = [];
    let failed = false;
    for (const source of await readSources(args, context)) {
      const opened = await openFile(source, context.cwd, undefined, { weights: 'optional' });
      const errors = opened.diagnostics.filter((d) => d.severity === 'error');
      context.err(renderFindings(errors, opened.texts, 'text', context.colour.err));
      failed ||= errors.length > 0;
      for (const { resolved } of opened.experiments)
        if (resolved !== undefined) {
          const { spec } = resolved;
          rows.push({ file: source.name, experiment: spec.name, hash: sha256(canonical(meaning(spec))), lines: comparable(spec) });
        }
    }
    if (options['format'] === 'json')
      context.out(`${JSON.stringify({ formatVersion: 1, experiments: rows.map(({ lines: _, ...r }) => r) }, null, 2)}\n`);
    else if (options['lines'] === true)
      context.out(
        rows
          .map(
            (r) =>
              `experiment ${r.experiment}\n${linesOf(r.lines, '')
                .map((line) => `  ${line}\n`)
                .join('')}`,
          )
          .join(''),
      );
    else context.out(rows.map((r) => `${r.hash}  ${r.file}#${r.experiment}\n`).join(''));
    return failed ? exitCodes.findings : exitCodes.ok;
  },
};

function linesOf(value: Json, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} = ${JSON.stringify(value)}`];
  return Object.entries(value as { readonly [key: string]: Json }).flatMap(([key, inner]) =>
    linesOf(inner, path === '' ? key : joinKey(path, key)),
  );
}
