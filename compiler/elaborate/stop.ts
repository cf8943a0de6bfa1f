/**
 * @file Stop: how an elaboration that cannot go on leaves the recursion. It never crosses an exported boundary: `attempt`
 * turns it into a diagnostic, and where the fault was found inside the standard library the user's own place comes first.
 */
import type { Diagnostic, Note, Span } from '../../grammar/diagnostics.js';

/** Carries one diagnostic out of the recursion. */
export class Stop extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
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

/** Runs `body`; a stop becomes a diagnostic and the result undefined. With `at`, a stop inside another file is told at `at`. */
export function attempt<T>(diagnostics: Diagnostic[], body: () => T, at?: Span): T | undefined {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    diagnostics.push(at === undefined ? error.diagnostic : anchored(error.diagnostic, at));
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

/** Runs `body`; a stop inside another file is told at `at`, with the given notes. */
export function told<T>(at: Span, body: () => T, notes: readonly Note[] = []): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    const { diagnostic } = error;
    throw new Stop(anchored(notes.length === 0 ? diagnostic : { ...diagnostic, notes: [...(diagnostic.notes ?? []), ...notes] }, at));
  }
}
