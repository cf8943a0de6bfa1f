/**
 * @file JSON lines: one object a line.
 *
 * Unless columns are asked for, they are the keys of the first row; a later row without one of them has null there. A
 * column that is asked for must stand in every row.
 */
import { isJsonObject, type Json } from './json-file.js';
import { fail, ok, type Result } from './result.js';
import { missingColumn, type Cell, type FormatRequest, type FormatRows } from './columns.js';
import { countLines, isBlank, linesOf, readText } from './text.js';

/** Reads the rows of a JSON-lines file. */
export async function readJsonLines(request: FormatRequest): Promise<Result<FormatRows>> {
  const { path, skip, take, columns: wanted } = request;
  let columns = wanted;
  let seen = 0;
  const rows: Cell[][] = [];
  for await (const block of readText(path)) {
    if (block.kind === 'failure') return { ok: false, error: block.error };
    const lines = linesOf(block.text);
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!;
      if (isBlank(text)) continue;
      if (rows.length >= take) return ok({ columns: columns ?? [], rows });
      seen++;
      if (seen <= skip) continue;
      const line = block.line + i;
      let value: Json;
      try {
        value = JSON.parse(text) as Json;
      } catch {
        return fail(
          path,
          `line ${line} of data file ${path} is not valid JSON`,
          text.trimStart().startsWith('[') ? 'write one object a line instead of a list' : undefined,
        );
      }
      if (!isJsonObject(value)) return fail(path, `line ${line} of data file ${path} is not a JSON object`);
      columns ??= Object.keys(value);
      const row: Cell[] = [];
      for (const column of columns) {
        const present = Object.hasOwn(value, column);
        if (!present && wanted !== undefined) {
          return rows.length === 0
            ? missingColumn(path, column, Object.keys(value))
            : fail(path, `line ${line} of data file ${path} has no field "${column}"`);
        }
        row.push(present ? value[column]! : null);
      }
      rows.push(row);
    }
  }
  return ok({ columns: columns ?? [], rows });
}

/** Counts the rows of a JSON-lines file without parsing it. */
export async function countJsonRows(request: FormatRequest): Promise<Result<number>> {
  return countLines(request.path, false);
}
