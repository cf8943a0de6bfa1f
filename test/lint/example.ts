/**
 * @file An example of a rule, linted: the facts come from a world without files (test/spec/world.ts).
 */
import type { DataFacts, TableFacts } from '../../lint/data-facts.js';
import { lint } from '../../lint/lint.js';
import type { Example } from '../../lint/rule.js';
import { rules } from '../../lint/rules.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Json } from '../../compiler/spec/spec.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { factsOf, libraryOf } from '../spec/world.js';

const library = libraryOf();

const table: TableFacts = {
  rows: 400,
  tokens: 8000,
  longest: 40,
  cut: 0,
  lost: 0,
  empty: 0,
  duplicates: 0,
  classes: [200, 200],
  sorted: false,
  padded: 9600,
  counted: 400,
};

const usual: DataFacts = {
  tokenizer: { size: 11, padId: 0, eosId: undefined, unkId: 1, unknown: 0 },
  train: table,
  eval: table,
  overlap: 0,
};

/** The findings of an example, those of parser and checker among them. */
export function lintExample({ text, config, data, lacks }: Example): Diagnostic[] {
  const parsed = parseFile(text, 'example.peft');
  const rows = data?.train?.rows ?? table.rows;
  const checked = checkFile(
    parsed.value,
    library,
    factsOf({
      ...(config === undefined ? {} : { config: config as { readonly [key: string]: Json } }),
      ...(lacks === undefined ? {} : { tensors: Object.fromEntries(lacks.map((name) => [name, null])) }),
      tables: {
        'train.tsv': { columns: ['text', 'label'], rows },
        'test.tsv': { columns: ['text', 'label'], rows: data?.eval?.rows ?? 400 },
      },
    }),
  );
  const facts: DataFacts = {
    ...usual,
    ...data,
    train: { ...table, ...data?.train },
    eval: { ...table, ...data?.eval },
  };
  return lint(
    {
      file: parsed.value,
      text,
      library,
      experiments: checked.experiments.map((e) => ({ ...e, data: facts })),
      checked: [...parsed.diagnostics, ...checked.diagnostics],
    },
    rules,
  );
}
