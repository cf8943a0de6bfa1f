/**
 * @file Columns of a table as what a recipe needs: texts, class labels in [0, labels), real numbers, and words with a tag each.
 */
import type { Cell } from './columns.js';
import { fail, ok, suggestNames, type Result } from './result.js';
import { readColumn, type Table } from './table.js';

/** The label of a row that does not count. */
export const ignoredLabel = -100;

/** How the classes are written in the table: whole numbers below `count`, or these names in the order of their classes. */
export type ClassNaming =
  { readonly kind: 'numbers'; readonly count: number } | { readonly kind: 'names'; readonly names: readonly string[] };

/** A column of texts. A row without one is a failure that names it; an empty text is a text. */
export function readTexts(table: Table, column: string): Result<readonly string[]> {
  const cells = readColumn(table, column);
  if (!cells.ok) return cells;
  const texts: string[] = [];
  for (const [i, cell] of cells.value.entries()) {
    if (typeof cell !== 'string') {
      const what =
        cell === null
          ? 'is missing'
          : typeof cell === 'object'
            ? 'is no text but a structure'
            : `is no text but the value ${JSON.stringify(cell)}`;
      return fail(table.path, `${column} in row ${table.firstRow + i} of data file ${table.path} ${what}`);
    }
    texts.push(cell);
  }
  return ok(texts);
}

/** A column of class labels as class numbers. */
export function readClasses(table: Table, column: string, naming: ClassNaming): Result<Int32Array> {
  const cells = readColumn(table, column);
  if (!cells.ok) return cells;
  const classes = new Int32Array(cells.value.length);
  for (const [i, cell] of cells.value.entries()) {
    const row = table.firstRow + i;
    const label = classOf(cell, naming);
    if (typeof label !== 'number')
      return fail(table.path, `${column} ${shown(cell)} in row ${row} of data file ${table.path} ${label.message}`, label.help);
    classes[i] = label;
  }
  return ok(classes);
}

/** A column of real numbers, as 32-bit floats. */
export function readNumbers(table: Table, column: string): Result<Float32Array> {
  const cells = readColumn(table, column);
  if (!cells.ok) return cells;
  const numbers = new Float32Array(cells.value.length);
  for (const [i, cell] of cells.value.entries()) {
    const value = typeof cell === 'string' && decimal.test(cell) ? Number(cell) : cell;
    const at = `${column} ${shown(cell)} in row ${table.firstRow + i} of data file ${table.path}`;
    if (typeof value !== 'number' || Number.isNaN(value)) return fail(table.path, `${at} is not a number`);
    if (!Number.isFinite(Math.fround(value))) return fail(table.path, `${at} is not a finite number of 32 bits`);
    numbers[i] = value;
  }
  return ok(numbers);
}

const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A column of texts in words: lists of words, or words separated by spaces. A row without a word is a failure that names it. */
export function readWords(table: Table, column: string): Result<readonly (readonly string[])[]> {
  const cells = readColumn(table, column);
  if (!cells.ok) return cells;
  const rows: (readonly string[])[] = [];
  for (const [i, cell] of cells.value.entries()) {
    const at = `${column} in row ${table.firstRow + i} of data file ${table.path}`;
    const words = itemsOf(cell);
    if (words === undefined) return fail(table.path, `${at} ${cell === null ? 'is missing' : 'is neither text nor a list of words'}`);
    const wrong = words.findIndex((word) => typeof word !== 'string');
    if (wrong >= 0) return fail(table.path, `word ${wrong + 1} of ${at} is no text but ${shown(words[wrong]!)}`);
    if (words.length === 0) return fail(table.path, `${at} has no words`);
    rows.push(words as readonly string[]);
  }
  return ok(rows);
}

/** A column with one class label for each word of each row, as class numbers. */
export function readTags(
  table: Table,
  column: string,
  naming: ClassNaming,
  words: { readonly column: string; readonly rows: readonly (readonly string[])[] },
): Result<readonly Int32Array[]> {
  const cells = readColumn(table, column);
  if (!cells.ok) return cells;
  const rows: Int32Array[] = [];
  for (const [i, cell] of cells.value.entries()) {
    const at = `in row ${table.firstRow + i} of data file ${table.path}`;
    const tags = itemsOf(cell);
    if (tags === undefined)
      return fail(table.path, `${column} ${at} ${cell === null ? 'is missing' : 'is neither text nor a list of tags'}`);
    const wanted = words.rows[i]!.length;
    if (tags.length !== wanted)
      return fail(
        table.path,
        `${column} ${at} has ${counted(tags.length, 'tag')} for the ${counted(wanted, 'word')} of ${words.column}`,
        'write one tag for each word',
      );
    const classes = new Int32Array(wanted);
    for (const [k, tag] of tags.entries()) {
      const label = classOf(tag, naming);
      if (typeof label !== 'number') return fail(table.path, `${column} ${shown(tag)} of word ${k + 1} ${at} ${label.message}`, label.help);
      classes[k] = label;
    }
    rows.push(classes);
  }
  return ok(rows);
}

/** The items of a list, or what spaces separate in a text; undefined where a cell is neither. */
function itemsOf(cell: Cell): readonly Cell[] | undefined {
  if (typeof cell === 'string') return cell.split(/[ \t\r\n]+/).filter((item) => item !== '');
  return isList(cell) ? cell : undefined;
}

const isList = (cell: Cell): cell is readonly Cell[] => Array.isArray(cell);
const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function classOf(cell: Cell, naming: ClassNaming): number | Refusal {
  return naming.kind === 'numbers' ? numberedClass(cell, naming.count) : namedClass(cell, naming.names);
}

interface Refusal {
  readonly message: string;
  readonly help?: string;
}

function numberedClass(cell: Cell, count: number): number | Refusal {
  const value = typeof cell === 'boolean' ? Number(cell) : typeof cell === 'string' && /^\s*[+-]?\d+\s*$/.test(cell) ? Number(cell) : cell;
  if (typeof value !== 'number' || !Number.isInteger(value))
    return { message: 'is not a whole number', help: 'name the classes where the labels are words' };
  if (value >= 0 && value < count) return value;
  return {
    message: `is outside 0..${count - 1}`,
    help:
      value === count
        ? `labels count from 0; with labels: ${count + 1} it would be the last`
        : `the task has ${count} labels, 0 to ${count - 1}`,
  };
}

function namedClass(cell: Cell, names: readonly string[]): number | Refusal {
  const text = typeof cell === 'string' ? cell : typeof cell === 'object' ? undefined : String(cell);
  const at = text === undefined ? -1 : names.indexOf(text);
  return at >= 0 ? at : { message: 'is none of the classes', help: suggestNames(text ?? '', names) };
}

function shown(cell: Cell): string {
  return cell === null
    ? '(missing)'
    : typeof cell === 'string' && !/^[+-]?\d+$/.test(cell)
      ? JSON.stringify(cell)
      : typeof cell === 'object'
        ? '(a structure)'
        : String(cell);
}
