/**
 * @file Builds the parts of the Ast that stand inside a line: names, types, expressions, selectors.
 *
 * Input: complete nodes of the concrete syntax tree. Output: Ast nodes. Binary operators come in as flat lists and get
 * their precedence here, by precedence climbing. Depth is bounded, so that no later pass can run out of stack.
 */
import type { CstNode, IToken } from 'chevrotain';
import type {
  Argument,
  BinaryOperator,
  Dim,
  ErrorNode,
  Expr,
  IndexItem,
  Member,
  Name,
  Param,
  Selector,
  SelectorStep,
  TypeExpr,
} from './ast.js';
import { codes } from './codes.js';
import type {
  ArgsCstNode,
  ArgumentCstNode,
  BlockCstNode,
  DimsCstNode,
  ExpressionCstNode,
  IndexItemCstNode,
  ListCstNode,
  ModulePathCstNode,
  OperandCstNode,
  ParamsCstNode,
  PathStepCstNode,
  PostfixCstNode,
  SelectorCstNode,
  SelectorTermCstNode,
  TypeCstNode,
  TypeOptionCstNode,
} from './cst.js';
import type { Diagnostic, Span } from './diagnostics.js';
import { levelOf, notLevel, unaryLevel, chainless, rightward } from './precedence.js';
import { endOf, unquote } from './tokens.js';
import type { TriviaCursor } from './trivia.js';

/** How deep expressions may nest, and how many operators may stand in one. */
export const maxDepth = 200;
const maxOperators = 1000;

/** What building needs everywhere. */
export interface Build {
  readonly file: string;
  readonly text: string;
  readonly trivia: TriviaCursor;
  readonly diagnostics: Diagnostic[];
  depth: number;
  /** Builds the members of a block (in `build.ts`, which builds on this file). */
  readonly members: (build: Build, node: BlockCstNode) => { readonly members: readonly Member[]; readonly tail: readonly string[] };
}

/** The first of a list of children, which a complete node always has. */
export function only<T>(list: readonly T[] | undefined): T {
  const first = list?.[0];
  if (first === undefined) throw new Error('incomplete node of the concrete syntax tree');
  return first;
}

/** The span of a node. */
export function spanOf(build: Build, node: CstNode): Span {
  const start = node.location?.startOffset ?? 0;
  return { file: build.file, start, end: (node.location?.endOffset ?? start - 1) + 1 };
}

/** The span of a token. */
export function tokenSpan(build: Build, token: IToken): Span {
  return { file: build.file, start: token.startOffset, end: endOf(token) };
}

/** A name. */
export function buildName(build: Build, token: IToken): Name {
  return { text: token.image, span: tokenSpan(build, token) };
}

/** The value and place of a string. */
export function buildText(build: Build, token: IToken): { readonly value: string; readonly span: Span } {
  return { value: unquote(token.image), span: tokenSpan(build, token) };
}

/** A part that is kept as it was written. */
export function errorNode(build: Build, span: Span): ErrorNode {
  build.trivia.drop(span.end);
  return { kind: 'error', span, text: build.text.slice(span.start, span.end) };
}

// --- types and parameters --------------------------------------------------------------------------------------------

/** `Int | none`, `[b, t]`. */
export function buildType(build: Build, node: TypeCstNode): TypeExpr {
  const options = node.children.typeOption.map((option) => buildTypeOption(build, option));
  return options.length === 1 ? only(options) : { kind: 'type-union', options, span: spanOf(build, node) };
}

function buildTypeOption(build: Build, node: TypeOptionCstNode): TypeExpr {
  const { Identifier, None, dims } = node.children;
  const span = spanOf(build, node);
  const axes = dims?.[0] && buildDims(build, dims[0]);
  const token = Identifier?.[0] ?? None?.[0];
  if (!token) return { kind: 'type-tensor', dims: axes ?? [], span };
  return { kind: 'type-name', name: buildName(build, token), ...(axes ? { dims: axes } : {}), span };
}

