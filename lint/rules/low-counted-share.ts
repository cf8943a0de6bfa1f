/**
 * @file PEFT1215: the loss counts less than a fifth of the tokens.
 */
import { percent, whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1215',
  name: 'low-counted-share',
  level: 'warning',
  on: 'experiment',
  summary: 'the loss counts less than a fifth of the tokens',
  why: 'Where hardly any token counts, most of a step is spent on what teaches nothing, and the loss is noisy. Masks that leave nothing over are a common fault that a loss does not show (TRL issue 6668, ArcticTraining issue 335).',
  bad: {
    text: experiment({
      base: 'base llama from "models/llama" for causal',
      data: 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"',
    }),
    data: { train: { classes: undefined, counted: 800 }, eval: { classes: undefined } },
  },
  good: {
    text: experiment({
      base: 'base llama from "models/llama" for causal',
      data: 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"',
    }),
    data: { train: { classes: undefined, counted: 7600 }, eval: { classes: undefined } },
  },
  check: (c) => {
    if (c.data === undefined || !c.resolved.batch.some((field) => field.recipe === 'targets' || field.recipe === 'tags')) return [];
    const { counted, tokens } = c.data.train;
    return 5 * counted >= tokens
      ? []
      : [
          {
            span: placeOf(c, 'data.train'),
            message: `the loss counts ${whole(counted)} of ${whole(tokens)} tokens (${percent(counted / tokens)})`,
            help: 'look at the texts: rows of one or two tokens teach nothing',
          },
        ];
  },
};
