/**
 * @file Examples ready for batching: the columns a recipe reads, encoded.
 */
import { readClasses, readTexts, type ClassNaming } from './labels.js';
import { ok, type Result } from './result.js';
import type { Table } from './table.js';
import { encodeTexts, type Tokenizer } from './tokenizer.js';

/** One field of a batch and the column it comes from. `tokens`: ids; `token_mask`: 1 on a token, 0 on padding; `targets`:
 * ids, -100 on padding; `class`: one label a row, -100 on filling rows. */
export type BatchField =
  | { readonly name: string; readonly kind: 'tokens' | 'token_mask' | 'targets'; readonly column: string }
  | { readonly name: string; readonly kind: 'class'; readonly column: string; readonly naming: ClassNaming };

/** Encoded examples, column by column. */
export interface Dataset {
  readonly size: number;
  /** Tokens of the longest text column of each example. */
  readonly lengths: Int32Array;
  readonly tokens: ReadonlyMap<string, readonly Int32Array[]>;
  readonly classes: ReadonlyMap<string, Int32Array>;
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
  const tokens = new Map<string, readonly Int32Array[]>();
  const classes = new Map<string, Int32Array>();
  const lengths = new Int32Array(table.rows.length);
  let truncated = 0;
  // Labels first: their mistakes are found without waiting for the tokenizer.
  for (const field of fields) {
    if (field.kind !== 'class' || classes.has(field.column)) continue;
    const labels = readClasses(table, field.column, field.naming);
    if (!labels.ok) return labels;
    classes.set(field.column, labels.value);
  }
  for (const field of fields) {
    if (field.kind === 'class' || tokens.has(field.column)) continue;
    const texts = readTexts(table, field.column);
    if (!texts.ok) return texts;
    const encoded = await encodeTexts(tokenizer, texts.value, maxTokens, onProgress);
    if (!encoded.ok) return encoded;
    tokens.set(field.column, encoded.value.ids);
    truncated += encoded.value.truncated;
    for (const [i, ids] of encoded.value.ids.entries()) lengths[i] = Math.max(lengths[i]!, ids.length);
  }
  return ok({ size: table.rows.length, lengths, tokens, classes, truncated });
}
