/**
 * @file PEFT1535: both branches of a condition are the same.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { partsOfKind } from '../names-used.js';
import { sameValue } from '../written-values.js';
import type { Expr } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1535',
  name: 'equal-branches',
  level: 'warning',
  on: 'file',
  summary: 'both branches of a condition are the same',
  why: 'The condition then decides nothing: one of the branches was to be another.',
  bad: { text: experiment({ before: '/// Twice.\ndef twice(x) = if x < 3 then 2 * x else 2 * x', tune: 'epochs: twice(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x) = if x < 3 then 2 * x else 6', tune: 'epochs: twice(2)' }) },
  check: ({ file }) =>
    definitionsOf(file).flatMap((d) =>
      (partsOfKind(d, 'if') as readonly Extract<Expr, { kind: 'if' }>[]).flatMap((e) =>
        !sameValue(e.then, e.else)
          ? []
          : [
              {
                span: e.span,
                message: 'this is the same whether the condition holds or not',
                help: 'write one branch alone, or mend the other',
              },
            ],
      ),
    ),
};
