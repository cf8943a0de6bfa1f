/**
 * @file What the tokenised tables of an experiment say. The compiler reads no file: whoever lints gathers this (`cli/lint-data.ts`).
 */

/** One table. */
export interface TableFacts {
  readonly rows: number;
  /** Tokens of all rows as they are trained on, special tokens included. */
  readonly tokens: number;
  /** Tokens of the longest row before it is cut. */
  readonly longest: number;
  /** Rows that are cut at `max_length`. */
  readonly cut: number;
  /** Tokens that are lost by cutting. */
  readonly lost: number;
  /** Rows without any token but special ones. */
  readonly empty: number;
  /** Rows that an earlier row is equal to. */
  readonly duplicates: number;
  /** Rows of each class, by its number; undefined where the task has no classes. */
  readonly classes: readonly number[] | undefined;
  /** Whether all rows of a class stand together. */
  readonly sorted: boolean;
  /** Tokens that the padded batches of an epoch hold. */
  readonly padded: number;
  /** Tokens or rows that the loss counts. */
  readonly counted: number;
}

/** The tables and the tokenizer. */
export interface DataFacts {
  readonly tokenizer: {
    /** Tokens it knows, added ones included. */
    readonly size: number;
    readonly padId: number | undefined;
    readonly eosId: number | undefined;
    readonly unkId: number | undefined;
    /** Share of the training tokens that are unknown ones. */
    readonly unknown: number;
  };
  readonly train: TableFacts;
  readonly eval: TableFacts | undefined;
  /** Rows of the evaluation table that the training table has too. */
  readonly overlap: number;
}
