/**
 * @file PEFT1214: take asks for more rows than there are.
 */
import { numberOf, whole } from '../figures.js';
import { namedTables } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1214',
  name: 'take-above-rows',
  level: 'info',
  on: 'experiment',
  summary: 'take asks for more rows than there are',
  why: '`take` is how many rows an experiment is about. Where the table has fewer, the name of the experiment and its report say a number that was never true.',
  bad: { text: experiment({ data: 'train: tsv("train.tsv", take: 1000)  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({ data: 'train: tsv("train.tsv", take: 400)  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  check: (c) =>
    namedTables(c).flatMap(({ field, source, span }) => {
      const rows = field === 'train' ? c.resolved.trainRows : c.resolved.evalRows;
      return source.take === null || source.take <= rows
        ? []
        : [
            {
              span,
              message: `${whole(source.take)} rows are asked for, but ${source.path} has ${numberOf(rows, 'row')}`,
              help: `write take: ${rows}, or leave it out`,
            },
          ];
    }),
};
