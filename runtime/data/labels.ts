/**
 * @file Columns of a table as what a recipe needs: texts, and class labels in [0, labels).
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
    const label = naming.kind === 'numbers' ? numberedClass(cell, naming.count) : namedClass(cell, naming.names);
    if (typeof label !== 'number')
      return fail(table.path, `${column} ${shown(cell)} in row ${row} of data file ${table.path} ${label.message}`, label.help);
    classes[i] = label;
  }
  return ok(classes);
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
