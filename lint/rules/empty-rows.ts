/**
 * @file PEFT1206: a table has rows without any text.
 */
import { numberOf, whole } from '../figures.js';
import { readTables } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1206',
  name: 'empty-rows',
  level: 'warning',
  on: 'experiment',
  summary: 'a table has rows without any text',
  why: 'A row without text has a label that nothing explains: the model learns how often that label is, and every metric counts it as a mistake or a lucky guess.',
  bad: { text: experiment({}), data: { train: { empty: 3 } } },
  good: { text: experiment({}) },
  check: (c) =>
    readTables(c).flatMap(({ span, source, facts: { rows, empty } }) =>
      empty === 0
        ? []
        : [
            {
              span,
              message: `${numberOf(empty, 'row')} of ${whole(rows)} in ${source.path} ${empty === 1 ? 'has' : 'have'} no text`,
              help: 'take them out of the table, or look whether text: names the right column',
            },
          ],
    ),
};
