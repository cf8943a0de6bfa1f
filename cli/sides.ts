/**
 * @file What can stand on one side of a comparison: a file, one experiment of it (`file.peft#name`), a file as it was (`HEAD~1:file.peft`), or the
 * folder of a run, whose lock holds the experiment that was run.
 */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Resolved } from '../compiler/spec/check.js';
import type { Spec } from '../compiler/spec/spec.js';
import { exitCodes, UserError, type ExitCode } from './exit.js';
import { openFile, type OpenedFile } from './experiment.js';
import type { Context } from './io.js';
import type { LockFile } from './lock.js';
import { renderFindings } from './render.js';
import { readSources, type Source } from './source.js';

/** One side. */
export interface Side {
  /** How the user named it. */
  readonly name: string;
  readonly spec: Spec;
  /** Absent for the folder of a run. */
  readonly file?: { readonly opened: OpenedFile; readonly resolved: Resolved };
  /** Present for the folder of a run. */
  readonly lock?: LockFile;
}

/** Opens a side; what is wrong with it is shown, and ends the verb with code 1. */
export async function openSide(name: string, context: Context): Promise<Side | ExitCode> {
  const [place, only] = split(name);
  const path = resolve(context.cwd, place);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return sideOfRun(name, path);
  const source = existsSync(path) || place === '-' ? (await readSources([place], context))[0] : await sourceOfRevision(place, context);
  if (source === undefined)
    throw new UserError(`${place} does not exist`, 'name a file, FILE#EXPERIMENT, REVISION:FILE, or the folder of a run');
  const opened = await openFile(source, context.cwd, only, { weights: 'optional' });
  if (opened.diagnostics.length > 0) context.err(renderFindings(opened.diagnostics, opened.texts, 'text', context.colour.err));
  if (opened.diagnostics.some((d) => d.severity === 'error')) return exitCodes.findings;
  const ready = opened.experiments.flatMap((e) => e.resolved ?? []);
  const [resolved] = ready;
  if (resolved === undefined) throw new UserError(`${place} has no experiment`, 'write experiment NAME { … }');
  if (ready.length > 1)
    throw new UserError(`${place} has ${ready.length} experiments`, `name one: ${ready.map((r) => `${place}#${r.spec.name}`).join(', ')}`);
  return { name, spec: resolved.spec, file: { opened, resolved } };
}

function split(arg: string): readonly [string, string | undefined] {
  const at = arg.lastIndexOf('#');
  return at > 0 ? [arg.slice(0, at), arg.slice(at + 1)] : [arg, undefined];
}

async function sideOfRun(name: string, folder: string): Promise<Side> {
  const path = join(folder, 'spec.lock.json');
  let lock: LockFile;
  try {
    lock = JSON.parse(await readFile(path, 'utf8')) as LockFile;
  } catch {
    throw new UserError(`${name} is no folder of a run: it has no spec.lock.json that can be read`);
  }
  if (lock.format !== 'peft-lock' || lock.spec === undefined) throw new UserError(`${path} is no lock of an experiment`);
  return { name, spec: lock.spec, lock };
}

/** A file as it was in a revision of git; paths in it start where they start today. */
async function sourceOfRevision(place: string, { cwd }: Context): Promise<Source | undefined> {
  const found = /^([^:]+):(.+)$/.exec(place);
  if (found === null) return undefined;
  const [, revision, file] = found as unknown as [string, string, string];
  const given = file.startsWith('/') || file.startsWith('./') ? file : `./${file}`;
  try {
    const { stdout } = await promisify(execFile)('git', ['show', `${revision}:${given}`], { cwd, maxBuffer: 2 ** 26 });
    return { name: `${revision}:${basename(file)}`, path: resolve(cwd, file), text: stdout };
  } catch (error) {
    const why = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : String(error);
    throw new UserError(`${place} cannot be read: ${why?.replace(/^fatal: /, '')}`);
  }
}
