/**
 * @file Formatting: the canonical text, as one edit that leaves the lines at both ends that do not change.
 */
import type { TextEdit } from 'vscode-languageserver/node';
import { printFile } from '../../grammar/print.js';
import { isBroken, type Document } from './document.js';

/** The edit that brings a document into canonical form; none where it is, or where it has a syntax error. */
export function format(document: Document): TextEdit[] {
  if (isBroken(document)) return [];
  const edit = wholeEdit(document, printFile(document.ast));
  return edit === undefined ? [] : [edit];
}

/** The edit that makes a text another one; undefined where it is the same. */
export function wholeEdit({ text, rangeOf }: Document, wanted: string): TextEdit | undefined {
  if (text === wanted) return undefined;
  const [before, after] = [text.split(/(?<=\n)/), wanted.split(/(?<=\n)/)];
  let first = 0;
  while (first < before.length && first < after.length && before[first] === after[first]) first++;
  let last = 0;
  while (last < before.length - first && last < after.length - first && before.at(-1 - last) === after.at(-1 - last)) last++;
  const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, l) => sum + l.length, 0);
  const start = lengthOf(before.slice(0, first));
  const end = text.length - lengthOf(before.slice(before.length - last));
  return { range: rangeOf({ start, end }), newText: after.slice(first, after.length - last).join('') };
}
