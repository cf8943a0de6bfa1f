/**
 * @file PEFT1405: the state of the optimiser fits into one page.
 */
import { pageElements } from '../../compiler/driver/layout.js';
import { whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1405',
  name: 'paging-without-effect',
  level: 'info',
  on: 'experiment',
  summary: 'the state of the optimiser fits into one page',
  why: 'Paging keeps the state of the optimiser with the host and brings it to the device page by page, 2,097,152 elements at a time. Where all of it is one page, the device has room for all of it anyway, and every step copies it both ways for nothing.',
  bad: { text: experiment({ tune: 'paging: optimizer' }) },
  good: { text: experiment({}) },
  check: (c) => {
    if (c.resolved.spec.tune.paging !== 'optimizer') return [];
    const elements = c.layout().groups.reduce((sum, g) => sum + g.elements, 0);
    return elements > pageElements
      ? []
      : [
          {
            span: placeOf(c, 'tune.paging'),
            message: `the ${whole(elements)} trained elements are less than one page of ${whole(pageElements)}`,
            help: 'leave paging out',
          },
        ];
  },
};
