/**
 * @file `peft lock`: writes down what the experiments of a file read and what runs them; `run` and `eval` then refuse what has drifted.
 */
import { existsSync } from 'node:fs';
import { exitCodes, UserError } from '../exit.js';
import { openFile } from '../experiment.js';
import { driftOf, lockFacts, lockPath, readFileLock, type FileLock, type Locked } from '../lock.js';
import { writeWhole } from '../output.js';
import { renderFindings } from '../render.js';
import { readSources } from '../source.js';
import type { Verb } from '../verb.js';

/** `peft lock FILE` */
export const verb: Verb = {
  group: 'Files',
  summary: 'lock what an experiment reads: base, tokenizer, data, versions, seed',
  details:
    'Writes FILE.lock with the SHA-256 of every tensor of the base, of its configuration and tokenizer, of the tables, and the versions of peft and Dawn.\nWhile it stands beside the file, peft run and peft eval end with 3 where something has drifted, and say what.',
  args: [{ syntax: '<file>', help: 'a .peft file' }],
  options: [{ flags: '--check', help: 'write nothing; end with 3 where something has drifted' }],
  examples: [
    { command: 'peft lock review.peft', help: 'lock what is there now' },
    { command: 'peft lock --check review.peft', help: 'whether it is still so' },
  ],
  run: async ({ args, options }, context) => {
    const [source] = await readSources(args.slice(0, 1), context);
    if (source?.path === undefined) throw new UserError('a lock stands beside a file, and standard input has none');
    const opened = await openFile(source, context.cwd);
    const errors = opened.diagnostics.filter((d) => d.severity === 'error');
    if (errors.length > 0) {
      context.err(renderFindings(errors, opened.texts, 'text', context.colour.err));
      return exitCodes.findings;
    }
    const now: Record<string, Locked> = {};
    for (const { resolved } of opened.experiments) if (resolved !== undefined) now[resolved.spec.name] = await lockFacts(resolved, opened);
    if (Object.keys(now).length === 0) throw new UserError(`${source.name} has no experiment`, 'write experiment NAME { … }');
    const shown = lockPath(source.name);
    if (options['check'] !== true) {
      const lock: FileLock = { format: 'peft-file-lock', version: 1, experiments: now };
      const before = existsSync(lockPath(source.path));
      writeWhole(lockPath(source.path), `${JSON.stringify(lock, null, 2)}\n`, shown);
      context.err(`${before ? 'renewed' : 'wrote'} ${shown}\n`);
      return exitCodes.ok;
    }
    const lock = await readFileLock(source.path);
    if (lock === undefined) throw new UserError(`there is no ${shown}`, `peft lock ${source.name} writes it`);
    let drifted = false;
    for (const name of new Set([...Object.keys(lock.experiments), ...Object.keys(now)])) {
      const [locked, own] = [lock.experiments[name], now[name]];
      const drift = locked === undefined ? ['it is not locked'] : own === undefined ? ['it is gone'] : driftOf(locked, own);
      drifted ||= drift.length > 0;
      context.out(drift.length === 0 ? `${name}: as locked\n` : drift.map((d) => `${name}: ${d}\n`).join(''));
    }
    return drifted ? exitCodes.drift : exitCodes.ok;
  },
};
