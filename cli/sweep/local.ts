/**
 * @file Points of a sweep run on this machine: one after the other in this process, or several at a time in processes of their own.
 */
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { exitCodes, type ExitCode } from '../exit.js';
import type { Context } from '../io.js';
import { pointFile, type SweepPoint } from './points.js';
import { canResume, claim, noteFailure, release, stateOf } from './state.js';

/** How a point ended. */
export interface PointEnd {
  readonly point: SweepPoint;
  readonly end: 'done' | 'failed' | 'interrupted' | 'elsewhere';
  readonly why?: string;
}

/** Runs one point with the arguments of `peft run`; gives the exit code and what was said. */
export type Runner = (args: readonly string[]) => Promise<{ readonly code: number; readonly said: string }>;

/** Runs the points that are not done, at most `jobs` at a time, in order; told of each end. */
export async function runLocally(
  points: readonly SweepPoint[],
  jobs: number,
  runner: Runner,
  context: Context,
  onEnd: (end: PointEnd, number: number) => void,
): Promise<readonly PointEnd[]> {
  const signal = context.interruption();
  const ends: PointEnd[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < points.length && !signal.aborted) {
      const number = next;
      next += 1;
      const end = await runPoint(points[number] as SweepPoint, runner, context.cwd);
      ends.push(end);
      onEnd(end, number);
      if (end.end === 'interrupted') return;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
  return ends;
}

async function runPoint(point: SweepPoint, runner: Runner, cwd: string): Promise<PointEnd> {
  if (stateOf(point.folder) === 'done') return { point, end: 'done' };
  if (!claim(point.folder)) return { point, end: 'elsewhere' };
  try {
    const folder = relative(cwd, point.folder) || '.';
    const { code, said } = await runner(['run', join(folder, pointFile), '--out', folder, canResume(point) ? '--resume' : '--overwrite']);
    if (code === exitCodes.ok && stateOf(point.folder) !== 'failed') {
      noteFailure(point.folder, undefined);
      return { point, end: 'done' };
    }
    if (code === exitCodes.interrupted) return { point, end: 'interrupted' };
    const why = lastProblem(said) ?? `it ended with code ${code}`;
    noteFailure(point.folder, `${why}\n`);
    return { point, end: 'failed', why };
  } finally {
    release(point.folder);
  }
}

/** The sentence of an error among what a command said. */
const lastProblem = (said: string): string | undefined =>
  said
    .split('\n')
    .filter((line) => /^(error|internal error)/.test(line))
    .at(-1)
    ?.replace(/^error(\[\w+\])?: /, '');

/** Runs points in this process. */
export function inProcess(context: Context): Runner {
  return async (args) => {
    const { runCommandLine } = await import('../program.js');
    let said = '';
    const code: ExitCode = await runCommandLine(args, {
      ...context,
      out: () => undefined,
      err: (text) => void (said += text),
      terminal: { out: false, err: false },
    });
    return { code, said };
  };
}

/** Runs each point in a process of its own; `program` is what starts peft. */
export function inProcesses(program: readonly [string, ...string[]], context: Context): Runner {
  return (args) =>
    new Promise((done) => {
      let said = '';
      const child = spawn(program[0], [...program.slice(1), ...args], {
        cwd: context.cwd,
        env: context.env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const stop = (): void => void child.kill('SIGINT');
      const signal = context.interruption();
      signal.addEventListener('abort', stop);
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-20_000)));
      child.on('error', (error) => done({ code: exitCodes.failure, said: `error: ${error.message}` }));
      child.on('close', (code, killed) => {
        signal.removeEventListener('abort', stop);
        done({ code: code ?? exitCodes.failure, said: killed === null ? said : `${said}\nerror: the process was ended by ${killed}` });
      });
    });
}
