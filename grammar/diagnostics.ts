/**
 * @file Diagnostics: what the language says about a source text.
 *
 * A diagnostic is data. It never throws and never prints itself: `cli/` renders it as text, JSON or SARIF.
 * Messages are lower case, one sentence, without a final stop; `notes` say why, `help` says what to do, `fix` is
 * machine-applicable and present only where it is certain to be right.
 */

/** A half-open range of UTF-16 offsets in one source file. */
export interface Span {
  /** Path or URI of the source, as the user named it. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** `error` stops a run, `warning` and `info` do not. */
export type Severity = 'error' | 'warning' | 'info';

/** A second place that explains the first. */
export interface Note {
  readonly message: string;
  readonly span?: Span;
}

/** A replacement of text that is certain to be right. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
}

/** One finding about a source text, with a stable code (`PEFTnnnn`). */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span;
  readonly notes?: readonly Note[];
  readonly help?: string;
  readonly fix?: Fix;
}

/** What every parsing and checking function returns: it never throws on user input. */
export interface Outcome<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}
