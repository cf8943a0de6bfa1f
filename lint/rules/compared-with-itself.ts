/**
 * @file PEFT1536: a value is compared with itself.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { partsOfKind } from '../names-used.js';
import { sameValue } from '../written-values.js';
import type { BinaryOperator, Expr } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

const comparisons: readonly BinaryOperator[] = ['==', '!=', '<', '<=', '>', '>='];

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1536',
  name: 'compared-with-itself',
  level: 'warning',
  on: 'file',
  summary: 'a value is compared with itself',
  why: 'The answer is known before: one of the two names was to be another.',
  bad: { text: experiment({ before: '/// Twice.\ndef twice(x, most = 3) = if x < x then 2 * x else most', tune: 'epochs: twice(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x, most = 3) = if x < most then 2 * x else most', tune: 'epochs: twice(2)' }) },
  check: ({ file }) =>
    definitionsOf(file).flatMap((d) =>
      (partsOfKind(d, 'binary') as readonly Extract<Expr, { kind: 'binary' }>[]).flatMap((e) =>
        !comparisons.includes(e.op) || !sameValue(e.left, e.right)
          ? []
          : [{ span: e.span, message: 'both sides of this comparison are the same', help: 'name two values' }],
      ),
    ),
};
