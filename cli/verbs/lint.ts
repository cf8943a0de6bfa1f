/**
 * @file `peft lint`: what the check allows and experience warns of.
 */
import { exitCodes, UserError } from '../exit.js';
import { openFile, type OpenedFile } from '../experiment.js';
import type { Context } from '../io.js';
import { openLibrary } from '../library.js';
import { writeWhole } from '../output.js';
import { countFindings, renderFindings, type FindingsFormat } from '../render.js';
import { readSources, type Source } from '../source.js';
import { findingsFormat, type Verb } from '../verb.js';
import type { DataFacts } from '../../lint/data-facts.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';

/** `peft lint FILE…` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'warn of what the check allows and experience does not',
  details:
    'Everything that peft check says, and the rules of docs/errors. Tokenises the tables (not with --no-data); loads no weights.\nA finding is suppressed by a comment with a reason: // peft-allow PEFT1101: why\nEnds with 1 where there is an error, or where there are more warnings than --max-warnings.',
  args: [{ syntax: '<files...>', help: '.peft files, folders, patterns, or - for standard input' }],
  options: [
    { flags: '--fix', help: 'write the fixes that are certain into the files' },
    { flags: '--max-warnings <n>', help: 'how many warnings are allowed (default: any number)' },
    { flags: '--deny <codes>', help: 'codes that count as errors, separated by commas' },
    { flags: '--no-data', help: 'do not read the tables' },
    findingsFormat,
  ],
  examples: [
    { command: 'peft lint review.peft', help: 'look at one file' },
    { command: 'peft lint --fix experiments/', help: 'mend what can be mended for certain' },
    { command: 'peft lint --max-warnings 0 --format github .', help: 'in CI: annotate a pull request, fail at any warning' },
  ],
  run: async ({ args, options }, context) => {
    const most = options['maxWarnings'] === undefined ? Infinity : Number(options['maxWarnings']);
    if (!(most >= 0) || (most !== Infinity && !Number.isInteger(most)))
      throw new UserError(`--max-warnings must be a whole number of at least 0, not ${options['maxWarnings']}`);
    const denied = new Set(typeof options['deny'] === 'string' ? options['deny'].split(',').map((code) => code.trim()) : []);
    const format = options['format'] as FindingsFormat;
    const { rules } = await import('../../lint/rules.js');
    const unknown = [...denied].find((code) => !rules.some((rule) => rule.code === code) && !/^PEFT\d{4}$/.test(code));
    if (unknown !== undefined) throw new UserError(`there is no rule ${unknown}`, 'docs/errors lists them');
    const how: How = { data: options['data'] !== false, facts: new Map(), tables: new Map() };
    const all: Diagnostic[] = [];
    const texts = new Map<string, string>();
    let fixed = 0;
    for (const source of await readSources(args, context)) {
      let looked = await look(source, context, how);
      if (options['fix'] === true) {
        const mended = await mend(source, looked, context, how);
        fixed += mended.fixes;
        looked = mended.looked;
      }
      all.push(...looked.findings.map((d) => (denied.has(d.code) ? { ...d, severity: 'error' as const } : d)));
      for (const [name, text] of looked.opened.texts) texts.set(name, text);
    }
    const count = countFindings(all);
    context.out(renderFindings(all, texts, format, context.colour.out));
    if (format === 'text') {
      const said = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
      const fixable = all.filter((d) => d.fix !== undefined).length;
      if (fixed > 0) context.err(`mended ${said(fixed, 'finding')}\n`);
      context.err(
        all.length === 0
          ? 'ok: no findings\n'
          : `${said(count.error, 'error')}, ${said(count.warning, 'warning')}, ${said(count.info, 'note')}${fixable > 0 ? `; ${fixable} can be mended with --fix` : ''}\n`,
      );
      if (count.error === 0 && count.warning > most) context.err(`${said(count.warning, 'warning')} are more than the ${most} allowed\n`);
    }
    return count.error > 0 || count.warning > most ? exitCodes.findings : exitCodes.ok;
  },
};

/** What is shared by the files of one command. */
interface How {
  readonly data: boolean;
  readonly facts: Map<string, Promise<unknown>>;
  readonly tables: Map<string, Promise<DataFacts | undefined>>;
}

interface Looked {
  readonly opened: OpenedFile;
  readonly findings: readonly Diagnostic[];
}

/** The findings of one file. */
async function look(source: Source, context: Context, how: How): Promise<Looked> {
  const [{ lint }, { rules }] = await Promise.all([import('../../lint/lint.js'), import('../../lint/rules.js')]);
  const opened = await openFile(source, context.cwd, undefined, { weights: 'optional', cache: how.facts });
  if (source.malformed !== undefined) return { opened, findings: opened.diagnostics };
  const { lintData } = await import('../lint-data.js');
  const experiments = [];
  for (const e of opened.experiments)
    experiments.push({ ...e, data: e.resolved === undefined || !how.data ? undefined : await lintData(e.resolved, opened, how.tables) });
  const findings = lint(
    { file: opened.file, text: source.text, library: await openLibrary(), experiments, checked: opened.diagnostics },
    rules,
  );
  return { opened, findings };
}

/** At most so many rounds of fixes: one may make room for another. */
const mostRounds = 8;

/** Writes fixes into a file until none is left; a round that would add an error is not taken. */
async function mend(
  source: Source,
  first: Looked,
  context: Context,
  how: How,
): Promise<{ readonly looked: Looked; readonly fixes: number }> {
  const { applyFixes } = await import('../../lint/fixes.js');
  let looked = first;
  let text = source.text;
  let fixes = 0;
  for (let round = 0; round < mostRounds; round += 1) {
    const own = looked.findings.flatMap((d) =>
      d.fix !== undefined && d.fix.edits.every((e) => e.span.file === source.name) ? [d.fix] : [],
    );
    if (own.length === 0) break;
    const next = applyFixes(text, own);
    if (next === text) break;
    const after = await look({ ...source, text: next }, context, how);
    if (countFindings(after.findings).error > countFindings(looked.findings).error) break;
    fixes += Math.max(0, looked.findings.length - after.findings.length);
    text = next;
    looked = after;
  }
  if (text !== source.text) {
    if (source.path === undefined) context.out(text);
    else writeWhole(source.path, text, source.name);
  }
  return { looked, fixes };
}
