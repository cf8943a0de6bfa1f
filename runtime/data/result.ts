/**
 * @file Results of reading what the user names: files, tables, checkpoints.
 *
 * Nothing in `runtime/data`, `runtime/weights` or `runtime/hub` throws for a problem of the user's; it answers with a
 * `Failure` whose words can be shown as they are (lower case, one sentence, no final stop).
 */
import { distance } from 'fastest-levenshtein';

/** What went wrong, where, and what to do about it. */
export interface Failure {
  readonly message: string;
  readonly help?: string;
  /** File or folder the message is about, as the user named it. */
  readonly path: string;
}

/** A value, or the reason why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** A result that holds a value. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** A result that says what went wrong. */
export function fail(path: string, message: string, help?: string): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error: help === undefined ? { message, path } : { message, help, path } };
}

/** Whether an error comes from the system (a file, a device, a socket) and not from a mistake of this program. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code);
}

/** The failure behind an error of the file system; `what` names the thing, as in "data file". */
export function systemFailure(error: unknown, path: string, what: string): { readonly ok: false; readonly error: Failure } {
  const code = isSystemError(error) ? error.code : '';
  switch (code) {
    case 'ENOENT':
      return fail(path, `${what} ${path} does not exist`);
    case 'ENOTDIR':
      return fail(path, `${what} ${path} does not exist, because a part of its path is a file`);
    case 'EISDIR':
      return fail(path, `${what} ${path} is a folder, not a file`);
    case 'EACCES':
    case 'EPERM':
      return fail(path, `${what} ${path} may not be opened`, 'check its permissions');
    case 'EROFS':
      return fail(path, `${what} ${path} cannot be written, because its file system is read-only`);
    case 'ENOSPC':
      return fail(path, `${what} ${path} cannot be written, because the disk is full`);
    default:
      return fail(path, `${what} ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The valid names nearest to `name`, at most `count`, near enough to be what was meant. */
export function nearestNames(name: string, valid: Iterable<string>, count = 3): string[] {
  const limit = Math.max(2, Math.floor(name.length / 3));
  const lower = name.toLowerCase();
  return [...valid]
    .map((candidate) => ({ candidate, cost: distance(lower, candidate.toLowerCase()) }))
    .filter(({ cost }) => cost <= limit)
    .sort((a, b) => a.cost - b.cost || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Words that offer the nearest valid names, or list what there is. */
export function suggestNames(name: string, valid: readonly string[]): string {
  const near = nearestNames(name, valid);
  if (near.length > 0) return `did you mean ${near.map((n) => `"${n}"`).join(' or ')}?`;
  const shown = valid
    .slice(0, 12)
    .map((n) => `"${n}"`)
    .join(', ');
  return `there is ${shown}${valid.length > 12 ? ` and ${valid.length - 12} more` : ''}`;
}
