/**
 * @file Places: what the grammar may want at a point of a text, and the tokens before it with brackets as groups.
 */
import type { IToken } from 'chevrotain';
import type { DefinitionKind } from '../../grammar/ast.js';
import { NumberLiteral } from '../../grammar/tokens.js';

/** What may stand at a place. */
export type Place =
  /** An import, a definition or an experiment. */
  | { readonly kind: 'item' }
  /** After `import`: parts of the dotted path so far. */
  | { readonly kind: 'import-path'; readonly parts: readonly string[] }
  /** A name that is imported from a folder of the standard library or a file. */
  | { readonly kind: 'import-name'; readonly from: readonly string[] | string; readonly taken: readonly string[] }
  /** The experiment that one derives from. */
  | { readonly kind: 'parent' }
  | { readonly kind: 'statement' }
  /** One of a few words. */
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly statement: boolean }
  /** A definition of a kind. */
  | { readonly kind: 'named'; readonly what: DefinitionKind }
  /** Where a base comes from. */
  | { readonly kind: 'base-source' }
  /** A role; `path` is what stands before it up to the dot, as written. */
  | { readonly kind: 'role'; readonly path: string }
  | { readonly kind: 'field'; readonly section: string; readonly taken: readonly string[] }
  | { readonly kind: 'field-value'; readonly section: string; readonly field: string }
  /** An argument of a call: a name of a parameter, or a value. */
  | { readonly kind: 'argument'; readonly call: Call; readonly taken: readonly string[]; readonly index: number }
  | { readonly kind: 'argument-value'; readonly call: Call; readonly name: string }
  /** After a number. */
  | { readonly kind: 'unit'; readonly of: Place; readonly else: Place | undefined }
  /** A member of a definition, or a value in it. */
  | { readonly kind: 'member'; readonly what: string }
  | { readonly kind: 'expression' }
  | { readonly kind: 'type' }
  | { readonly kind: 'nothing' };

/** A call that a place is inside of; `in` says where it stands. */
export interface Call {
  readonly callee: string;
  readonly in: 'source' | 'overrides' | 'other' | DefinitionKind;
  /** The field of a section whose value it is. */
  readonly field?: { readonly section: string; readonly field: string };
}

/** A token, or everything between two brackets. */
export type Unit = IToken | Group;
/** Everything between two brackets, or up to the place where the second one is missing. */
export interface Group {
  readonly open: IToken;
  readonly units: Unit[];
}

/** Whether a unit is a group. */
export const isGroup = (unit: Unit | undefined): unit is Group => unit !== undefined && 'open' in unit;
/** The text of a token; of a group the bracket that opens it. */
export const textOf = (unit: Unit | undefined): string => (unit === undefined ? '' : isGroup(unit) ? unit.open.image : unit.image);
/** Whether a unit is a name, keywords that also are names included. */
export const isWord = (unit: Unit | undefined): unit is IToken => unit !== undefined && !isGroup(unit) && /^[A-Za-z_]/.test(unit.image);

/** Whether a unit stands between two values, or before one. */
export const isOperator = (unit: Unit | undefined): boolean => /^[=+\-*/%@<>?.,:|]+$|^(and|or|not|in|if|then|else)$/.test(textOf(unit));

/** Inside the parentheses of a call. */
export function argumentPlace(call: Call, { units }: Group): Place {
  const comma = units.findLastIndex((u) => textOf(u) === ',');
  const own = units.slice(comma + 1);
  const taken = units.filter((u, i): u is IToken => isWord(u) && textOf(units[i + 1]) === ':').map((t) => t.image);
  const index = units.filter((u) => textOf(u) === ',').length;
  if (own.length === 0) return { kind: 'argument', call, taken, index };
  const [name, colon] = own;
  const isNamed = isWord(name) && textOf(colon) === ':';
  const value: Place = isNamed ? { kind: 'argument-value', call, name: name.image } : { kind: 'argument', call, taken: [], index };
  const last = own.at(-1) as Unit;
  if (!isGroup(last) && last.tokenType === NumberLiteral) return { kind: 'unit', of: value, else: undefined };
  if (isNamed && own.length === 2) return value;
  return isOperator(last) ? { kind: 'expression' } : { kind: 'nothing' };
}
