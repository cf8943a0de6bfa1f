/**
 * @file Examples ready for batching: the columns a recipe reads, encoded.
 */
import { ignoredLabel, readClasses, readNumbers, readTags, readTexts, readWords, type ClassNaming } from './labels.js';
import { ok, type Result } from './result.js';
import type { Table } from './table.js';
import { encodeTexts, encodeWordLists, type Tokenizer } from './tokenizer.js';

/** One field of a batch and the column it comes from. `tokens`: ids; `token_mask`: 1 on a token, 0 on padding; `targets`:
 * ids, -100 on padding; `class`: one label a row, -100 on filling rows; `tags`: the label of each word of the column `words` on
 * its first token, else -100; `number`: a real number a row, 0 on filling rows. */
export type BatchField =
  | { readonly name: string; readonly kind: 'tokens' | 'token_mask' | 'targets'; readonly column: string }
  | { readonly name: string; readonly kind: 'class'; readonly column: string; readonly naming: ClassNaming }
  | { readonly name: string; readonly kind: 'tags'; readonly column: string; readonly naming: ClassNaming; readonly words: string }
  | { readonly name: string; readonly kind: 'number'; readonly column: string };

/** Encoded examples, column by column. */
export interface Dataset {
  readonly size: number;
  /** Tokens of the longest text column of each example. */
  readonly lengths: Int32Array;
  readonly tokens: ReadonlyMap<string, readonly Int32Array[]>;
  readonly classes: ReadonlyMap<string, Int32Array>;
  /** A label for each token of the column of words. */
  readonly tags: ReadonlyMap<string, readonly Int32Array[]>;
  readonly numbers: ReadonlyMap<string, Float32Array>;
  /** Texts that were cut to the greatest length. */
  readonly truncated: number;
}

/** Encodes the columns of a table that the fields name; each column once. */
export async function encodeTable(
  table: Table,
  fields: readonly BatchField[],
  tokenizer: Tokenizer,
  maxTokens: number,
  onProgress?: (done: number) => void,
): Promise<Result<Dataset>> {
  // Labels first: their mistakes are found without waiting for the tokenizer.
  const labels = readLabels(table, fields);
  if (!labels.ok) return labels;
  const { classes, numbers, words, wordTags } = labels.value;
  const tokens = new Map<string, readonly Int32Array[]>();
  const tags = new Map<string, readonly Int32Array[]>();
  const lengths = new Int32Array(table.rows.length);
  let truncated = 0;
  for (const field of fields) {
    const { column } = field;
    if (field.kind === 'class' || field.kind === 'tags' || field.kind === 'number' || tokens.has(column)) continue;
    const given = words.get(column);
    if (given === undefined) {
      const texts = readTexts(table, column);
      if (!texts.ok) return texts;
      const encoded = await encodeTexts(tokenizer, texts.value, maxTokens, onProgress);
      if (!encoded.ok) return encoded;
      tokens.set(column, encoded.value.ids);
      truncated += encoded.value.truncated;
    } else {
      const encoded = await encodeWordLists(tokenizer, given, maxTokens, onProgress);
      if (!encoded.ok) return encoded;
      const { rows } = encoded.value;
      tokens.set(
        column,
        rows.map((row) => row.ids),
      );
      for (const one of wordTags) {
        if (one.words !== column) continue;
        tags.set(
          one.column,
          rows.map((row, i) => tagTokens(row.words, one.rows[i]!)),
        );
      }
      truncated += encoded.value.truncated;
    }
    for (const [i, ids] of tokens.get(column)!.entries()) lengths[i] = Math.max(lengths[i]!, ids.length);
  }
  return ok({ size: table.rows.length, lengths, tokens, classes, tags, numbers, truncated });
}

/** The labels of a table, as they stand in it: tags word by word. */
interface Labels {
  readonly classes: ReadonlyMap<string, Int32Array>;
  readonly numbers: ReadonlyMap<string, Float32Array>;
  /** Columns that are read as words, because they are tagged. */
  readonly words: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly wordTags: readonly { readonly column: string; readonly words: string; readonly rows: readonly Int32Array[] }[];
}

function readLabels(table: Table, fields: readonly BatchField[]): Result<Labels> {
  const classes = new Map<string, Int32Array>();
  const numbers = new Map<string, Float32Array>();
  const words = new Map<string, readonly (readonly string[])[]>();
  const wordTags: Labels['wordTags'][number][] = [];
  for (const field of fields) {
    switch (field.kind) {
      case 'tokens':
      case 'token_mask':
      case 'targets':
        break;
      case 'class': {
        const read = readClasses(table, field.column, field.naming);
        if (!read.ok) return read;
        classes.set(field.column, read.value);
        break;
      }
      case 'number': {
        const read = readNumbers(table, field.column);
        if (!read.ok) return read;
        numbers.set(field.column, read.value);
        break;
      }
      case 'tags': {
        const texts = readWords(table, field.words);
        if (!texts.ok) return texts;
        words.set(field.words, texts.value);
        const read = readTags(table, field.column, field.naming, { column: field.words, rows: texts.value });
        if (!read.ok) return read;
        wordTags.push({ column: field.column, words: field.words, rows: read.value });
        break;
      }
      default:
        field satisfies never;
    }
  }
  return ok({ classes, numbers, words, wordTags });
}

/** The tag of each word on the first of its tokens. */
function tagTokens(wordOf: Int32Array, tags: Int32Array): Int32Array {
  return wordOf.map((word, at) => (word >= 0 && word !== wordOf[at - 1] ? tags[word]! : ignoredLabel));
}
