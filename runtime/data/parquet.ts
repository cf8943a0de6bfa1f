/**
 * @file Parquet tables through hyparquet: only the columns and row groups asked for are read.
 */
import { open } from 'node:fs/promises';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { fail, ok, systemFailure, type Result } from './result.js';
import { chooseColumns, type Cell, type FormatRequest, type FormatRows } from './columns.js';
import { readExactly } from './file-bytes.js';

/** Reads the rows of a Parquet file. */
export async function readParquet(request: FormatRequest): Promise<Result<FormatRows>> {
  return withParquet(request.path, async (file, metadata, columns) => {
    const chosen = chooseColumns(request.path, columns, request.columns);
    if (!chosen.ok) return chosen;
    const names = chosen.value.map((at) => columns[at]!);
    const total = Number(metadata.num_rows);
    const rowStart = Math.min(request.skip, total);
    const rowEnd = Math.min(request.skip + request.take, total);
    if (rowStart === rowEnd || names.length === 0) return ok({ columns: names, rows: [] });
    const { parquetReadObjects } = await import('hyparquet');
    const { compressors } = await import('hyparquet-compressors');
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const stringFromBytes = (bytes: Uint8Array | undefined): string | undefined =>
      bytes === undefined ? undefined : decoder.decode(bytes);
    const objects = await parquetReadObjects({
      file,
      metadata,
      columns: [...new Set(names)],
      rowStart,
      rowEnd,
      compressors,
      parsers: { stringFromBytes },
    });
    const rows = objects.map((object) => names.map((name) => cellOf((object as Record<string, unknown>)[name])));
    return ok({ columns: names, rows });
  });
}

/** The number of rows that a Parquet file's footer states. */
export async function countParquetRows(request: FormatRequest): Promise<Result<number>> {
  return withParquet(request.path, (_file, metadata) => Promise.resolve(ok(Number(metadata.num_rows))));
}

async function withParquet<T>(
  path: string,
  use: (file: AsyncBuffer, metadata: FileMetaData, columns: readonly string[]) => Promise<Result<T>>,
): Promise<Result<T>> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    return systemFailure(error, path, 'data file');
  }
  try {
    const { size } = await handle.stat();
    if (size === 0) return fail(path, `data file ${path} is empty`);
    const magic = new TextDecoder('latin1').decode(await readExactly(handle, 0, 4));
    if (magic !== 'PAR1') return fail(path, `data file ${path} is not a Parquet file`);
    const ending = size < 12 ? '' : new TextDecoder('latin1').decode(await readExactly(handle, size - 4, 4));
    if (ending !== 'PAR1')
      return fail(path, `data file ${path} is truncated: the footer of a Parquet file is missing`, 'download or copy the file again');
    const opened = handle;
    const file: AsyncBuffer = {
      byteLength: size,
      slice: async (start, end = size) => {
        const bytes = await readExactly(opened, start, Math.max(0, end - start));
        return bytes.byteLength === bytes.buffer.byteLength ? (bytes.buffer as ArrayBuffer) : bytes.slice().buffer;
      },
    };
    const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
    const metadata = await parquetMetadataAsync(file);
    return await use(
      file,
      metadata,
      parquetSchema(metadata).children.map((child) => child.element.name),
    );
  } catch (error) {
    // hyparquet answers damaged bytes with exceptions of many kinds.
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return fail(path, `data file ${path} holds text that is not valid UTF-8`);
    return fail(path, `data file ${path} cannot be read as Parquet: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await handle.close();
  }
}

/** A value of hyparquet as a cell: whole numbers as numbers where exact, dates as text, bytes as lists. */
function cellOf(value: unknown): Cell {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'object':
      if (value === null) return null;
      if (value instanceof Date) return value.toISOString();
      if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, cellOf);
      if (Array.isArray(value)) return value.map(cellOf);
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cellOf(inner)]));
    default:
      return null;
  }
}
