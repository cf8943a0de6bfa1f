/**
 * @file PEFT1208: a class of the task has no row to learn from.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1208',
  name: 'class-missing',
  level: 'warning',
  on: 'experiment',
  summary: 'a class of the task has no row to learn from',
  why: 'A class without rows is never answered, yet it takes part in every softmax. Mostly the number of classes is wrong, or `take` takes the first rows of a table that is sorted by class.',
  bad: { text: experiment({ base: 'base bert from "models/bert" for classify(labels: 3)' }), data: { train: { classes: [200, 200, 0] } } },
  good: { text: experiment({}) },
  check: (c) => {
    const labels = c.resolved.batch.find((field) => field.recipe === 'class')?.classes;
    const classes = c.data?.train.classes;
    if (labels === undefined || classes === undefined) return [];
    const missing = Array.from({ length: labels }, (_, i) => i).filter((i) => (classes[i] ?? 0) === 0);
    return missing.length === 0
      ? []
      : [
          {
            span: placeOf(c, 'base.task'),
            message: `${missing.length === 1 ? 'class' : 'classes'} ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ' and others' : ''} of ${labels} ${missing.length === 1 ? 'has' : 'have'} no row in ${c.resolved.spec.data.train.path}`,
            help: 'lower the number of classes, or take rows of every class',
          },
        ];
  },
};
