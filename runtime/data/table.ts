/**
 * @file Tables of examples: TSV, CSV, JSONL, Parquet and plain text behind one shape.
 *
 * Reading is strict and lazy: UTF-8 without a broken byte, every row as wide as the first, and no more of the file than
 * `skip + take` rows need. Row numbers in messages count data rows from 1 as they stand in the file.
 */
import { extname } from 'node:path';
import { fail, ok, type Result } from './result.js';
import { missingColumn, tableFormats, type Cell, type FormatRequest, type FormatRows, type TableFormat } from './columns.js';
import { countDelimitedRows, readDelimited } from './delimited.js';
import { countJsonRows, readJsonLines } from './json-lines.js';
import { countParquetRows, readParquet } from './parquet.js';

/** What is read of a table. */
export interface TableOptions {
  /** Told from the file's extension when absent. */
  readonly format?: TableFormat;
  /** Rows to leave out at the start. */
  readonly skip?: number;
  /** Rows to read after that; all when absent. */
  readonly take?: number;
  /** The columns to read, in this order; all when absent. */
  readonly columns?: readonly string[];
  /** Whether a delimited file's first line names its columns. Default true. */
  readonly header?: boolean;
  /** Column names of a delimited file without a header; `0`, `1`, … when absent. */
  readonly names?: readonly string[];
}

/** A table in memory. */
export interface Table {
  readonly path: string;
  readonly format: TableFormat;
  readonly columns: readonly string[];
  /** One list of cells a row, as wide as `columns`. */
  readonly rows: readonly (readonly Cell[])[];
  /** Number of the first row, counted from 1 in the file. */
  readonly firstRow: number;
}

/** What is known of a table without reading it whole. */
export interface TableDescription {
  readonly path: string;
  readonly format: TableFormat;
  readonly columns: readonly string[];
  /** How many rows reading with the same options gives. */
  readonly rowCount: number;
  readonly first: readonly Cell[];
}

/** Reads a table. */
export async function readTable(path: string, options: TableOptions = {}): Promise<Result<Table>> {
  const request = requestOf(path, options);
  if (!request.ok) return request;
  const read = await readRows(request.value);
  if (!read.ok) return read;
  const { skip, format } = request.value;
  if (read.value.rows.length === 0 && request.value.take > 0)
    return skip > 0 ? fail(path, `data file ${path} has no rows after the first ${skip}`) : fail(path, `data file ${path} has no rows`);
  return ok({ path, format, columns: read.value.columns, rows: read.value.rows, firstRow: skip + 1 });
}

/** Columns, row count and first row of a table, without reading or decoding the rest. */
export async function describeTable(path: string, options: TableOptions = {}): Promise<Result<TableDescription>> {
  const request = requestOf(path, options);
  if (!request.ok) return request;
  const first = await readTable(path, { ...options, take: 1 });
  if (!first.ok) return first;
  const total = await countRows(request.value);
  if (!total.ok) return total;
  const { skip, take, format } = request.value;
  const rowCount = Math.max(0, Math.min(take, total.value - skip));
  return ok({ path, format, columns: first.value.columns, rowCount, first: first.value.rows[0]! });
}

/** One column of a table. */
export function readColumn(table: Table, column: string): Result<readonly Cell[]> {
  const at = table.columns.indexOf(column);
  if (at < 0) return missingColumn(table.path, column, table.columns);
  return ok(table.rows.map((row) => row[at]!));
}

function requestOf(path: string, options: TableOptions): Result<FormatRequest> {
  const format = options.format ?? formatOf(path);
  if (format === undefined) {
    const help =
      extname(path) === '.json' ? 'write one JSON object a line and name the file .jsonl' : `the formats are ${tableFormats.join(', ')}`;
    return fail(path, `the format of data file ${path} is not known from its name`, help);
  }
  const skip = options.skip ?? 0;
  const take = options.take ?? Infinity;
  if (skip < 0 || take < 0) return fail(path, `rows to skip and take of data file ${path} must not be negative`);
  return ok({ path, format, skip, take, columns: options.columns, header: options.header ?? true, names: options.names });
}

function formatOf(path: string): TableFormat | undefined {
  switch (extname(path).toLowerCase()) {
    case '.tsv':
      return 'tsv';
    case '.csv':
      return 'csv';
    case '.jsonl':
    case '.ndjson':
      return 'jsonl';
    case '.parquet':
      return 'parquet';
    case '.txt':
      return 'text';
    default:
      return undefined;
  }
}

async function readRows(request: FormatRequest): Promise<Result<FormatRows>> {
  switch (request.format) {
    case 'tsv':
    case 'csv':
    case 'text':
      return readDelimited(request);
    case 'jsonl':
      return readJsonLines(request);
    case 'parquet':
      return readParquet(request);
    default:
      return request.format satisfies never;
  }
}

async function countRows(request: FormatRequest): Promise<Result<number>> {
  switch (request.format) {
    case 'tsv':
    case 'csv':
    case 'text':
      return countDelimitedRows(request);
    case 'jsonl':
      return countJsonRows(request);
    case 'parquet':
      return countParquetRows(request);
    default:
      return request.format satisfies never;
  }
}
