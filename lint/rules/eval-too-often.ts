/**
 * @file PEFT1156: the run is evaluated more than a hundred times.
 */
import { experiment } from '../example.js';
import { evaluations, inSteps } from '../intervals.js';
import { placeOf } from '../places.js';
import type { Rule } from '../rule.js';

const long = 200;
const share = 0.01;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1156',
  name: 'eval-too-often',
  level: 'warning',
  on: 'experiment',
  summary: 'evaluations are less than a hundredth of the run apart',
  why: 'Each evaluation goes through the whole table of evaluation rows and stops the training for that time. With hundreds of them most of the time goes there. It happens where an interval is carried over from a shorter run.',
  bad: { text: experiment({ tune: 'eval_every: 2 steps' }), data: { train: { rows: 8000 } } },
  good: { text: experiment({ tune: 'eval_every: 50 steps' }), data: { train: { rows: 8000 } } },
  check: (c) => {
    const { eval_every: every } = c.resolved.spec.tune;
    const { total } = c.steps;
    if (every === null || c.resolved.spec.data.eval === null || total <= long || inSteps(c, every) >= share * total) return [];
    return [
      {
        span: placeOf(c, 'tune.eval_every'),
        message: `the run of ${total} steps is evaluated ${evaluations(c)} times over ${c.resolved.evalRows} rows`,
        help: `write eval_every: ${Math.ceil(total / 20)} steps`,
      },
    ];
  },
};
