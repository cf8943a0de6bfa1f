/**
 * @file PEFT1218: the tokenizer names no padding token.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1218',
  name: 'pad-missing',
  level: 'info',
  on: 'experiment',
  summary: 'the tokenizer names no padding token',
  why: 'Here padding is left out by its place, so any token will do. Other software finds the end of a text by the id of the padding token: transformers refuses batches of a classifier without one (issues 34055 and 22312), which the adapter then meets.',
  bad: { text: experiment({}), data: { tokenizer: { size: 13, padId: undefined, eosId: 2, unkId: 1, unknown: 0 } } },
  good: { text: experiment({}) },
  check: (c) => {
    const { batch } = c.resolved.spec.tune;
    const whole = c.resolved.batch.some((field) => field.recipe === 'class' || field.recipe === 'number');
    return c.data === undefined || c.data.tokenizer.padId !== undefined || batch === 1 || !whole
      ? []
      : [
          {
            span: placeOf(c, 'base.source'),
            message: `the tokenizer names no padding token, and a batch has ${batch} rows`,
            help: 'give the tokenizer of the base a pad_token before the adapter is used elsewhere',
          },
        ];
  },
};
