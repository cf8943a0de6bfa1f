/**
 * @file Names in expressions: every name that an expression, a type or a member looks up, with what it binds on the way.
 */
import type { Expr } from '../../grammar/ast.js';

/** Parts of an expression that are expressions themselves, blocks left out. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'bool':
    case 'none':
    case 'name':
    case 'block':
    case 'error':
      return [];
    case 'list':
      return expr.items;
    case 'call':
      return [expr.callee, ...expr.args.map((a) => a.value)];
    case 'member':
      return [expr.object];
    case 'index':
      return [
        expr.object,
        ...expr.items.flatMap((item) =>
          item.kind === 'at' ? [item.expr] : item.kind === 'range' ? [item.from, item.to].filter((x) => x !== undefined) : [],
        ),
      ];
    case 'unary':
      return [expr.operand];
    case 'binary':
      return [expr.left, expr.right];
    case 'if':
      return [expr.condition, expr.then, expr.else];
    default:
      return expr satisfies never;
  }
}

/** Names an expression looks up, in the order of the text. */
export const namesIn = (expr: Expr): string[] => (expr.kind === 'name' ? [expr.name] : partsOf(expr).flatMap(namesIn));
