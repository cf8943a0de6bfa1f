/**
 * @file PEFT1162: checkpoints fall between evaluations.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1162',
  name: 'save-between-evals',
  level: 'info',
  on: 'experiment',
  summary: 'checkpoints fall between evaluations',
  why: 'Some checkpoints then have no evaluation of their own, so nothing says how good they are. The best state is kept apart from them here; in transformers `load_best_model_at_end` asks for intervals that fit (transformers issues 12685, 28539 and 38217).',
  bad: { text: experiment({ tune: 'best: "accuracy"  eval_every: 4 steps  save_every: 6 steps' }) },
  good: { text: experiment({ tune: 'best: "accuracy"  eval_every: 4 steps  save_every: 8 steps' }) },
  check: (c) => {
    const { best, eval_every: measured, save_every: saved } = c.resolved.spec.tune;
    if (best === null || measured?.unit !== 'steps' || saved?.unit !== 'steps' || saved.count % measured.count === 0) return [];
    if (saved.count > c.steps.total) return [];
    return [
      {
        span: placeOf(c, 'tune.save_every'),
        message: `a checkpoint every ${saved.count} steps falls between evaluations every ${measured.count}`,
        help: `write save_every: ${Math.ceil(saved.count / measured.count) * measured.count} steps`,
      },
    ];
  },
};