function buildDims(build: Build, node: DimsCstNode): Dim[] {
  return (node.children.dim ?? []).map((dim) =>
    dim.children.expression
      ? { kind: 'dim', expr: buildExpression(build, only(dim.children.expression)) }
      : { kind: 'rest', span: spanOf(build, dim) },
  );
}

/** The parameters of a definition or function. */
export function buildParams(build: Build, node: ParamsCstNode): Param[] {
  return (node.children.param ?? []).map((param) => {
    const { Identifier, type, Bound, sum, expression } = param.children;
    const span = spanOf(build, param);
    const opened = build.trivia.open(span.start, true);
    const built: Param = {
      kind: 'param',
      doc: opened.doc,
      name: buildName(build, only(Identifier)),
      ...(type ? { type: buildType(build, only(type)) } : {}),
      bounds: (Bound ?? []).map((bound, index) => ({
        op: bound.image as '>',
        value: buildSum(build, sum?.[index]?.children.operand ?? [], sum?.[index]?.children.Arithmetic ?? []),
      })),
      ...(expression ? { default: buildExpression(build, only(expression)) } : {}),
      span,
    };
    return { ...built, ...inLine(build.trivia.close(opened, span.end)) };
  });
}

/** Trivia without blank lines, for nodes in a list between brackets. */
function inLine<T extends { readonly trivia?: Expr['trivia'] }>(part: T): T {
  if (!part.trivia) return part;
  const before = part.trivia.before.filter((line) => line !== '');
  if (before.length === 0 && part.trivia.after === undefined && part.trivia.tail === undefined) {
    const { trivia: _dropped, ...rest } = part;
    return rest as T;
  }
  return { ...part, trivia: { ...part.trivia, before } };
}

// --- expressions -----------------------------------------------------------------------------------------------------

/** Any expression. */
export function buildExpression(build: Build, node: ExpressionCstNode): Expr {
  if (build.depth >= maxDepth) return tooDeep(build, spanOf(build, node));
  build.depth++;
  const { condition, then, else: otherwise, operand, Operator } = node.children;
  const built: Expr = condition
    ? {
        kind: 'if',
        condition: buildExpression(build, only(condition)),
        then: buildExpression(build, only(then)),
        else: buildExpression(build, only(otherwise)),
        span: spanOf(build, node),
      }
    : buildSum(build, operand ?? [], Operator ?? []);
  build.depth--;
  return built;
}

function tooDeep(build: Build, span: Span): ErrorNode {
  if (!build.diagnostics.some((diagnostic) => diagnostic.code === codes.nesting)) {
    build.diagnostics.push({
      code: codes.nesting,
      severity: 'error',
      message: 'this expression nests too deep',
      span,
      help: `give parts of it a name with \`let\`; at most ${maxDepth} levels and ${maxOperators} operators can stand in one expression`,
    });
  }
  return errorNode(build, span);
}

/** One operand with the signs before it. */
interface Term {
  readonly prefixes: readonly IToken[];
  readonly value: Expr;
}

function buildSum(build: Build, operands: readonly OperandCstNode[], operators: readonly IToken[]): Expr {
  const terms = operands.map((operand) => buildTerm(build, operand));
  const signs = operators.length + terms.reduce((count, term) => count + term.prefixes.length, 0);
  if (signs <= maxOperators) return climb(build, terms, operators);
  const [first, last] = [operands[0], operands.at(-1)];
  return tooDeep(build, { file: build.file, start: first ? spanOf(build, first).start : 0, end: last ? spanOf(build, last).end : 0 });
}

