/**
 * @file `peft report`: runs as one page to read, or to follow while they are under way.
 */
import { resolve } from 'node:path';
import { comparisonCsv, comparisonJson } from '../comparison-text.js';
import { exitCodes, UserError, type ExitCode } from '../exit.js';
import type { Context } from '../io.js';
import { writeWhole } from '../output.js';
import type { Input, Verb } from '../verb.js';
import { compareOptions, compareSettings, comparisonOf, quantityNames } from './compare.js';

/** `peft report RUN…` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'write a report on runs: verdicts, curves, costs, differences, provenance',
  details:
    'The report is one HTML file that loads nothing from elsewhere. Runs that differ in the seed alone are one method.\nWith --live the same page is served on this machine and follows the runs until Ctrl-C.',
  args: [{ syntax: '<runs...>', help: 'folders of runs, or folders that hold such folders' }],
  options: [
    { flags: '-o, --out <file>', help: 'where to write it; - for standard output (default: report.html, other formats: -)' },
    { flags: '--format <format>', help: 'how it is written', choices: ['html', 'md', 'csv', 'json'], default: 'html' },
    { flags: '--title <title>', help: 'its heading (default: the names of the methods)' },
    { flags: '--live <port>', help: 'serve it on 127.0.0.1 and follow the runs; 0 takes any free port' },
    ...compareOptions,
  ],
  examples: [
    { command: 'peft report runs/', help: 'everything that was run, as report.html' },
    { command: 'peft report runs/ --baseline lora -o lora.html --title "Seeds 1 to 5"', help: 'against one method' },
    { command: 'peft report runs/a runs/b --format md', help: 'for a pull request' },
    { command: 'peft report runs/a --live 8080', help: 'follow a run in the browser' },
  ],
  run: async (input, context) => (input.options['live'] === undefined ? write(input, context) : follow(input, context)),
};

async function write({ args, options }: Input, context: Context): Promise<ExitCode> {
  const { runs, comparison } = comparisonOf(args, options, context.cwd);
  const format = options['format'] as 'html' | 'md' | 'csv' | 'json';
  const reported = async () => {
    const { reportOn } = await import('../report/report.js');
    // Only the page shows it.
    const health = format === 'html' ? await (await import('../report/health.js')).gatherHealth(runs, context.cwd) : [];
    return reportOn(runs, comparison.quantities, compareSettings(options), { title: options['title'] as string | undefined, health });
  };
  const texts: { readonly [K in typeof format]: () => Promise<string> | string } = {
    html: async () => (await import('../report/page.js')).reportHtml(await reported()),
    md: async () => (await import('../report/markdown.js')).reportMarkdown(await reported()),
    csv: () => comparisonCsv(comparison),
    json: () => `${JSON.stringify(comparisonJson(comparison), null, 2)}\n`,
  };
  const text = await texts[format]();
  const out = (options['out'] as string | undefined) ?? (format === 'html' ? 'report.html' : '-');
  if (out === '-') {
    context.out(text);
    return exitCodes.ok;
  }
  writeWhole(resolve(context.cwd, out), text, out);
  context.err(
    `written ${out}: ${comparison.rows.length} ${comparison.rows.length === 1 ? 'method' : 'methods'}, ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}\n`,
  );
  return exitCodes.ok;
}

async function follow({ args, options }: Input, context: Context): Promise<ExitCode> {
  const port = Number(options['live']);
  if (!(Number.isInteger(port) && port >= 0 && port < 65536))
    throw new UserError(`--live must be a port, 0 to 65535, not ${options['live']}`);
  if (options['out'] !== undefined || options['format'] !== 'html')
    throw new UserError('--live serves a page and writes none', 'leave out --out and --format');
  const { serveLive } = await import('../report/live.js');
  const live = await serveLive({
    folders: args,
    cwd: context.cwd,
    port,
    title: options['title'] as string | undefined,
    compare: compareSettings(options),
    by: quantityNames(options),
  });
  context.err(`${live.url} follows ${args.join(', ')}; Ctrl-C ends it\n`);
  const signal = context.interruption();
  await new Promise<void>((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
  await live.close();
  return exitCodes.ok;
}
