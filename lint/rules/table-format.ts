/**
 * @file PEFT1313: a table is read in another format than its name says.
 */
import { namedTables } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

const formats: readonly string[] = ['tsv', 'csv', 'jsonl', 'parquet'];

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1313',
  name: 'table-format',
  level: 'warning',
  on: 'experiment',
  summary: 'a table is read in another format than its name says',
  why: 'Tabs and commas are not told apart by reading: a table of the wrong one has a single column with everything in it, or columns cut at commas inside texts.',
  bad: { text: experiment({ data: 'train: csv("train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) =>
    namedTables(c).flatMap(({ source, span }) => {
      const ending = /\.(\w+)$/.exec(source.path)?.[1]?.toLowerCase() ?? '';
      return !formats.includes(ending) || ending === source.format
        ? []
        : [{ span, message: `${source.path} is read as ${source.format}`, help: `write ${ending}("${source.path}")` }];
    }),
};
