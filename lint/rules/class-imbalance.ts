/**
 * @file PEFT1207: one class has nearly all rows, or one has hardly any.
 */
import { percent, whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1207',
  name: 'class-imbalance',
  level: 'warning',
  on: 'experiment',
  summary: 'one class has nearly all rows, or one has hardly any',
  why: 'Where one class has more than nine rows in ten, always answering it is right in nine answers of ten, and that is what is learnt first: accuracy looks good and the other classes are never answered. A class with less than a tenth of an even share has the same fate.',
  bad: { text: experiment({}), data: { train: { classes: [384, 16] } } },
  good: { text: experiment({}), data: { train: { classes: [320, 80] } } },
  check: (c) => {
    const classes = c.data?.train.classes ?? [];
    const rows = classes.reduce((a, b) => a + b, 0);
    const present = classes.filter((n) => n > 0);
    if (present.length < 2 || !c.resolved.batch.some((field) => field.recipe === 'class')) return [];
    const [most, fewest] = [Math.max(...present), Math.min(...present)];
    const span = placeOf(c, 'data.train');
    const help = 'take rows so that the classes are more even, and watch a metric that counts every class alike';
    if (10 * most > 9 * rows)
      return [
        {
          span,
          message: `class ${classes.indexOf(most)} has ${whole(most)} of ${whole(rows)} rows, so that always answering it is right in ${percent(most / rows)}`,
          help,
        },
      ];
    return 10 * fewest * classes.length < rows
      ? [{ span, message: `class ${classes.indexOf(fewest)} has only ${whole(fewest)} of ${whole(rows)} rows`, help }]
      : [];
  },
};
