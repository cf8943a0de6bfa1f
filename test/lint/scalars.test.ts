/**
 * @file The evaluator of scalar expressions that lint rules use gives what that of the runtime gives, for every operation.
 */
import { describe, expect, it } from 'vitest';
import { scalarOps, scalarValue } from '../../lint/scalars.js';
import type { ScalarExpr } from '../../compiler/plan/program.js';
import { evaluateScalar } from '../../runtime/scalars.js';

const triples = [
  [7.5, 2, 3],
  [-1.25, 3, 0],
  [0, 4, 5],
  [2, 2, -1],
  [1, 0, 2],
];

/** An operation with as many operands as the runtime takes. */
function called(op: (typeof scalarOps)[number], args: readonly ScalarExpr[]): ScalarExpr {
  const fitting = [1, 2, 3].find((n) => {
    try {
      evaluateScalar({ op, args: args.slice(0, n) }, { step: 1 });
      return true;
    } catch {
      return false;
    }
  });
  return { op, args: args.slice(0, fitting) };
}

describe('scalar expressions', () => {
  it.each(scalarOps)('%s', (op) => {
    for (const [a, b, c] of triples as [number, number, number][]) {
      const expr = called(op, [{ var: 'step' }, b, { op: 'add', args: [c, 1] }]);
      expect(scalarValue(expr, { step: a })).toBe(evaluateScalar(expr, { step: a }));
    }
  });

  it('are no numbers without their variables', () => expect(scalarValue({ var: 'step' }, {})).toBeNaN());
});
