/**
 * @file PEFT1160: the best of a single evaluation is kept.
 */
import { experiment } from '../example.js';
import { evaluations } from '../intervals.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1160',
  name: 'best-of-one',
  level: 'warning',
  on: 'experiment',
  summary: 'the best evaluation is kept, and there is one only',
  why: '`best` chooses among the evaluations of a run. With one, which is that at the end, it chooses nothing, and the result is as if it were not written (transformers issues 12685 and 28539 are about intervals that do not fit `load_best_model_at_end`).',
  bad: { text: experiment({ tune: 'best: "accuracy"' }) },
  good: { text: experiment({ tune: 'best: "accuracy"  eval_every: 5 steps' }) },
  check: (c) => {
    const { best } = c.resolved.spec.tune;
    if (best === null || evaluations(c) !== 1) return [];
    return [
      {
        span: placeOf(c, 'tune.best'),
        message: `the best ${best} is chosen among one evaluation, that at the end of ${c.steps.total} steps`,
        help: `write eval_every: ${Math.max(1, Math.floor(c.steps.total / 5))} steps, or leave best out`,
      },
    ];
  },
};
