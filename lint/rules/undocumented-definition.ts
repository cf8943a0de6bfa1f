/**
 * @file PEFT1506: a definition says nothing about what it is.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1506',
  name: 'undocumented-definition',
  level: 'info',
  on: 'file',
  summary: 'a definition says nothing about what it is',
  why: 'A line `/// …` is what an editor shows where the definition is used, and lines `example: a == b` in it are run as tests.',
  bad: { text: experiment({ before: 'def twice(x) = 2 * x', tune: 'epochs: twice(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x) = 2 * x', tune: 'epochs: twice(2)' }) },
  check: ({ file }) =>
    definitionsOf(file)
      .filter((d) => d.doc.trim() === '')
      .map((d) => ({
        span: d.name.span,
        message: `${d.what} ${d.name.text} has no comment that says what it is`,
        help: 'write /// and a sentence above it',
      })),
};
