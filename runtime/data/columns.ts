/**
 * @file What the readers of all table formats share: cells, the request for rows, and the choice of columns.
 */
import { fail, ok, suggestNames, type Result } from './result.js';

/** One value of a table. Delimited and text files hold only text. */
export type Cell = string | number | boolean | null | readonly Cell[] | { readonly [key: string]: Cell };

/** The formats a table can be read from; `text` is one example a line, in the column `text`. */
export const tableFormats = ['tsv', 'csv', 'jsonl', 'parquet', 'text'] as const;
/** One of the formats a table can be read from. */
export type TableFormat = (typeof tableFormats)[number];

/** What the reader of one format gets. */
export interface FormatRequest {
  readonly path: string;
  readonly format: TableFormat;
  readonly skip: number;
  readonly take: number;
  readonly columns: readonly string[] | undefined;
  readonly header: boolean;
  readonly names: readonly string[] | undefined;
}

/** What the reader of one format gives. */
export interface FormatRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The failure that names a column a file lacks. */
export function missingColumn(path: string, column: string, columns: readonly string[]): Result<never> {
  return fail(path, `data file ${path} has no column "${column}"`, suggestNames(column, columns));
}

/** Positions of the wanted columns (all when none are wanted) among those of the file. */
export function chooseColumns(
  path: string,
  available: readonly string[],
  wanted: readonly string[] | undefined,
): Result<readonly number[]> {
  if (wanted === undefined) return ok(available.map((_, i) => i));
  const positions: number[] = [];
  for (const column of wanted) {
    const at = available.indexOf(column);
    if (at < 0) return missingColumn(path, column, available);
    positions.push(at);
  }
  return ok(positions);
}
