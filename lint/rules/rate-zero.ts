/**
 * @file PEFT1104: the schedule makes the learning rate 0 in a part of the run, or negative.
 */
import { experiment } from '../example.js';
import { placeOf } from '../places.js';
import { scheduleFactors } from '../rates.js';
import type { Rule } from '../rule.js';

const share = 0.05;
const half = 'schedule late() { if 2 * step < total then 0 else 1 }';
const ramp = 'schedule late() { if 2 * step < total then 2 * (step + 1) / total else 1 }';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1104',
  name: 'rate-zero',
  level: 'warning',
  on: 'experiment',
  summary: 'the schedule makes the learning rate 0 for a part of the run, or negative',
  why: 'A step at a rate of 0 costs as much as any other and changes nothing; at a negative rate the loss is driven up. It comes from a schedule of another length than the run (cruijff_kit issue 329 and finBERT issue 12 tell of warm-ups and step counts that did not fit).',
  bad: { text: experiment({ before: `/// Nothing in the first half.\n${half}`, tune: 'schedule: late()' }) },
  good: { text: experiment({ before: `/// Rises in the first half.\n${ramp}`, tune: 'schedule: late()' }) },
  check: (c) => {
    const factors = scheduleFactors(c);
    const span = placeOf(c, 'tune.schedule');
    const lowest = Math.min(...factors);
    if (lowest < 0)
      return [
        { span, message: `the schedule goes down to ${Number(lowest.toPrecision(3))} times the rate`, help: 'keep it at 0 or above' },
      ];
    const zero = factors.filter((f) => f === 0).length;
    // A warm-up begins at 0.
    if (zero <= Math.max(1, share * factors.length)) return [];
    return [
      {
        span,
        message: `the learning rate is 0 in ${Math.round((100 * zero) / factors.length)} % of the ${c.steps.total} steps`,
        help: 'make the schedule as long as the run',
      },
    ];
  },
};
