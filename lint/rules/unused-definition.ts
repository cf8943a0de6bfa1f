/**
 * @file PEFT1502: a definition is named by nothing in a file that has experiments.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { isBroken, namesUsed } from '../names-used.js';
import { experimentsOf } from '../../compiler/spec/statements.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1502',
  name: 'unused-definition',
  level: 'warning',
  on: 'file',
  summary: 'a definition is named by nothing in a file that has experiments',
  why: 'A method that no experiment names takes no part in any run. Where a file defines methods for other files, it has no experiments, and this is not said.',
  bad: { text: experiment({ before: '/// Twice.\ndef twice(x) = 2 * x' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x) = 2 * x', tune: 'epochs: twice(2)' }) },
  check: ({ file }) => {
    if (isBroken(file) || experimentsOf(file).length === 0) return [];
    return definitionsOf(file)
      .filter((d) => !file.items.some((item) => item !== d && namesUsed(item).has(d.name.text)))
      .map((d) => ({
        span: d.name.span,
        message: `${d.what} ${d.name.text} is not used in this file`,
        help: 'use it, take it out, or put it into a file of definitions',
      }));
  },
};
