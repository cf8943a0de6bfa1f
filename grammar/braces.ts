/**
 * @file Braces: where a `}` is missing or one is too many, says the indentation.
 *
 * Input: the tokens of a text that does not parse. Output: the tokens with the missing `}` put where their blocks end, or without those
 * that close nothing, so that the rest is read as what it is; undefined where the braces are even or the indentation does not say.
 *
 * A block ends before the next line that is not indented deeper than the line on which it was opened.
 */
import type { IToken, TokenType } from 'chevrotain';
import { endOf, signs } from './tokens.js';

/** Tokens whose braces are even. */
export interface Evened {
  readonly tokens: readonly IToken[];
  /** Each `{` that was never closed, the offset where its `}` was put, and whether it opened a list of names. */
  readonly unclosed: readonly { readonly token: IToken; readonly at: number; readonly names: boolean }[];
  /** Each `}` that was left out, and the offset where the block begins that it would end. */
  readonly extra: readonly { readonly token: IToken; readonly from: number }[];
}

interface Open {
  readonly token: IToken;
  /** Column in which its line begins. */
  readonly indent: number;
  /** `.{a, b}`: names, not a block. */
  readonly names: boolean;
}

/** The tokens with even braces; undefined where they are even already, or cannot be made so. */
export function evenBraces(tokens: readonly IToken[]): Evened | undefined {
  const count = (type: TokenType): number => tokens.filter((token) => token.tokenType === type).length;
  const missing = count(signs.LCurly) - count(signs.RCurly);
  if (missing === 0) return undefined;
  const evened = missing > 0 ? closed(tokens) : opened(tokens);
  return evened.changes === Math.abs(missing) ? evened : undefined;
}

interface Line {
  readonly first: boolean;
  readonly column: number;
  readonly indent: number;
}

/** Tokens with their lines. */
function* lines(tokens: readonly IToken[]): Generator<readonly [IToken, Line, IToken | undefined]> {
  let indent = 1;
  let previous: IToken | undefined;
  for (const token of tokens) {
    const column = token.startColumn ?? 1;
    const first = previous === undefined || (previous.endLine ?? 0) < (token.startLine ?? 0);
    if (first) indent = column;
    yield [token, { first, column, indent }, previous];
    previous = token;
  }
}

/** Closes every block that its indentation ends. */
function closed(tokens: readonly IToken[]): Evened & { readonly changes: number } {
  const out: IToken[] = [];
  const unclosed: { token: IToken; at: number; names: boolean }[] = [];
  const open: Open[] = [];
  let changes = 0;
  const close = (before: IToken): void => {
    const top = open.pop();
    if (top === undefined) return;
    changes += 1;
    out.push(braceBehind(before));
    unclosed.push({ token: top.token, at: endOf(before), names: top.names });
  };
  for (const [token, { first, column, indent }, previous] of lines(tokens)) {
    const closes = token.tokenType === signs.RCurly;
    if (first && previous !== undefined) {
      for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
        const ends = top.names || column < top.indent || (column === top.indent && !closes);
        if (!ends) break;
        close(previous);
      }
    }
    if (token.tokenType === signs.LCurly) open.push({ token, indent, names: previous?.tokenType === signs.Dot });
    else if (closes) open.pop();
    out.push(token);
  }
  const last = tokens.at(-1);
  while (last !== undefined && open.length > 0) close(last);
  return { tokens: out, unclosed, extra: [], changes };
}

/** Leaves out every `}` that stands where no block ends. */
function opened(tokens: readonly IToken[]): Evened & { readonly changes: number } {
  const out: IToken[] = [];
  const extra: { token: IToken; from: number }[] = [];
  const open: { readonly token: IToken; readonly indent: number }[] = [];
  const starts: { readonly offset: number; readonly column: number }[] = [];
  for (const [token, { first, column, indent }] of lines(tokens)) {
    const from = (first ? starts.findLast((line) => line.column <= column) : starts.at(-1))?.offset ?? 0;
    if (first) starts.push({ offset: token.startOffset, column });
    if (token.tokenType === signs.LCurly) open.push({ token, indent });
    else if (token.tokenType === signs.RCurly) {
      const top = open.at(-1);
      const lone = top === undefined || (first ? top.indent < column : (top.token.startLine ?? 0) < (token.startLine ?? 0));
      if (lone) {
        extra.push({ token, from });
        continue;
      }
      open.pop();
    }
    out.push(token);
  }
  return { tokens: out, unclosed: [], extra, changes: extra.length };
}

/** A `}` that takes no place, behind a token. */
function braceBehind(token: IToken): IToken {
  const at = endOf(token);
  const column = (token.endColumn ?? token.startColumn ?? 0) + 1;
  return {
    image: '}',
    startOffset: at,
    endOffset: at - 1,
    startLine: token.endLine ?? token.startLine ?? 1,
    endLine: token.endLine ?? token.startLine ?? 1,
    startColumn: column,
    endColumn: column - 1,
    tokenType: signs.RCurly,
    tokenTypeIdx: (signs.RCurly as TokenType & { readonly tokenTypeIdx: number }).tokenTypeIdx,
  };
}
