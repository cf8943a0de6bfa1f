/**
 * @file Bug: an internal impossibility of the compiler. User errors are diagnostics and never this.
 */

/** Thrown where the compiler contradicts itself; `dump` is the text of the form it was working on, if there is one. */
export class Bug extends Error {
  override readonly name = 'Bug';
  constructor(
    message: string,
    readonly dump?: string,
  ) {
    super(message);
  }
}
