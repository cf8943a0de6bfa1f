/**
 * @file Lays out what stands inside a line: expressions, types, parameters, selectors.
 *
 * Brackets are set only where precedence needs them. A layout never breaks where a new line would change the meaning:
 * breaks stand inside brackets, after `=`, before `then` and `else`, and before operators with a space behind them.
 */
import type { Argument, Dim, Expr, IndexItem, Member, Param, Selector, SelectorStep, Trivia, TypeExpr } from './ast.js';
import { concat, group, hang, hardLine, indent, join, line, softLine, type Layout } from './layout.js';
import { chainless, levelOf, notLevel, rightward, topLevel, unaryLevel } from './precedence.js';
import { quote } from './tokens.js';

/** Lays out a block of members (in `print.ts`, which builds on this file). */
export type BlockLayout = (members: readonly Member[], tail: readonly string[]) => Layout;

/** An expression that must bind at least as tightly as `min`. */
export function layExpr(expr: Expr, block: BlockLayout, min = 0): Layout {
  const laid = layBare(expr, block);
  return levelOfExpr(expr) < min ? group('(', indent(softLine, laid), softLine, ')') : laid;
}

function levelOfExpr(expr: Expr): number {
  switch (expr.kind) {
    case 'if':
      return 0;
    case 'binary':
      return levelOf(expr.op);
    case 'unary':
      return expr.op === 'not' ? notLevel : unaryLevel;
    default:
      return topLevel;
  }
}

function layBare(expr: Expr, block: BlockLayout): Layout {
  switch (expr.kind) {
    case 'number':
      return numberText(expr);
    case 'string':
      return quote(expr.value);
    case 'bool':
      return expr.value ? 'true' : 'false';
    case 'none':
      return 'none';
    case 'name':
      return expr.name;
    case 'list':
      return layList(
        '[',
        expr.items.map((item) => ({ trivia: item.trivia, laid: layExpr(item, block), hugs: hugs(item) })),
        ']',
      );
    case 'call':
      return concat(layObject(expr.callee, block), layArgs(expr.args, block));
    case 'member':
      return concat(layObject(expr.object, block), '.', expr.name.text);
    case 'index':
      return concat(
        layObject(expr.object, block),
        '[',
        join(
          ', ',
          expr.items.map((item) => layIndexItem(item, block)),
        ),
        ']',
      );
    case 'unary':
      return expr.op === 'not'
        ? concat('not ', layExpr(expr.operand, block, notLevel))
        : concat('-', layExpr(expr.operand, block, unaryLevel));
    case 'binary':
      return layBinary(expr, block);
    case 'if':
      return layIf(expr, block);
    case 'block':
      return block(expr.members, expr.trivia?.tail ?? []);
    case 'error':
      return expr.text;
    default:
      return expr satisfies never;
  }
}

function numberText(expr: Expr & { readonly kind: 'number' }): string {
  if (expr.unit === undefined) return expr.text;
  return expr.unit === '%' ? `${expr.text}%` : `${expr.text} ${expr.unit}`;
}

/** What a postfix stands behind; a number there would take the postfix for a part of itself. */
function layObject(expr: Expr, block: BlockLayout): Layout {
  return expr.kind === 'number' || expr.kind === 'block' ? concat('(', layExpr(expr, block), ')') : layExpr(expr, block, topLevel);
}

/** A chain of operators; behind `=` its lines are indented already. */
function layBinary(expr: Expr & { readonly kind: 'binary' }, block: BlockLayout, indented = indent): Layout {
  const level = levelOf(expr.op);
  if (expr.op === '..') return concat(layExpr(expr.left, block, level + 1), '..', layExpr(expr.right, block, level + 1));
  // A chain of operators of one level breaks as a whole.
  const rest: Layout[] = [];
  let first: Expr = expr;
  if (rightward(level)) {
    first = expr.left;
    rest.push(line, `${expr.op} `, layExpr(expr.right, block, unaryLevel));
    return group(layExpr(first, block, level + 1), indented(...rest));
  }
  while (first.kind === 'binary' && levelOf(first.op) === level && first.op !== '..') {
    rest.unshift(line, `${first.op} `, layExpr(first.right, block, level + 1));
    first = first.left;
    if (chainless(level)) break;
  }
  return group(layExpr(first, block, level + 1), indented(...rest));
}

function layIf(expr: Expr & { readonly kind: 'if' }, block: BlockLayout): Layout {
  const clause = (word: string, each: Expr & { readonly kind: 'if' }): Layout =>
    concat(word, layExpr(each.condition, block), group(indent(line)), 'then ', layBranch(each.then, block));
  const parts: Layout[] = [clause('if ', expr)];
  let otherwise = expr.else;
  for (; otherwise.kind === 'if'; otherwise = otherwise.else) parts.push(line, clause('else if ', otherwise));
  return group(...parts, line, 'else ', layBranch(otherwise, block));
}

/** A branch: an `if` inside `then` stands in brackets, so that its `else` is its own for the reader too. */
function layBranch(expr: Expr, block: BlockLayout): Layout {
  return expr.kind === 'block' ? layExpr(expr, block) : indent(layExpr(expr, block, 1));
}

function layIndexItem(item: IndexItem, block: BlockLayout): Layout {
  switch (item.kind) {
    case 'at':
      return layExpr(item.expr, block);
    case 'new-axis':
      return 'none';
    case 'ellipsis':
      return '..';
    case 'range': {
      const from = item.from && layBeforeSign(item.from, block);
      return concat(from ?? '', ':', item.to ? layExpr(item.to, block) : '');
    }
    default:
      return item satisfies never;
  }
}

