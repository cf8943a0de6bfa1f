/**
 * @file PEFT1222: the text and the label are one column.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1222',
  name: 'one-column-twice',
  level: 'warning',
  on: 'experiment',
  summary: 'the text and the label are one column',
  why: 'A model that reads its label in the text learns to copy it: the loss falls at once, and nothing is learnt. Nothing fails, because every column is there.',
  bad: { text: experiment({ data: 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "label"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) => {
    const columns = Object.entries(c.resolved.spec.data.columns);
    return columns.flatMap(([field, column], i) => {
      const first = columns.slice(0, i).find(([, other]) => other === column)?.[0];
      return first === undefined
        ? []
        : [
            {
              span: placeOf(c, `data.columns.${field}`),
              message: `${first} and ${field} are both the column ${JSON.stringify(column)}`,
              notes: [{ message: `${first} is written here`, span: placeOf(c, `data.columns.${first}`) }],
              help: 'name two columns',
            },
          ];
    });
  },
};
