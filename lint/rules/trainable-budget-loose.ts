/**
 * @file PEFT1412: the budget of trained parameters is more than twenty times what is trained.
 */
import { allParameters, trainedParameters } from '../../compiler/driver/budget.js';
import { whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1412',
  name: 'trainable-budget-loose',
  level: 'info',
  on: 'experiment',
  summary: 'the budget of trained parameters is more than twenty times what is trained',
  why: 'A budget is there to be told when a selector matches more than was meant. One that is far above what is trained says nothing when a word too many trains ten times as much.',
  bad: { text: experiment({ budget: 'trainable: 1_000_000' }) },
  good: { text: experiment({ budget: 'trainable: 2_000' }) },
  check: (c) => {
    const { trainable } = c.resolved.spec.budget;
    if (trainable === null) return [];
    const layout = c.layout();
    const trained = trainedParameters(layout);
    const allowed = 'count' in trainable ? trainable.count : Math.floor(trainable.share * allParameters(layout));
    return allowed <= 20 * trained
      ? []
      : [
          {
            span: placeOf(c, 'budget.trainable'),
            message: `${whole(trained)} parameters are trained, but the budget allows ${whole(allowed)}`,
            help: 'write what is trained, rounded up',
          },
        ];
  },
};
