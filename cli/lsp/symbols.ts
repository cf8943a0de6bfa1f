/**
 * @file Symbols: what a name in a text stands for, and where it is declared. Two names are the same symbol where they have the same key.
 */
import type { Definition, Experiment, Name, Param } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';

/** What a name stands for. */
export interface Symbol {
  /** Where it is declared, or what it is called where nobody declares it. */
  readonly key: string;
  readonly name: string;
  /** The name at its declaration; undefined for what the language itself gives. */
  readonly span: Span | undefined;
  readonly is: Meaning;
}

/** Kinds of symbols, with what is known of each. */
export type Meaning =
  | { readonly kind: 'experiment'; readonly experiment: Experiment }
  | { readonly kind: 'definition'; readonly definition: Definition }
  /** A name given by `import … as`; it stands for a definition. */
  | { readonly kind: 'alias'; readonly definition: Definition }
  | { readonly kind: 'param'; readonly param: Param; readonly of: string }
  /** A field of a section of an experiment. */
  | { readonly kind: 'field'; readonly param: Param; readonly of: string }
  | { readonly kind: 'section'; readonly definition: Definition }
  /** A tensor, part, value or function inside a definition, or a name given by `let`, `for` or an axis; `text` is how it is declared. */
  | { readonly kind: 'local'; readonly what: Local; readonly text: string; readonly doc: string }
  /** A function or constant of the language. */
  | { readonly kind: 'builtin' };

/** Kinds of names inside definitions. */
export type Local = 'tensor' | 'part' | 'value' | 'function' | 'axis' | 'variable';

/** A place where a symbol is written. */
export interface Occurrence {
  readonly span: Span;
  readonly symbol: Symbol;
  readonly declares: boolean;
}

/** The symbol that a name declares. */
export const declared = (name: Name, is: Meaning): Symbol => ({
  key: `${name.span.file}:${name.span.start}`,
  name: name.text,
  span: name.span,
  is,
});

/** A symbol of the language itself. */
export const given = (name: string): Symbol => ({ key: `given ${name}`, name, span: undefined, is: { kind: 'builtin' } });
