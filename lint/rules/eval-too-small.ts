/**
 * @file PEFT1212: there are fewer than 100 rows to evaluate on.
 */
import { numberOf } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1212',
  name: 'eval-too-small',
  level: 'info',
  on: 'experiment',
  summary: 'there are fewer than 100 rows to evaluate on',
  why: 'A share that is measured on n rows is uncertain by up to 0.98 / √n, at 95%: by 14 points on 50 rows. Two methods that differ by less cannot be told apart.',
  bad: { text: experiment({}), data: { eval: { rows: 50 } } },
  good: { text: experiment({}) },
  check: (c) => {
    const rows = c.resolved.evalRows;
    if (c.resolved.spec.data.eval === null || rows >= 100) return [];
    return [
      {
        span: placeOf(c, 'data.eval'),
        message: c.resolved.batch.some((field) => field.recipe === 'class')
          ? `a share measured on ${numberOf(rows, 'row')} is uncertain by up to ${Math.round(98 / Math.sqrt(rows))} points`
          : `${numberOf(rows, 'row')} ${rows === 1 ? 'is' : 'are'} few to evaluate on`,
        help: 'evaluate on 100 rows or more',
      },
    ];
  },
};
