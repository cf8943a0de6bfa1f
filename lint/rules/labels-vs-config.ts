/**
 * @file PEFT1307: the configuration of the base names another number of labels.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1307',
  name: 'labels-vs-config',
  level: 'info',
  on: 'experiment',
  summary: 'the configuration of the base names another number of labels',
  why: 'A base that was made for other labels brings no head for these: it is newly made, whatever the base knew about its own labels. A head that does not fit is the error that a head of the wrong name is elsewhere (PEFT issues 577, 876 and 1070).',
  bad: { text: experiment({}), config: { num_labels: 5 } },
  good: { text: experiment({}), config: { num_labels: 2 } },
  check: (c) => {
    const classes = c.resolved.batch.find((field) => field.classes !== undefined)?.classes;
    const { num_labels: number, id2label: names } = c.resolved.base.config;
    const told = typeof number === 'number' ? number : typeof names === 'object' && names !== null ? Object.keys(names).length : undefined;
    return classes === undefined || told === undefined || told === classes
      ? []
      : [
          {
            span: placeOf(c, 'base.task'),
            message: `${c.resolved.base.configName} names ${told} labels, but the task has ${classes}`,
            help: 'look whether this is the base that is meant; its head is newly made',
          },
        ];
  },
};
