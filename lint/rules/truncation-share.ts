/**
 * @file PEFT1201: more than 5% of the rows are cut at max_length.
 */
import { percent, whole } from '../figures.js';
import { placeOf, written } from '../places.js';
import { readTables } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1201',
  name: 'truncation-share',
  level: 'warning',
  on: 'experiment',
  summary: 'more than 5% of the rows are cut at max_length',
  why: 'What is cut is never seen. Where the answer stands at the end of a text it is the answer that is lost, and the loss still looks normal: TRL issue 6668 is a run whose every label had been cut away, with a loss of 0.',
  bad: { text: experiment({ data: 'max_length: 8 tokens' }), data: { train: { cut: 60, lost: 1234 } } },
  good: { text: experiment({ data: 'max_length: 8 tokens' }), data: { train: { cut: 12, lost: 40 } } },
  check: (c) =>
    readTables(c).flatMap(({ field, source, facts: { rows, cut, lost, longest } }) =>
      20 * cut <= rows
        ? []
        : [
            {
              span: written(c, 'data.max_length') ?? placeOf(c, `data.${field}`),
              message: `${whole(cut)} of ${whole(rows)} rows of ${source.path} (${percent(cut / rows)}) are cut at ${c.resolved.spec.data.max_length} tokens, and ${whole(lost)} tokens are lost`,
              help: `raise max_length, up to the ${longest} tokens of the longest row where the base takes them, or split long rows`,
            },
          ],
    ),
};
