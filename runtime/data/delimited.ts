/**
 * @file Delimited text: TSV, CSV and one-column text.
 *
 * In TSV a tab separates and nothing is special, quotes least of all (so the review data sets are written). In CSV a field
 * may stand in double quotes and then hold commas, line ends and doubled quotes (RFC 4180). Blank lines are passed over.
 */
import { Readable } from 'node:stream';
import type { CsvError, Info } from 'csv-parse';
import { fail, ok, type Failure, type Result } from './result.js';
import { chooseColumns, type FormatRequest, type FormatRows } from './columns.js';
import { countLines, isBlank, linesOf, readText } from './text.js';

/** One record: its fields and the line it ends on. */
type DelimitedRecord =
  | { readonly kind: 'record'; readonly fields: readonly string[]; readonly line: number }
  | { readonly kind: 'failure'; readonly error: Failure };

/** Reads the rows of a delimited file. */
export async function readDelimited(request: FormatRequest): Promise<Result<FormatRows>> {
  const { path, format, skip, take } = request;
  const headed = format !== 'text' && request.header;
  let columns: readonly string[] | undefined = format === 'text' ? ['text'] : undefined;
  let chosen: readonly number[] | undefined;
  let seen = 0;
  const rows: string[][] = [];
  for await (const record of format === 'csv' ? csvRecords(path) : lineRecords(path, format === 'tsv')) {
    if (record.kind === 'failure') return { ok: false, error: record.error };
    const { fields, line } = record;
    const naming = columns === undefined && headed;
    if (columns === undefined) {
      const named = headed ? ok(fields) : namesOf(path, fields.length, request.names);
      if (!named.ok) return named;
      columns = named.value;
      const twice = columns.find((name, i) => columns!.indexOf(name) !== i);
      if (twice !== undefined)
        return fail(
          path,
          `data file ${path} has two columns "${twice}"`,
          headed ? 'say header: false when its first line is data' : undefined,
        );
    }
    if (chosen === undefined) {
      const positions = chooseColumns(path, columns, request.columns);
      if (!positions.ok) return positions;
      chosen = positions.value;
    }
    if (naming) continue;
    if (rows.length >= take) break;
    if (fields.length !== columns.length) {
      const by = headed ? 'the header has' : 'the lines before have';
      return fail(
        path,
        `line ${line} of data file ${path} has ${fields.length} ${plural(fields.length, 'field')}, but ${by} ${columns.length}`,
      );
    }
    seen++;
    if (seen > skip) rows.push(chosen.map((at) => fields[at]!));
  }
  if (columns === undefined) return fail(path, `data file ${path} is empty`);
  return ok({ columns: (chosen ?? []).map((at) => columns[at]!), rows });
}

/** Counts the data rows of a delimited file without decoding it. */
export async function countDelimitedRows(request: FormatRequest): Promise<Result<number>> {
  const lines = await countLines(request.path, request.format === 'csv');
  return lines.ok ? ok(Math.max(0, lines.value - (request.header && request.format !== 'text' ? 1 : 0))) : lines;
}

function namesOf(path: string, width: number, names: readonly string[] | undefined): Result<readonly string[]> {
  if (names === undefined) return ok(Array.from({ length: width }, (_, i) => String(i)));
  if (names.length !== width)
    return fail(
      path,
      `data file ${path} has ${width} ${plural(width, 'column')}, but ${names.length} ${plural(names.length, 'name')} ${names.length === 1 ? 'is' : 'are'} given`,
    );
  return ok(names);
}

async function* lineRecords(path: string, tabs: boolean): AsyncGenerator<DelimitedRecord, void> {
  for await (const block of readText(path)) {
    if (block.kind === 'failure') {
      yield block;
      return;
    }
    const lines = linesOf(block.text);
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!;
      if (isBlank(text)) continue;
      yield { kind: 'record', fields: tabs ? text.split('\t') : [text], line: block.line + i };
    }
  }
}

async function* csvRecords(path: string): AsyncGenerator<DelimitedRecord, void> {
  const { parse } = await import('csv-parse');
  let unreadable: Failure | undefined;
  const source = Readable.from(
    (async function* () {
      for await (const block of readText(path)) {
        if (block.kind === 'failure') {
          unreadable = block.error;
          return;
        }
        yield block.text;
      }
    })(),
  );
  const parser = source.pipe(parse({ info: true, relax_column_count: true, skip_empty_lines: true }));
  try {
    for await (const parsed of parser as AsyncIterable<{ readonly record: readonly string[]; readonly info: Info }>) {
      if (parsed.record.length === 1 && isBlank(parsed.record[0]!)) continue;
      yield { kind: 'record', fields: parsed.record, line: parsed.info.lines };
    }
    if (unreadable !== undefined) yield { kind: 'failure', error: unreadable };
  } catch (error) {
    // The text stopped in the middle of a record because it could not be read further: that is the cause.
    yield { kind: 'failure', error: unreadable ?? csvFailure(path, error) };
  } finally {
    parser.destroy();
    source.destroy();
  }
}

function csvFailure(path: string, error: unknown): Failure {
  const { code, lines } = error as Partial<CsvError> & { readonly lines?: number };
  const line = lines === undefined ? '' : ` in line ${lines}`;
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return fail(path, `data file ${path} has a quoted field that is not closed before its end`).error;
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return fail(path, `data file ${path} has a stray double quote${line}`, 'put the field in double quotes and double those inside it')
        .error;
    default:
      return fail(path, `data file ${path} is not valid CSV${line}: ${error instanceof Error ? error.message : String(error)}`).error;
  }
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
