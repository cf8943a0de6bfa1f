/**
 * @file PEFT1161: many epochs, and the last state is kept whatever it is.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

const many = 10;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1161',
  name: 'many-epochs-no-best',
  level: 'warning',
  on: 'experiment',
  summary: 'the rows are gone through more than ten times and the last state is kept whatever it is',
  why: 'Recipes for fine-tuning take 1 to 5 epochs. Over many the model learns the rows by heart, and the last state is rarely the best one; `best` keeps the state that an evaluation found best.',
  bad: { text: experiment({ tune: 'epochs: 30' }) },
  good: { text: experiment({ tune: 'epochs: 30  best: "accuracy"' }) },
  check: (c) => {
    const { epochs, best } = c.resolved.spec.tune;
    const done = Math.ceil(c.steps.total / c.steps.perEpoch);
    if (epochs <= many || done <= many || best !== null) return [];
    return [
      {
        span: placeOf(c, 'tune.epochs'),
        message: `the rows are gone through ${done} times, and the last state is kept`,
        help: c.resolved.spec.data.eval === null ? 'write eval in data, and best' : 'write best and a metric, or fewer epochs',
      },
    ];
  },
};
