/**
 * @file `peft fmt`: brings `.peft` files into canonical form. A file that does not parse is left as it is.
 */
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { exitCodes, UserError } from '../exit.js';
import { writeWhole } from '../output.js';
import type { FindingsFormat } from '../render.js';
import { readSources, standardInput } from '../source.js';
import { findingsFormat, type Verb } from '../verb.js';

/** The verb. */
export const verb: Verb = {
  group: 'Files',
  summary: 'bring .peft files into canonical form',
  details:
    'Formatting is idempotent, keeps every comment, and changes no meaning. A file with a syntax error is reported and left as it is.\nWith - the text comes from standard input and the formatted text goes to standard output.',
  args: [{ syntax: '[files...]', help: 'files, folders, patterns in quotation marks, or - for standard input' }],
  options: [
    { flags: '--check', help: 'change nothing; name the files that are not in canonical form and exit with 1' },
    { flags: '--diff', help: 'change nothing; show what would change and exit with 1 where something would' },
    findingsFormat,
  ],
  examples: [
    { command: 'peft fmt .', help: 'format every .peft file of this folder and those below it' },
    { command: 'peft fmt --check "experiments/**/*.peft"', help: 'in CI: fail where something is not formatted' },
    { command: 'peft fmt --diff a.peft', help: 'show what would change' },
    { command: 'peft fmt - < a.peft > b.peft', help: 'format standard input' },
  ],
  async run({ args, options }, context) {
    if (args.length === 0) throw new UserError('no file is named', 'peft fmt . formats every .peft file of this folder and those below it');
    const sources = await readSources(args, context);
    const [{ parseFile }, { printFile }, { renderFindings }] = await Promise.all([
      import('../../grammar/parse.js'),
      import('../../grammar/print.js'),
      import('../render.js'),
    ]);
    const diff = options['diff'] === true;
    const check = options['check'] === true || diff;
    const problems: Diagnostic[] = [];
    const changed: string[] = [];
    for (const source of sources) {
      const { value, diagnostics } =
        source.malformed === undefined ? parseFile(source.text, source.name) : { value: undefined, diagnostics: [source.malformed] };
      const errors = diagnostics.filter((d) => d.severity === 'error');
      if (value === undefined || errors.length > 0) {
        problems.push(...errors);
        continue;
      }
      const formatted = printFile(value);
      if (source.path === undefined && !check) context.out(formatted);
      if (formatted === source.text) continue;
      changed.push(source.name);
      if (diff && options['format'] === 'text') context.out(await patchOf(source.name, source.text, formatted));
      if (source.path !== undefined && !check) writeWhole(source.path, formatted, source.name);
    }
    const format = options['format'] as FindingsFormat;
    const texts = new Map(sources.map((source) => [source.name, source.text]));
    if (format === 'text') {
      context.err(renderFindings(problems, texts, format, context.colour.err));
      const names = changed.filter((name) => check || name !== standardInput);
      const write = check ? context.out : context.err;
      for (const name of diff ? [] : names) write(check ? `${name} is not formatted\n` : `formatted ${name}\n`);
    } else {
      context.out(
        renderFindings([...problems, ...(check ? changed.map((name) => unformatted(name)) : [])], texts, format, context.colour.out),
      );
    }
    return problems.length > 0 || (check && changed.length > 0) ? exitCodes.findings : exitCodes.ok;
  },
};

/** What would change, as a patch. */
async function patchOf(name: string, before: string, after: string): Promise<string> {
  const { createTwoFilesPatch } = await import('diff');
  return createTwoFilesPatch(name, name, before, after, 'as it is', 'formatted', { context: 2 }).replace(/^Index: .*\n=+\n/, '');
}

function unformatted(name: string): Diagnostic {
  return {
    code: 'PEFT0901',
    severity: 'warning',
    message: 'the file is not in canonical form',
    span: { file: name, start: 0, end: 0 },
    help: `peft fmt ${name}`,
  };
}
