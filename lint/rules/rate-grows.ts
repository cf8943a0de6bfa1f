/**
 * @file PEFT1105: the schedule multiplies the learning rate by more than one.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { rateOf, scheduleFactors, showRate } from '../rates.js';
import type { Rule } from '../rule.js';

const most = 1.5;
const growing = 'schedule growing() { 1 + step / 10 }';
const falling = 'schedule falling() { 1 / (1 + step / 10) }';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1105',
  name: 'rate-grows',
  level: 'warning',
  on: 'experiment',
  summary: 'the schedule makes the learning rate larger than the optimiser says',
  why: 'A schedule is a factor on the rate of the optimiser and is expected to be at most 1, so that `lr` is the largest rate of the run. A larger factor hides the rate that is really used.',
  bad: { text: experiment({ before: `/// Rises without end.\n${growing}`, tune: 'schedule: growing()' }) },
  good: { text: experiment({ before: `/// Falls slowly.\n${falling}`, tune: 'schedule: falling()' }) },
  check: (c) => {
    const highest = Math.max(0, ...scheduleFactors(c));
    if (highest <= most) return [];
    return [
      {
        span: placeOf(c, 'tune.schedule'),
        message: `the schedule goes up to ${Number(highest.toPrecision(3))} times the rate, which is ${showRate(highest * rateOf(c))}`,
        help: 'write the largest rate as lr and keep the schedule at 1 or below',
      },
    ];
  },
};
