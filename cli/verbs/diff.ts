/**
 * @file `peft diff`: two experiments compared in meaning, field by field.
 */
import { diffSpecs, type Difference } from '../../compiler/spec/diff.js';
import type { Json, Origin } from '../../compiler/spec/spec.js';
import { lineColumn } from '../../grammar/render.js';
import { exitCodes } from '../exit.js';
import { openOne, type OpenedFile } from '../experiment.js';
import { factsFormat, type Verb } from '../verb.js';
import type { Resolved } from '../../compiler/spec/check.js';

/** `peft diff A B` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'compare two experiments in meaning, field by field',
  details:
    'An experiment is FILE, or FILE#NAME where the file has several. Formatting, comments and derivation make no difference. Ends with 1 where something differs.',
  args: [
    { syntax: '<a>', help: 'the first experiment' },
    { syntax: '<b>', help: 'the second experiment' },
  ],
  options: [factsFormat],
  examples: [
    { command: 'peft diff before.peft after.peft', help: 'what changed' },
    { command: 'peft diff nsmc.peft#lora nsmc.peft#small', help: 'two experiments of one file' },
  ],
  run: async ({ args, options }, context) => {
    const sides: { opened: OpenedFile; resolved: Resolved }[] = [];
    for (const arg of args) {
      const [file, name] = split(arg);
      const found = await openOne(file, name, context, 'text', { weights: 'optional' });
      if (typeof found === 'number') return found;
      sides.push(found);
    }
    const [a, b] = sides as [(typeof sides)[number], (typeof sides)[number]];
    const differences = diffSpecs(a.resolved.spec, b.resolved.spec);
    if (options['format'] === 'json') {
      const rows = differences.map((d) => ({
        path: d.path,
        before: d.before ?? null,
        after: d.after ?? null,
        beforeAt: place(a, d),
        afterAt: place(b, d),
      }));
      context.out(`${JSON.stringify({ formatVersion: 1, differences: rows }, null, 2)}\n`);
    } else if (differences.length === 0) context.out('no difference in meaning\n');
    else {
      const width = Math.max(...differences.map((d) => d.path.length));
      for (const d of differences) {
        const at = place(b, d) ?? place(a, d);
        context.out(`${d.path.padEnd(width)}  ${show(d.before)} -> ${show(d.after)}${at === null ? '' : `  (${at})`}\n`);
      }
    }
    return differences.length === 0 ? exitCodes.ok : exitCodes.findings;
  },
};

function split(arg: string): readonly [string, string | undefined] {
  const at = arg.lastIndexOf('#');
  return at > 0 ? [arg.slice(0, at), arg.slice(at + 1)] : [arg, undefined];
}

const show = (value: Json | undefined): string => (value === undefined ? 'absent' : JSON.stringify(value));

/** Where the field, or the nearest field around it, was written. */
function place(side: { readonly opened: OpenedFile; readonly resolved: Resolved }, d: Difference): string | null {
  const { origins } = side.resolved.spec;
  const parts = d.path.split('.');
  for (let n = parts.length; n > 0; n -= 1) {
    const origin: Origin | undefined = origins[parts.slice(0, n).join('.')];
    if (origin === undefined) continue;
    if (origin.kind === 'default') return `default of ${origin.of}`;
    const text = side.opened.texts.get(origin.span.file);
    return text === undefined ? origin.span.file : `${origin.span.file}:${lineColumn(text, origin.span.start).line}`;
  }
  return null;
}
