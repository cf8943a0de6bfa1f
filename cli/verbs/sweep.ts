/**
 * @file `peft sweep`: every point of a sweep, checked before the first starts, run in order, and gone on with where it was stopped.
 */
import { relative, resolve, join } from 'node:path';
import { exitCodes, UserError } from '../exit.js';
import { writeWhole } from '../output.js';
import { renderFindings } from '../render.js';
import { readSources } from '../source.js';
import type { Verb } from '../verb.js';

/** `peft sweep FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'run every point of a sweep; what is done is skipped, what was stopped is gone on with',
  details:
    'All points are checked before the first starts. Each gets the folder runs/NAME/HASH, named by what it means, with a point.peft that runs by itself.\nFailed points are told at the end. Ends with 1 where one failed.',
  args: [{ syntax: '<file>', help: 'a .peft file with a sweep' }],
  options: [
    { flags: '-s, --sweep <name>', help: 'which sweep of the file' },
    { flags: '-o, --out <folder>', help: 'folder of the sweep (default: runs/NAME)' },
    { flags: '-j, --jobs <n>', help: 'points that run at the same time', default: '1' },
    { flags: '--expand', help: 'run nothing; list the points' },
    { flags: '--status', help: 'run nothing; say how each point stands' },
    { flags: '--format <format>', help: 'how lists are written', choices: ['text', 'json'], default: 'text' },
  ],
  examples: [
    { command: 'peft sweep ranks.peft --expand', help: 'the points, checked' },
    { command: 'peft sweep ranks.peft', help: 'run them, or go on' },
    { command: 'peft sweep ranks.peft --jobs 2 --status', help: 'how far it is' },
  ],
  run: async ({ args, options }, context) => {
    const jobs = Number(options['jobs']);
    if (!Number.isInteger(jobs) || jobs < 1) throw new UserError(`--jobs must be a whole number of at least 1, not ${options['jobs']}`);
    const [source] = await readSources(args.slice(0, 1), context);
    if (source === undefined) throw new UserError(`${args[0]} does not exist`);
    const { openSweep } = await import('../sweep/points.js');
    const { failureOf, indexFile, prepareSweep, stateOf } = await import('../sweep/state.js');
    const sweep = await openSweep(source, context.cwd, options['sweep'] as string | undefined, options['out'] as string | undefined);
    if (sweep.diagnostics.length > 0)
      context.err(renderFindings(sweep.diagnostics, new Map([[source.name, source.text]]), 'text', context.colour.err));
    if (sweep.diagnostics.some((d) => d.severity === 'error')) return exitCodes.findings;
    const folder = resolve(context.cwd, (options['out'] as string | undefined) ?? join('runs', sweep.name));
    const shown = relative(context.cwd, folder) || '.';
    const listed = sweep.points.map((p) => ({
      name: p.name,
      label: p.label,
      hash: p.hash,
      folder: relative(context.cwd, p.folder),
      state: stateOf(p.folder),
    }));
    if (options['expand'] === true || options['status'] === true) {
      if (options['format'] === 'json')
        context.out(`${JSON.stringify({ formatVersion: 1, sweep: sweep.name, points: listed }, null, 2)}\n`);
      else {
        const width = Math.max(...listed.map((p) => p.label.length));
        for (const p of listed)
          context.out(
            options['status'] === true
              ? `${p.state.padEnd(7)}  ${p.label.padEnd(width)}  ${p.folder}${p.state === 'failed' ? `  ${failureOf(join(context.cwd, p.folder))}` : ''}\n`
              : `${p.label.padEnd(width)}  ${p.hash.slice(0, 12)}\n`,
          );
      }
      return exitCodes.ok;
    }
    prepareSweep(folder, sweep);
    writeWhole(join(folder, 'sweep.peft'), source.text, join(shown, 'sweep.peft'));
    const { inProcess, inProcesses, runLocally } = await import('../sweep/local.js');
    const program = process.argv[1];
    const runner =
      jobs > 1 && program !== undefined && /cli\.js$|peft$/.test(program)
        ? inProcesses([process.execPath, program], context)
        : inProcess(context);
    const total = sweep.points.length;
    const done = listed.filter((p) => p.state === 'done').length;
    context.err(`${sweep.name}: ${total} points, ${done} done, in ${shown}/ (${indexFile})\n`);
    const ends = await runLocally(sweep.points, jobs, runner, context, ({ point, end, why }, number) => {
      if (listed[number]?.state === 'done') return;
      context.err(
        `${String(number + 1).padStart(String(total).length)}/${total}  ${point.label}  ${end}${why === undefined ? '' : `: ${why}`}\n`,
      );
    });
    const failed = ends.filter((e) => e.end === 'failed');
    const interrupted = ends.some((e) => e.end === 'interrupted') || ends.length < total;
    for (const { point, why } of failed) context.err(`failed: ${point.label}: ${why}\n`);
    if (interrupted) {
      context.err(`stopped; go on with: peft sweep ${args[0]}\n`);
      return exitCodes.interrupted;
    }
    context.out(`${sweep.points.length - failed.length} of ${total} points are done; compare them with: peft compare ${shown}\n`);
    return failed.length > 0 ? exitCodes.findings : exitCodes.ok;
  },
};
