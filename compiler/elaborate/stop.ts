/**
 * @file Stop: how an elaboration that cannot go on leaves the recursion. It never crosses an exported boundary: `attempt`
 * turns it into a diagnostic, and where the fault was found inside the standard library the user's own place comes first.
 */
import type { Diagnostic, Note, Span } from '../../grammar/diagnostics.js';

/** Carries diagnostics out of the recursion: one, or as many as there are independent faults in the arguments of a call. */
export class Stop extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(...diagnostics: readonly Diagnostic[]) {
    super(diagnostics[0]?.message);
    this.diagnostics = diagnostics;
  }
}

/** Ends the elaboration if anything was found. */
export function stopWith(found: readonly Diagnostic[]): void {
  if (found.length > 0) throw new Stop(...found);
}

/** Ends the elaboration with an error. */
export function stop(
  code: string,
  span: Span,
  message: string,
  more: { notes?: readonly Note[]; help?: string; fix?: Diagnostic['fix'] } = {},
): never {
  throw new Stop({
    code,
    severity: 'error',
    span,
    message,
    ...(more.notes ? { notes: more.notes } : {}),
    ...(more.help ? { help: more.help } : {}),
    ...(more.fix ? { fix: more.fix } : {}),
  });
}

/** Code of what could not be read: the parser has said why, so it is not told again. */
export const unreadCode = 'PEFT0015';

/** Ends the elaboration at a part that the parser could not read. */
export const unread = (span: Span): never => stop(unreadCode, span, 'this part could not be read');

/** Runs `body`; a stop becomes a diagnostic and the result undefined. With `at`, a stop inside another file is told at `at`. */
export function attempt<T>(diagnostics: Diagnostic[], body: () => T, at?: Span): T | undefined {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    diagnostics.push(...error.diagnostics.map((d) => (at === undefined ? d : anchored(d, at))));
    return undefined;
  }
}

/** Code of a `require` that does not hold: the fault is in what was asked for, not where the rule stands. */
export const ruleCode = 'PEFT0218';
const ruleNote = 'the rule stands here';

/** The diagnostic told at the user's place, with the place where the rule stands as a note. */
export function anchored(diagnostic: Diagnostic, at: Span): Diagnostic {
  const told = diagnostic.notes?.some((note) => note.message === ruleNote) ?? false;
  if (told || (diagnostic.span.file === at.file && diagnostic.code !== ruleCode)) return diagnostic;
  return { ...diagnostic, span: at, notes: [...(diagnostic.notes ?? []), { message: ruleNote, span: diagnostic.span }] };
}

/** Runs `body`; a stop inside another file is told at `at`, or where that says, with the given notes. */
export function told<T>(at: Span | ((diagnostic: Diagnostic) => Span), body: () => T, notes: readonly Note[] = []): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    const noted = (d: Diagnostic): Diagnostic => (notes.length === 0 ? d : { ...d, notes: [...(d.notes ?? []), ...notes] });
    throw new Stop(...error.diagnostics.map((d) => anchored(noted(d), typeof at === 'function' ? at(d) : at)));
  }
}
