/**
 * @file PEFT1211: more than 2% of the training tokens are unknown to the tokenizer.
 */
import { percent } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1211',
  name: 'unknown-tokens',
  level: 'warning',
  on: 'experiment',
  summary: 'more than 2% of the training tokens are unknown to the tokenizer',
  why: 'All unknown words are one token, so their meaning is lost before the model sees them. Mostly the base was made for another language or script, or the table is read in the wrong encoding.',
  bad: { text: experiment({}), data: { tokenizer: { size: 13, padId: 0, eosId: undefined, unkId: 1, unknown: 0.07 } } },
  good: { text: experiment({}) },
  check: (c) =>
    c.data === undefined || c.data.tokenizer.unknown <= 0.02
      ? []
      : [
          {
            span: placeOf(c, 'data.train'),
            message: `${percent(c.data.tokenizer.unknown)} of the tokens of ${c.resolved.spec.data.train.path} are unknown to the tokenizer`,
            help: 'take a base that was made for these texts, and look whether the table is UTF-8',
          },
        ],
};