/** Precedence climbing over a flat list. */
function climb(build: Build, terms: readonly Term[], operators: readonly IToken[]): Expr {
  let at = 0;
  const operand = (skip: number): Expr => {
    const term = only(terms.slice(at, at + 1));
    const prefix = term.prefixes[skip];
    if (!prefix) return term.value;
    const op = prefix.image === '-' ? '-' : 'not';
    const inner = level(op === '-' ? unaryLevel : notLevel, skip + 1);
    return { kind: 'unary', op, operand: inner, span: { file: build.file, start: prefix.startOffset, end: inner.span.end } };
  };
  const level = (min: number, skip: number): Expr => {
    let left = operand(skip);
    let chained: BinaryOperator | undefined;
    for (let token = operators[at]; token; token = operators[at]) {
      const op = token.image as BinaryOperator;
      const own = levelOf(op);
      if (own < min) return left;
      if (chained && chainless(own) && levelOf(chained) === own) reportChain(build, token, left, own);
      at++;
      const right = level(rightward(own) ? own : own + 1, 0);
      left = { kind: 'binary', op, left, right, span: { file: build.file, start: left.span.start, end: right.span.end } };
      chained = op;
    }
    return left;
  };
  return level(0, 0);
}

function reportChain(build: Build, token: IToken, left: Expr, level: number): void {
  const middle = left.kind === 'binary' ? build.text.slice(left.right.span.start, left.right.span.end) : '';
  const comparison = level === levelOf('==');
  build.diagnostics.push({
    code: codes.chain,
    severity: 'error',
    message: comparison ? 'comparisons do not chain' : 'ranges do not chain',
    span: tokenSpan(build, token),
    ...(comparison && middle !== '' ? { help: `write \`and ${middle} ${token.image} …\`` } : {}),
  });
}

function buildTerm(build: Build, node: OperandCstNode): Term {
  const prefixes = node.children.prefix ?? [];
  const { postfix } = node.children;
  if (prefixes.length > maxDepth || (postfix?.length ?? 0) > maxDepth) return { prefixes: [], value: tooDeep(build, spanOf(build, node)) };
  return { prefixes, value: buildPostfixes(build, node, postfix ?? []) };
}

/** An operand without signs before it, such as the module after `is`. */
export function buildOperand(build: Build, node: OperandCstNode): Expr {
  return climb(build, [buildTerm(build, node)], []);
}

function buildPostfixes(build: Build, operand: OperandCstNode, postfixes: readonly PostfixCstNode[]): Expr {
  let built = buildPrimary(build, operand);
  for (const postfix of postfixes) {
    const { Identifier, args, indexItem } = postfix.children;
    const span: Span = { file: build.file, start: built.span.start, end: spanOf(build, postfix).end };
    if (args) built = { kind: 'call', callee: built, args: buildArgs(build, only(args)), span };
    else if (indexItem) built = { kind: 'index', object: built, items: indexItem.map((item) => buildIndexItem(build, item)), span };
    else built = { kind: 'member', object: built, name: buildName(build, only(Identifier)), span };
  }
  return built;
}

function buildPrimary(build: Build, node: OperandCstNode): Expr {
  const { NumberLiteral, unit, StringLiteral, True, False, None, name, LParen, expression, RParen, list, block } = node.children;
  if (name) return { kind: 'name', name: only(name).image, span: tokenSpan(build, only(name)) };
  if (NumberLiteral) {
    const text = only(NumberLiteral).image;
    const span = { file: build.file, start: only(NumberLiteral).startOffset, end: endOf(only(unit ?? NumberLiteral)) };
    return {
      kind: 'number',
      value: Number(text.replaceAll('_', '')),
      text,
      integer: !/[.eE]/.test(text),
      ...(unit ? { unit: only(unit).image } : {}),
      span,
    };
  }
  if (StringLiteral) return { kind: 'string', value: unquote(only(StringLiteral).image), span: tokenSpan(build, only(StringLiteral)) };
  const constant = True ?? False;
  if (constant) return { kind: 'bool', value: True !== undefined, span: tokenSpan(build, only(constant)) };
  if (None) return { kind: 'none', span: tokenSpan(build, only(None)) };
  // The brackets are part of the place, so that a comment behind them is found.
  if (expression)
    return {
      ...buildExpression(build, only(expression)),
      span: { file: build.file, start: only(LParen).startOffset, end: endOf(only(RParen)) },
    };
  if (list) return { kind: 'list', items: buildList(build, only(list)), span: spanOf(build, only(list)) };
  const span = spanOf(build, only(block));
  if (build.depth >= maxDepth) return tooDeep(build, span);
  build.depth++;
  const { members, tail } = build.members(build, only(block));
  build.depth--;
  return { kind: 'block', members, span, ...(tail.length > 0 ? { trivia: { before: [], tail } } : {}) };
}

