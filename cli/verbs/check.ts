/**
 * @file `peft check`: everything about an experiment that can be known before a weight is loaded.
 */
import { exitCodes } from '../exit.js';
import { openFile } from '../experiment.js';
import { countFindings, renderFindings, type FindingsFormat } from '../render.js';
import { readSources } from '../source.js';
import { findingsFormat, type Verb } from '../verb.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';

/** `peft check FILE…` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'check names, types, units, shapes, selectors and data columns',
  details: 'Reads the configuration and the tensor names of the base, and the columns of the data; loads no weights.',
  args: [{ syntax: '<files...>', help: '.peft files, folders, patterns, or - for standard input' }],
  options: [findingsFormat],
  examples: [
    { command: 'peft check review.peft', help: 'check one file' },
    { command: 'peft check --format sarif experiments/', help: 'check a folder, for code scanning' },
  ],
  run: async ({ args, options }, context) => {
    const format = options['format'] as FindingsFormat;
    const all: Diagnostic[] = [];
    const texts = new Map<string, string>();
    const names: string[] = [];
    const cache = new Map<string, Promise<unknown>>();
    for (const source of await readSources(args, context)) {
      const opened = await openFile(source, context.cwd, undefined, { weights: 'required', cache });
      all.push(...opened.diagnostics);
      for (const [name, text] of opened.texts) texts.set(name, text);
      names.push(...opened.experiments.map((e) => e.experiment.name.text));
    }
    const count = countFindings(all);
    context.out(renderFindings(all, texts, format, context.colour.out));
    if (format === 'text') {
      context.err(
        all.length === 0
          ? `ok: ${names.length === 1 ? `experiment ${names[0]}` : `${names.length} experiments`}\n`
          : `${count.error} ${count.error === 1 ? 'error' : 'errors'}, ${count.warning} ${count.warning === 1 ? 'warning' : 'warnings'}\n`,
      );
    }
    return count.error > 0 ? exitCodes.findings : exitCodes.ok;
  },
};
