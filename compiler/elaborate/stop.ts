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
export function stop(code: string, span: Span, message: string, more: { notes?: readonly Note[]; help?: string; fix?: Diagnostic['fix'] } = {}): never {
  throw new Stop({ code, severity: 'error', span, message, ...(more.notes ? { notes: more.notes } : {}), ...(more.help ? { help: more.help } : {}), ...(more.fix ? { fix: more.fix } : {}) });
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

/** The diagnostic told at the user's place, with the place where the rule stands as a note. */
export function anchored(diagnostic: Diagnostic, at: Span): Diagnostic {
  if (diagnostic.span.file === at.file) return diagnostic;
  return { ...diagnostic, span: at, notes: [...(diagnostic.notes ?? []), { message: 'the rule stands here', span: diagnostic.span }] };
}
