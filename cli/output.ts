/**
 * @file Writing files so that nothing half-written is ever seen: beside the target first, then moved into its place.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { UserError } from './exit.js';
import { reasonOf } from './source.js';

/** Writes a file whole or not at all; an existing file keeps its permissions, a link stays a link. */
export function writeWhole(path: string, text: string, name: string): void {
  const target = statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
  const beside = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(beside, text, { flag: 'wx' });
    const present = statSync(target, { throwIfNoEntry: false });
    if (present !== undefined) chmodSync(beside, present.mode);
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new UserError(`${name} cannot be written: ${reasonOf(error)}`);
  }
}