/** An expression before `:` or `{`, where the word behind a number would not be its unit. */
export function layBeforeSign(expr: Expr, block: BlockLayout): Layout {
  return layExpr(expr, block, endsInUnit(expr) ? topLevel + 1 : 0);
}

/** Whether the last token is the unit of a number. */
function endsInUnit(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return expr.unit !== undefined;
    case 'unary':
      return endsInUnit(expr.operand);
    case 'binary':
      return endsInUnit(expr.right);
    case 'if':
      return endsInUnit(expr.else);
    default:
      return false;
  }
}

// --- lists in brackets -----------------------------------------------------------------------------------------------

interface Entry {
  readonly trivia: Trivia | undefined;
  readonly laid: Layout;
  readonly doc?: string;
  readonly hugs?: boolean;
}

/** Entries between brackets: on one line, or each on its own; comments force the latter. */
export function layList(open: string, entries: readonly Entry[], close: string): Layout {
  const first = entries[0];
  if (!first) return open + close;
  const plain = entries.every((entry) => !hasComments(entry));
  if (entries.length === 1 && plain && first.hugs === true) return concat(open, first.laid, close);
  const parts: Layout[] = [];
  entries.forEach((entry, index) => {
    parts.push(index === 0 ? softLine : line);
    for (const comment of entry.trivia?.before ?? []) if (comment !== '') parts.push(comment, hardLine);
    parts.push(layDoc(entry.doc ?? ''), entry.laid, index < entries.length - 1 ? ',' : '');
    if (entry.trivia?.after !== undefined) parts.push(` ${entry.trivia.after}`);
  });
  const end = plain ? softLine : hardLine;
  return group(open, indent(...parts), end, close);
}

function hasComments(entry: Entry): boolean {
  return (entry.doc ?? '') !== '' || entry.trivia?.after !== undefined || (entry.trivia?.before ?? []).some((comment) => comment !== '');
}

/** The lines of a doc comment, each with its new line. */
export function layDoc(doc: string): Layout {
  if (doc === '') return '';
  return concat(...doc.split('\n').flatMap((text): Layout[] => [text === '' ? '///' : `/// ${text}`, hardLine]));
}

/** Whether an entry that stands alone needs no line of its own between the brackets. */
function hugs(expr: Expr): boolean {
  return expr.kind === 'list' || expr.kind === 'call' || expr.kind === 'string';
}

/** `(a, name: b)`. */
export function layArgs(args: readonly Argument[], block: BlockLayout): Layout {
  const entries = args.map((each): Entry => ({
    trivia: each.trivia,
    laid: each.name ? concat(each.name.text, ': ', layExpr(each.value, block)) : layExpr(each.value, block),
    hugs: !each.name && hugs(each.value),
  }));
  return layList('(', entries, ')');
}

/** `(rank: Int >= 1 = 8)`. */
export function layParams(params: readonly Param[], block: BlockLayout): Layout {
  const entries = params.map((each): Entry => ({
    trivia: each.trivia,
    doc: each.doc,
    laid: concat(
      each.name.text,
      each.type ? concat(': ', layType(each.type, block)) : '',
      ...each.bounds.map((bound) => concat(` ${bound.op} `, layExpr(bound.value, block, levelOf('+')))),
      each.default ? concat(' = ', layExpr(each.default, block)) : '',
    ),
  }));
  return layList('(', entries, ')');
}

/** A value behind `=`. */
export function layValue(expr: Expr, block: BlockLayout): Layout {
  if (expr.kind === 'block') return concat(' ', layExpr(expr, block));
  if (expr.kind === 'binary') return hang(layBinary(expr, block, concat), true);
  return hang(layExpr(expr, block), expr.kind === 'if');
}

// --- types -----------------------------------------------------------------------------------------------------------

/** `Int | none`, `Float[b, t]`, `[.., n]`. */
export function layType(type: TypeExpr, block: BlockLayout): Layout {
  switch (type.kind) {
    case 'type-name':
      return type.dims ? concat(type.name.text, layDims(type.dims, block)) : type.name.text;
    case 'type-tensor':
      return layDims(type.dims, block);
    case 'type-union':
      return join(
        ' | ',
        type.options.map((option) => layType(option, block)),
      );
    default:
      return type satisfies never;
  }
}

function layDims(dims: readonly Dim[], block: BlockLayout): Layout {
  return concat(
    '[',
    join(
      ', ',
      dims.map((dim) => (dim.kind === 'rest' ? '..' : layExpr(dim.expr, block))),
    ),
    ']',
  );
}

// --- selectors -------------------------------------------------------------------------------------------------------

/** `layers[0..2].attention.{query, key} + mlp`. */
export function laySelector(selector: Selector): Layout {
  switch (selector.kind) {
    case 'select-glob':
      return quote(selector.pattern);
    case 'select-path':
      return pathText(selector.steps);
    case 'select-binary': {
      const right = laySelector(selector.right);
      return concat(
        laySelector(selector.left),
        line,
        `${selector.op} `,
        selector.right.kind === 'select-binary' ? concat('(', right, ')') : right,
      );
    }
    case 'error':
      return selector.text;
    default:
      return selector satisfies never;
  }
}

/** A path of roles. */
export function pathText(steps: readonly Pick<SelectorStep, 'names' | 'indices'>[]): string {
  return steps
    .map(({ names, indices }) => {
      const words = names.map((name) => name.text);
      const ranges = (indices ?? []).map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`));
      return (words.length === 1 ? (words[0] ?? '') : `{${words.join(', ')}}`) + (indices ? `[${ranges.join(', ')}]` : '');
    })
    .join('.');
}