function buildList(build: Build, node: ListCstNode): Expr[] {
  return (node.children.expression ?? []).map((item) => {
    const span = spanOf(build, item);
    const opened = build.trivia.open(span.start, false);
    const built = buildExpression(build, item);
    return inLine({ ...built, ...build.trivia.close(opened, span.end, built.trivia?.tail) } as Expr);
  });
}

/** The arguments of a call. */
export function buildArgs(build: Build, node: ArgsCstNode): Argument[] {
  return (node.children.argument ?? []).map((argument: ArgumentCstNode) => {
    const { Identifier, expression } = argument.children;
    const span = spanOf(build, argument);
    const opened = build.trivia.open(span.start, false);
    const built = {
      ...(Identifier ? { name: buildName(build, only(Identifier)) } : {}),
      value: buildExpression(build, only(expression)),
      span,
    };
    return inLine<Argument>({ ...built, ...build.trivia.close(opened, span.end) });
  });
}

function buildIndexItem(build: Build, node: IndexItemCstNode): IndexItem {
  const span = spanOf(build, node);
  const { ellipsis, Colon, from, to } = node.children;
  if (ellipsis) return { kind: 'ellipsis', span };
  const start = from && buildExpression(build, only(from));
  if (!Colon && start) return start.kind === 'none' ? { kind: 'new-axis', span } : { kind: 'at', expr: start, span };
  const end = to && buildExpression(build, only(to));
  return { kind: 'range', ...(start ? { from: start } : {}), ...(end ? { to: end } : {}), span };
}

// --- selectors -------------------------------------------------------------------------------------------------------

/** `attention.{query, key} + mlp except layers[0]`. */
export function buildSelector(build: Build, node: SelectorCstNode): Selector {
  const terms = node.children.selectorTerm;
  if (build.depth >= maxDepth || terms.length > maxDepth) return tooDeep(build, spanOf(build, node));
  build.depth++;
  let built = buildSelectorTerm(build, only(terms));
  terms.slice(1).forEach((term, index) => {
    const operator = node.children.operator?.[index]?.image;
    const op = operator === 'except' ? 'except' : operator === 'and' ? 'and' : '+';
    const right = buildSelectorTerm(build, term);
    built = { kind: 'select-binary', op, left: built, right, span: { file: build.file, start: built.span.start, end: right.span.end } };
  });
  build.depth--;
  return built;
}

function buildSelectorTerm(build: Build, node: SelectorTermCstNode): Selector {
  const span = spanOf(build, node);
  const { StringLiteral, selector, modulePath } = node.children;
  if (StringLiteral) return { kind: 'select-glob', pattern: unquote(only(StringLiteral).image), span };
  if (selector) return { ...buildSelector(build, only(selector)), span };
  return { kind: 'select-path', steps: buildPath(build, only(modulePath)), span };
}

/** `layers[0..2].attention.{query, key}`. */
export function buildPath(build: Build, node: ModulePathCstNode): SelectorStep[] {
  return node.children.pathStep.map((step: PathStepCstNode) => {
    const indices = step.children.layerRange?.map((range) => {
      const from = Number(only(range.children.NumberLiteral).image.replaceAll('_', ''));
      const to = range.children.NumberLiteral[1];
      const wrong = range.children.NumberLiteral.find((number) => !/^\d[\d_]*$/.test(number.image));
      if (wrong) {
        build.diagnostics.push({
          code: codes.number,
          severity: 'error',
          message: 'the index of a layer is a whole number',
          span: tokenSpan(build, wrong),
        });
      }
      return { from, to: to ? Number(to.image.replaceAll('_', '')) : from, span: spanOf(build, range) };
    });
    return {
      names: (step.children.name ?? []).map((name) => buildName(build, name)),
      ...(indices ? { indices } : {}),
      span: spanOf(build, step),
    };
  });
}
