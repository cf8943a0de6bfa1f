/**
 * @file Locks: what an experiment read and what ran it, as digests and versions. The folder of a run has one (`spec.lock.json`); `peft lock` writes
 * one beside a file (`review.peft.lock`), and while it is there `run` and `eval` refuse what has drifted from it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { canonical, meaning, type Spec } from '../compiler/spec/spec.js';
import type { Resolved } from '../compiler/spec/check.js';
import { listFolder, openCheckpoint } from '../runtime/weights/checkpoint.js';
import { readRaw } from '../runtime/weights/raw.js';
import type { Consequences } from './consequences.js';
import { exitCodes, UserError } from './exit.js';
import type { OpenedFile } from './experiment.js';
import { installedVersion, manifest } from './package.js';
import { folderOfBase, sha256 } from './prepare.js';

/** What is locked of one experiment. */
export interface Locked {
  /** Hash of what it means. */
  readonly hash: string;
  readonly seed: number;
  readonly tool: string;
  readonly dawn: string | null;
  readonly base: {
    /** Commit of a base from the hub. */
    readonly revision: string | null;
    /** SHA-256 of its configuration and tokenizer, by file. */
    readonly files: { readonly [name: string]: string };
    /** SHA-256 of the bytes of each tensor. */
    readonly tensors: { readonly [name: string]: string };
  };
  /** SHA-256 of each table, by its path in the file. */
  readonly data: { readonly [path: string]: string };
}

/** The lock in the folder of a run. */
export interface LockFile extends Locked {
  readonly format: 'peft-lock';
  readonly version: 2;
  readonly node: string;
  readonly device: string;
  readonly consequences?: Consequences;
  readonly spec?: Spec;
}

/** The lock beside a file. */
export interface FileLock {
  readonly format: 'peft-file-lock';
  readonly version: 1;
  readonly experiments: { readonly [name: string]: Locked };
}

/** SHA-256 of a file, read in pieces. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** What an experiment reads and what runs it, now. */
export async function lockFacts(resolved: Resolved, opened: OpenedFile): Promise<Locked> {
  const { spec } = resolved;
  const folder = await folderOfBase(resolved, opened);
  const names = await listFolder(folder, 'base');
  const files: Record<string, string> = {};
  // An index of shards says where tensors lie, not what they are.
  for (const name of names.ok ? names.value : [])
    if (/\.(json|model|txt)$/.test(name) && !name.endsWith('.index.json')) files[name] = await fileDigest(join(folder, name));
  const data: Record<string, string> = {};
  for (const source of [spec.data.train, spec.data.eval])
    if (source !== null) data[source.path] = await fileDigest(resolve(dirname(opened.path), source.path));
  return {
    hash: sha256(canonical(meaning(spec))),
    seed: spec.tune.seed,
    tool: manifest().version,
    dawn: installedVersion('webgpu') ?? null,
    base: { revision: spec.base.source.kind === 'hub' ? commitOf(folder) : null, files, tensors: await tensorDigests(folder) },
    data,
  };
}

/** The commit that a snapshot in the hub's cache is of. */
const commitOf = (folder: string): string | null => /snapshots[\\/]([0-9a-f]{40})/.exec(folder)?.[1] ?? null;

async function tensorDigests(folder: string): Promise<Record<string, string>> {
  const base = await openCheckpoint(folder, { weights: 'optional' });
  const digests: Record<string, string> = {};
  for (const file of base.ok ? base.value.files : [])
    for (const name of file.tensors.keys()) {
      const hash = createHash('sha256');
      for await (const chunk of readRaw(file, name)) hash.update(chunk);
      digests[name] = hash.digest('hex');
    }
  return Object.fromEntries(Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Where the lock of a file stands. */
export const lockPath = (path: string): string => `${path}.lock`;

/** The lock beside a file, where there is one. */
export async function readFileLock(path: string): Promise<FileLock | undefined> {
  const place = lockPath(path);
  if (!existsSync(place)) return undefined;
  try {
    const lock = JSON.parse(await readFile(place, 'utf8')) as FileLock;
    if (lock.format === 'peft-file-lock' && lock.version === 1) return lock;
  } catch {
    // Told below.
  }
  throw new UserError(`${place} is no lock that can be read`, 'peft lock writes it anew');
}

/** What differs between a lock and now, one sentence each. */
export function driftOf(locked: Locked, now: Locked): string[] {
  const found: string[] = [];
  const changed = (what: string, before: { readonly [name: string]: string }, after: { readonly [name: string]: string }): void => {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const different = names.filter((name) => before[name] !== after[name]);
    const [first] = different;
    if (first === undefined) return;
    const how = before[first] === undefined ? 'is new' : after[first] === undefined ? 'is gone' : 'has changed';
    found.push(`${what} ${first} ${how}${different.length > 1 ? `, and ${different.length - 1} more` : ''}`);
  };
  if (locked.hash !== now.hash) found.push('the experiment means something else');
  if (locked.seed !== now.seed) found.push(`the seed is ${now.seed}, not ${locked.seed}`);
  if (locked.base.revision !== now.base.revision) found.push(`the base is of commit ${now.base.revision}, not ${locked.base.revision}`);
  changed('file', locked.base.files, now.base.files);
  changed('tensor', locked.base.tensors, now.base.tensors);
  changed('table', locked.data, now.data);
  if (locked.tool !== now.tool) found.push(`peft is ${now.tool}, not ${locked.tool}`);
  if (locked.dawn !== now.dawn) found.push(`Dawn is ${now.dawn}, not ${locked.dawn}`);
  return found;
}

/** Ends the verb with code 3 where the experiment has drifted from the lock beside its file. */
export async function refuseDrift(resolved: Resolved, opened: OpenedFile, now?: Locked): Promise<void> {
  const lock = await readFileLock(opened.path);
  const locked = lock?.experiments[resolved.spec.name];
  if (locked !== undefined)
    refuse(
      driftOf(locked, now ?? (await lockFacts(resolved, opened))),
      lockPath(opened.source.name),
      `peft lock ${opened.source.name} locks what is there now`,
    );
}

/** Ends the verb with code 3 where there is drift. */
export function refuse(drift: readonly string[], from: string, help: string): void {
  if (drift.length > 0) throw new UserError(`this is not what ${from} says: ${drift.join('; ')}`, help, exitCodes.drift);
}
