/**
 * @file Trivia: gives every comment and blank line to the node it belongs to, in one pass over the text.
 *
 * Nodes that own a line of their own (items, members, fields, parameters, arguments, list items) are opened and closed
 * in source order. A comment before such a node is its `before`; one behind it on its last line is its `after`; one
 * inside it that no inner node claims moves before it. So no comment is ever lost.
 */
import type { IToken } from 'chevrotain';
import type { Trivia } from './ast.js';
import { endOf } from './tokens.js';

/** What stands before a node, kept until the node ends. */
export interface Opened {
  readonly before: string[];
  readonly doc: string;
}

/** Hands out the comments of one text in order. */
export interface TriviaCursor {
  /** Takes what stands before a node; with `documented`, `///` lines become its doc comment. */
  open(start: number, documented: boolean): Opened;
  /** Ends a node: takes comments left inside it, and one behind it on its line. */
  close(opened: Opened, end: number, tail?: readonly string[]): { readonly trivia: Trivia } | Record<string, never>;
  /** Begins a block behind its `{`: blank lines that follow at once are dropped. */
  enter(offset: number): void;
  /** Takes the comments before the closing bracket of a block. */
  tail(end: number): readonly string[];
  /** Drops the comments of a part that is kept as text. */
  drop(end: number): void;
  /** Takes the comments at the head of a file, before its first token, up to its last `//!` line. */
  head(until: number): readonly string[];
}

/** A cursor over the comments of a text. */
export function triviaCursor(text: string, comments: readonly IToken[]): TriviaCursor {
  let next = 0;
  let last = 0;
  let fresh = true;

  const blankBefore = (offset: number): boolean => {
    const gap = text.slice(last, offset);
    return /\n[^\S\n]*\r?\n/.test(gap) || /\r[^\S\r\n]*\r(?!\n)/.test(gap);
  };
  const take = (end: number, blanks: boolean): string[] => {
    const lines: string[] = [];
    for (let comment = comments[next]; comment && comment.startOffset < end; comment = comments[++next]) {
      if (blanks && !(fresh && lines.length === 0) && blankBefore(comment.startOffset)) lines.push('');
      lines.push(comment.image.trimEnd());
      last = endOf(comment);
      fresh = false;
    }
    return lines;
  };

  return {
    open(start, documented) {
      const lines = take(start, true);
      if (!fresh && blankBefore(start)) lines.push('');
      fresh = false;
      last = start;
      if (!documented) return { before: lines, doc: '' };
      const firstDoc = lines.findIndex(isDoc);
      if (firstDoc < 0) return { before: lines, doc: '' };
      const rest = lines.slice(firstDoc);
      return {
        before: [...lines.slice(0, firstDoc), ...rest.filter((line) => line !== '' && !isDoc(line))],
        doc: rest
          .filter(isDoc)
          .map((line) => line.replace(/^\/\/\/ ?/, ''))
          .join('\n'),
      };
    },
    close(opened, end, tail = []) {
      const before = [...opened.before, ...take(end, false)];
      const comment = comments[next];
      let after: string | undefined;
      last = Math.max(last, end);
      if (comment && /^[ \t]*,?[ \t]*$/.test(text.slice(end, comment.startOffset))) {
        after = comment.image.trimEnd();
        last = endOf(comment);
        next++;
      }
      if (before.length === 0 && after === undefined && tail.length === 0) return {};
      return { trivia: { before, ...(after === undefined ? {} : { after }), ...(tail.length === 0 ? {} : { tail }) } };
    },
    enter(offset) {
      last = offset;
      fresh = true;
    },
    tail(end) {
      const lines = take(end, true);
      fresh = false;
      last = end;
      return lines;
    },
    drop(end) {
      take(end, false);
      last = Math.max(last, end);
    },
    head(until) {
      const header = comments.findLast((comment) => comment.startOffset < until && comment.image.startsWith('//!'));
      return header ? take(endOf(header), true) : [];
    },
  };
}

function isDoc(line: string): boolean {
  return line.startsWith('///') && !line.startsWith('////');
}
