/**
 * @file How far a sweep is, from its folder alone: so it can be stopped at any moment and gone on with, here or elsewhere.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pointFile, type OpenedSweep, type SweepPoint } from './points.js';

/** How a point stands. */
export type PointState = 'done' | 'failed' | 'running' | 'stopped' | 'waiting';

/** What is written about a sweep, in its folder. */
export interface SweepIndex {
  readonly format: 'peft-sweep';
  readonly version: 1;
  readonly name: string;
  readonly points: readonly { readonly name: string; readonly label: string; readonly hash: string; readonly folder: string }[];
}

/** Name of the index. */
export const indexFile = 'sweep.json';
const claimFile = 'claim.json';
const errorFile = 'error.txt';

/** Writes a file whole or not at all. */
export function writeAtomically(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, text);
  renameSync(beside, path);
}

/** Makes the folders of a sweep: the index, and for each point its file. What is there already stays. */
export function prepareSweep(folder: string, sweep: OpenedSweep): void {
  mkdirSync(folder, { recursive: true });
  const index: SweepIndex = {
    format: 'peft-sweep',
    version: 1,
    name: sweep.name,
    points: sweep.points.map(({ name, label, hash }) => ({ name, label, hash, folder: hash.slice(0, 12) })),
  };
  writeAtomically(join(folder, indexFile), `${JSON.stringify(index, null, 2)}\n`);
  for (const point of sweep.points) {
    mkdirSync(point.folder, { recursive: true });
    if (!existsSync(join(point.folder, pointFile))) writeAtomically(join(point.folder, pointFile), point.text);
  }
}

/** How the point in a folder stands. */
export function stateOf(folder: string): PointState {
  if (existsSync(join(folder, 'result.json'))) return 'done';
  if (isClaimed(folder)) return 'running';
  if (existsSync(join(folder, errorFile))) return 'failed';
  return existsSync(join(folder, 'checkpoint.safetensors')) ? 'stopped' : 'waiting';
}

/** Takes a point for this process; false where another one that still lives has it. */
export function claim(folder: string): boolean {
  const path = join(folder, claimFile);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), started: new Date().toISOString() });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(path, own, { flag: 'wx' });
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (isClaimed(folder)) return false;
      // Whoever had it is gone.
      rmSync(path, { force: true });
    }
  }
  return false;
}

/** Gives a point back. */
export const release = (folder: string): void => rmSync(join(folder, claimFile), { force: true });

/** Says why a point failed, or that it no longer has. */
export function noteFailure(folder: string, text: string | undefined): void {
  if (text === undefined) rmSync(join(folder, errorFile), { force: true });
  else writeAtomically(join(folder, errorFile), text);
}

/** Why a point failed. */
export const failureOf = (folder: string): string => {
  const path = join(folder, errorFile);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
};

function isClaimed(folder: string): boolean {
  let owner: { readonly pid?: number; readonly host?: string };
  try {
    owner = JSON.parse(readFileSync(join(folder, claimFile), 'utf8')) as typeof owner;
  } catch {
    return false;
  }
  if (owner.pid === undefined) return false;
  // Of another machine nothing is known: it is believed.
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a point was stopped and can be gone on with. */
export const canResume = (point: Pick<SweepPoint, 'folder'>): boolean => existsSync(join(point.folder, 'checkpoint.safetensors'));
