/**
 * @file Arguments of a call once they are evaluated.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { suggest } from './nearest.js';
import { stop } from './stop.js';
import type { Value } from './value.js';

/** An evaluated argument. */
export interface EvaluatedArgument {
  readonly name?: string;
  readonly value: Value;
  readonly span: Span;
  /** Where the name stands. */
  readonly nameSpan?: Span;
}

/** Ends with the nearest parameter of a callee. */
export function unknownArgument(what: string, arg: EvaluatedArgument, params: readonly string[]): never {
  const span = arg.nameSpan ?? arg.span;
  return stop(
    'PEFT0224',
    span,
    `${what} has no parameter ${arg.name}`,
    params.length === 0 ? { help: `${what} has none` } : suggest(arg.name as string, span, params, `${what} has`),
  );
}

/** Ends because a callee has fewer parameters. */
export function tooMany(what: string, span: Span, params: readonly string[], given: number): never {
  return stop(
    'PEFT0223',
    span,
    `${what} takes ${params.length} ${params.length === 1 ? 'argument' : 'arguments'}, not ${given}`,
    params.length === 0 ? {} : { help: `${what} has ${params.join(', ')}` },
  );
}
