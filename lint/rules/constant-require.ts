/**
 * @file PEFT1534: a condition that a definition requires depends on nothing.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { namesUsed, partsOfKind } from '../names-used.js';
import type { Member } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1534',
  name: 'constant-require',
  level: 'warning',
  on: 'file',
  summary: 'a condition that a definition requires depends on nothing',
  why: 'Such a condition always holds or never does. A name is missing in it.',
  bad: {
    text: experiment({ before: '/// Twice.\ndef twice(x) {\n  require 2 < 3, "{x} is too large"\n  2 * x\n}', tune: 'epochs: twice(2)' }),
  },
  good: {
    text: experiment({ before: '/// Twice.\ndef twice(x) {\n  require x < 3, "{x} is too large"\n  2 * x\n}', tune: 'epochs: twice(2)' }),
  },
  check: ({ file }) =>
    definitionsOf(file).flatMap((d) =>
      (partsOfKind(d, 'require') as readonly Extract<Member, { kind: 'require' }>[]).flatMap((m) =>
        namesUsed(m.condition).size > 0
          ? []
          : [{ span: m.condition.span, message: 'this condition depends on nothing', help: 'name what it is about, or take it out' }],
      ),
    ),
};
