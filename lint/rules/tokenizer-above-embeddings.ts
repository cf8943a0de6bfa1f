/**
 * @file PEFT1216: the tokenizer knows more tokens than the base has embeddings for.
 */
import { whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1216',
  name: 'tokenizer-above-embeddings',
  level: 'error',
  on: 'experiment',
  summary: 'the tokenizer knows more tokens than the base has embeddings for',
  why: 'A token without a row in the table of embeddings has no meaning, and reading past the table is an error on some devices and a wrong row on others. It comes from a tokenizer of another base, or from tokens that were added without growing the table: one of the most reported faults (PEFT issues 1457, 1554, 2415 and 2898; axolotl issue 1570).',
  bad: {
    text: experiment({}),
    data: { tokenizer: { size: 60, padId: 0, eosId: undefined, unkId: 1, unknown: 0 } },
  },
  good: { text: experiment({}) },
  check: (c) => {
    const rows = c.resolved.model.params.get('vocab_size');
    if (c.data === undefined || rows?.kind !== 'number' || c.data.tokenizer.size <= rows.value) return [];
    return [
      {
        span: placeOf(c, 'base.source'),
        message: `the tokenizer has ${whole(c.data.tokenizer.size)} tokens, but the base has embeddings for ${whole(rows.value)}`,
        help: 'use the tokenizer that belongs to this base',
      },
    ];
  },
};
