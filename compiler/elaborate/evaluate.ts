/**
 * @file Evaluation of expressions, blocks and calls. Numbers, strings and choices are worked out now; tensors become nodes of
 * the graph under construction. The language is total: no recursion (a call that reaches itself is an error), loops only
 * over lists whose length is known.
 */
import { definitionKinds, type Argument, type Definition, type Expr, type IndexItem, type Member, type Param } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { adaptedProduct } from './adapter.js';
import { tooMany, unknownArgument, type EvaluatedArgument } from './arguments.js';
import { binary, isTensorLike, toScalar, transposed, unary } from './arithmetic.js';
import { callBuiltin } from './builtins.js';
import type { Elaboration } from './elaboration.js';
import type { BoundDefinition } from './instance.js';
import { callModule } from './call-module.js';
import { memberOf } from './members.js';
import { nearest, suggest } from './nearest.js';
import { localScope, preferring, qualified, type LocalScope, type Scope } from './scope.js';
import { attempt, ruleCode, stop, stopWith, unread } from './stop.js';
import { graphOf, shapeOf, toNode } from './tensors.js';
import { bindShape, checkParam, dimsOf } from './types.js';
import { bool, describe, float, integer, none, text, unitWords, type FunctionValue, type Value } from './value.js';

/** The value of an expression. */
export function evaluate(e: Elaboration, expr: Expr, scope: Scope): Value {
  switch (expr.kind) {
    case 'number':
      return number(expr);
    case 'string':
      return text(expr.value);
    case 'bool':
      return bool(expr.value);
    case 'none':
      return none;
    case 'name':
      return scope.lookup(expr.name) ?? (expr.name === 'training' ? bool(e.training) : unknownName(expr.name, expr.span, scope));
    case 'list':
      return { kind: 'list', items: expr.items.map((item) => evaluate(e, item, scope)) };
    case 'call':
      return call(e, expr, scope);
    case 'member':
      return member(e, expr, scope);
    case 'index':
      return index(e, expr, scope);
    case 'unary':
      return unary(e, expr.op, evaluate(e, expr.operand, scope), expr.span);
    case 'binary':
      return binaryExpr(e, expr, scope);
    case 'if':
      return choose(e, expr, scope);
    case 'block':
      return block(e, expr.members, localScope(scope), expr.span);
    case 'error':
      return unread(expr.span);
    default:
      return expr satisfies never;
  }
}

/** A number literal with its unit. */
export function number(expr: Extract<Expr, { kind: 'number' }>): Value {
  if (expr.unit === undefined) return expr.integer ? integer(expr.value) : float(expr.value);
  const word = unitWords[expr.unit];
  if (word === undefined) {
    // `steps` is meant before `step`, but after 1.
    const near = nearest(expr.unit, expr.value === 1 ? Object.keys(unitWords) : Object.keys(unitWords).reverse());
    const right = `${expr.text} ${near}`;
    return stop(
      'PEFT0213',
      expr.span,
      `${expr.unit} is not a unit`,
      near
        ? { help: `write ${right}`, fix: { title: `write ${right}`, edits: [{ span: expr.span, text: right }] } }
        : { help: `units are ${Object.keys(unitWords).join(', ')}` },
    );
  }
  const value = word.unit === 'ratio' ? expr.value / 100 : expr.value * word.factor;
  return { kind: 'number', value, integer: word.unit !== 'ratio' && expr.integer, unit: word.unit };
}

/** Words that are values. */
export const literals: readonly string[] = ['true', 'false', 'none'];

/** Ends with the nearest name that is known. */
export function unknownName(name: string, span: Span, scope: Scope): never {
  const near = nearest(name, [...scope.names(), ...literals]);
  return stop('PEFT0101', span, `${name} is not defined`, near ? suggest(name, span, [near], '') : {});
}

function binaryExpr(e: Elaboration, expr: Extract<Expr, { kind: 'binary' }>, scope: Scope): Value {
  const left = evaluate(e, expr.left, scope);
  if (expr.op === '??') return left.kind === 'none' ? evaluate(e, expr.right, scope) : left;
  if (expr.op === 'and' || expr.op === 'or') {
    if (left.kind === 'bool') {
      if (left.value === (expr.op === 'or')) return left;
      const right = evaluate(e, expr.right, scope);
      if (right.kind === 'bool' || right.kind === 'host') return right;
      return stop('PEFT0212', expr.right.span, `${expr.op} needs true or false, not ${describe(right)}`);
    }
    const right = evaluate(e, expr.right, scope);
    if (left.kind !== 'host') return stop('PEFT0212', expr.left.span, `${expr.op} needs true or false, not ${describe(left)}`);
    return { kind: 'host', expr: { op: expr.op, args: [left.expr, toScalar(right, expr.right.span)] } };
  }
  const right = evaluate(e, expr.right, scope);
  if (expr.op === '@' && right.kind === 'effective') return adaptedProduct(e, left, right, expr.span);
  return binary(e, expr.op, left, right, expr.span);
}

function choose(e: Elaboration, expr: Extract<Expr, { kind: 'if' }>, scope: Scope): Value {
  const condition = evaluate(e, expr.condition, scope);
  if (condition.kind === 'bool') return evaluate(e, condition.value ? expr.then : expr.else, scope);
  if (condition.kind === 'host') {
    const a = toScalar(evaluate(e, expr.then, scope), expr.then.span);
    const b = toScalar(evaluate(e, expr.else, scope), expr.else.span);
    return { kind: 'host', expr: { op: 'select', args: [condition.expr, a, b] } };
  }
  return stop('PEFT0214', expr.condition.span, `a condition must be true or false, not ${describe(condition)}`, {
    help: 'write select(condition, a, b) to choose between elements of tensors',
  });
}

/** Runs the members of a function body; the last expression is the result. */
export function block(e: Elaboration, members: readonly Member[], scope: LocalScope, span: Span): Value {
  let result: Value | undefined;
  for (const m of members) {
    switch (m.kind) {
      case 'let': {
        const value = evaluate(e, m.value, scope);
        if (m.type) checkShape(e, m.name.text, m.type, value, scope, m.span);
        scope.define(m.name.text, value);
        break;
      }
      case 'assign':
        if (!scope.assign(m.name.text, evaluate(e, m.value, scope))) unknownName(m.name.text, m.name.span, scope);
        break;
      case 'for': {
        const over = evaluate(e, m.over, scope);
        if (over.kind !== 'list') stop('PEFT0215', m.over.span, `for needs a list, not ${describe(over)}`);
        for (const item of over.kind === 'list' ? over.items : []) {
          const inner = localScope(scope);
          inner.define(m.name.text, item);
          block(e, m.members, inner, m.span);
        }
        break;
      }
      case 'require':
        requireHolds(e, m, scope);
        break;
      case 'expr':
        result = evaluate(e, m.expr, scope);
        break;
      case 'error':
        return unread(m.span);
      default:
        return stop('PEFT0216', m.span, 'this cannot stand in the body of a function');
    }
  }
  if (result === undefined && members.some((m) => m.kind === 'expr')) return stop('PEFT0217', span, 'this body has no result');
  return result ?? none;
}

/** Ends with the message where a condition does not hold; `{name}` and `{a + b}`-free names in the message are filled in. */
export function requireHolds(e: Elaboration, m: Extract<Member, { kind: 'require' }>, scope: Scope): void {
  const condition = evaluate(e, m.condition, scope);
  if (condition.kind !== 'bool') stop('PEFT0214', m.condition.span, `a condition must be true or false, not ${describe(condition)}`);
  if (condition.kind === 'bool' && !condition.value) stop(ruleCode, m.span, interpolate(e, m.message.value, scope));
}

/** Fills `{expression}` in a message; only names and calls of names are understood. */
function interpolate(e: Elaboration, message: string, scope: Scope): string {
  return message.replace(/\{([^{}]+)\}/g, (whole, inner: string) => {
    const call = /^(\w+)\(([\w, ]*)\)$/.exec(inner);
    const value = call
      ? callValue(
          e,
          scope.lookup(call[1] as string) ?? none,
          (call[2] as string).split(',').map((a) => ({ value: scope.lookup(a.trim()) ?? none, span: noSpan })),
          noSpan,
        )
      : scope.lookup(inner.trim());
    return value === undefined ? whole : value.kind === 'string' ? value.value : describe(value);
  });
}

const noSpan: Span = { file: '', start: 0, end: 0 };

/** The arguments of a call, evaluated in order. */
export function evaluateArguments(e: Elaboration, args: readonly Argument[], scope: Scope): EvaluatedArgument[] {
  const faults: Diagnostic[] = [];
  const evaluated = args.map((a) => ({
    ...(a.name ? { name: a.name.text, nameSpan: a.name.span } : {}),
    value: attempt(faults, () => evaluate(e, a.value, scope)) ?? none,
    span: a.value.span,
  }));
  stopWith(faults);
  return evaluated;
}

function call(e: Elaboration, expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Value {
  const callee = calleeOf(e, expr.callee, scope);
  return callValue(e, callee, evaluateArguments(e, expr.args, scope), expr.span);
}

/** What is called. A function keeps its name beside a parameter of the same name: `dropout(x, dropout)`. */
function calleeOf(e: Elaboration, callee: Expr, scope: Scope): Value {
  const value = evaluate(e, callee, scope);
  if (callee.kind !== 'name' || ['function', 'builtin', 'definition', 'module'].includes(value.kind)) return value;
  return scope.lookup(qualified('def', callee.name)) ?? value;
}

/** Calls a function, builtin or module with evaluated arguments. */
export function callValue(e: Elaboration, callee: Value, args: readonly EvaluatedArgument[], span: Span): Value {
  switch (callee.kind) {
    case 'builtin':
      return callBuiltin(e, callee.name, args, span);
    case 'function':
      return callFunction(e, callee, args, span);
    case 'definition':
      if (callee.definition.what === 'def') return callFunction(e, functionOf(callee.definition, callee.scope), args, span);
      return bindDefinition(e, callee.definition, callee.scope, args, span);
    case 'module':
      return callModule(e, callee.instance, args, span);
    default:
      return stop('PEFT0219', span, `${describe(callee)} cannot be called`);
  }
}

/** A `def` as a function. */
export const functionOf = (d: Definition, scope: Scope): FunctionValue => ({
  kind: 'function',
  name: d.name.text,
  params: d.params,
  ...(d.result ? { result: d.result } : {}),
  body: d.body,
  scope,
});

/** A call of an adapter, optimiser, schedule, module or task: its parameters bound and checked, its meaning left to the caller. */
function bindDefinition(e: Elaboration, definition: Definition, scope: Scope, args: readonly EvaluatedArgument[], span: Span): Value {
  const bound = bindArguments(e, definition, scope, args, span);
  return {
    kind: 'call',
    callee: definition.name.text,
    type: `${definition.what.charAt(0).toUpperCase()}${definition.what.slice(1)}`,
    ...bound,
    span,
  };
}

/** The arguments of a definition by name, defaults filled in, and where the written ones stand. */
export function bindArguments(
  e: Elaboration,
  definition: Definition,
  scope: Scope,
  args: readonly EvaluatedArgument[],
  span: Span,
): BoundDefinition {
  const local = bindParams(e, definition.name.text, definition.params, args, scope, span);
  const values = new Map(definition.params.map((p) => [p.name.text, local.lookup(p.name.text) ?? none] as const));
  const spans = new Map<string, Span>();
  args.forEach((a, i) => {
    const name = a.name ?? definition.params[i]?.name.text;
    if (name !== undefined) spans.set(name, a.span);
  });
  return { definition, scope, args: values, spans };
}

/** Runs a function. */
export function callFunction(e: Elaboration, f: FunctionValue, args: readonly EvaluatedArgument[], span: Span): Value {
  if (e.running.has(f.body)) return stop('PEFT0222', span, `${f.name} calls itself: the language has no recursion`);
  const local = bindParams(e, f.name, f.params, args, f.scope, span);
  e.running.add(f.body);
  try {
    const value = f.body.kind === 'expr' ? evaluate(e, f.body.expr, local) : block(e, f.body.members, local, span);
    if (f.result) checkShape(e, `the result of ${f.name}`, f.result, value, local, span);
    return value;
  } finally {
    e.running.delete(f.body);
  }
}

/** The value of a bare name where a word is wanted; undefined where it is an expression as any other. */
export function wordOf({ type }: Param, value: Expr): Value | undefined {
  const types = type?.kind === 'type-union' ? type.options : type ? [type] : [];
  return value.kind === 'name' && types.some((t) => t.kind === 'type-name' && t.name.text === 'Word') ? text(value.name) : undefined;
}

/** A scope with the parameters bound to the arguments: by position, then by name, then by default. */
export function bindParams(
  e: Elaboration,
  what: string,
  params: readonly Param[],
  args: readonly EvaluatedArgument[],
  scope: Scope,
  span: Span,
): LocalScope {
  const given = new Map<string, EvaluatedArgument>();
  // The faults of several arguments are independent, and all told; a parameter that is missing may be one of those that are not known.
  const faults: Diagnostic[] = [];
  let position = 0;
  for (const arg of args) {
    const param = arg.name === undefined ? params[position++] : params.find((p) => p.name.text === arg.name);
    attempt(faults, () => {
      if (param === undefined) {
        const names = params.map((p) => p.name.text);
        if (arg.name === undefined) return tooMany(what, arg.span, names, args.length);
        // Its value is checked as that of the parameter it may have meant.
        const near = nearest(arg.name, names);
        if (near !== undefined && !args.some((a) => a.name === near)) given.set(near, arg);
        return unknownArgument(what, arg, names);
      }
      const name = param.name.text;
      if (given.has(name)) stop('PEFT0225', arg.nameSpan ?? arg.span, `${name} is given twice`);
      given.set(name, arg);
    });
  }
  const local = localScope(scope);
  const plain = params.filter((p) => p.type === undefined || dimsOf(p.type) === undefined);
  const shaped = params.filter((p) => p.type !== undefined && dimsOf(p.type) !== undefined);
  for (const param of plain) {
    const arg = given.get(param.name.text);
    if (arg === undefined && faults.length > 0) continue;
    const value =
      arg?.value ??
      (param.default ? (wordOf(param, param.default) ?? evaluate(e, param.default, preferred(param, local))) : missing(what, param, span));
    local.define(param.name.text, value);
    attempt(faults, () => checkParam(param, value, arg?.span ?? param.span, (bound) => evaluate(e, bound, local)));
  }
  stopWith(faults);
  for (const param of shaped) {
    const arg = given.get(param.name.text);
    const value = arg?.value ?? (param.default ? evaluate(e, param.default, local) : missing(what, param, span));
    if (param.type) local.define(param.name.text, checkShape(e, param.name.text, param.type, value, local, arg?.span ?? param.span));
  }
  return local;
}

/** In the default of a parameter of type `Schedule` a name means a schedule first. */
function preferred(param: Param, scope: Scope): Scope {
  const kind =
    param.type?.kind === 'type-name'
      ? definitionKinds.find((k) => param.type?.kind === 'type-name' && k === param.type.name.text.toLowerCase())
      : undefined;
  return kind === undefined ? scope : preferring(kind, scope);
}

function missing(what: string, param: Param, span: Span): never {
  return stop('PEFT0226', span, `${what} needs ${param.name.text}`, {
    notes: [{ message: `${param.name.text} is declared here`, span: param.span }],
    help: `write ${param.name.text}: …`,
  });
}

/** Checks a tensor against a shape type and binds its free names; lists and numbers become tensors where axes are named. */
function checkShape(e: Elaboration, what: string, type: NonNullable<Param['type']>, value: Value, scope: LocalScope, span: Span): Value {
  const dims = dimsOf(type);
  if (dims === undefined) return value;
  if (!isTensorLike(value) && value.kind !== 'list') return value;
  if (value.kind === 'effective') return value;
  const node = toNode(e, value, span);
  const g = graphOf(e, span);
  bindShape(e, what, dims, shapeOf(g, node), scope, (expr) => evaluate(e, expr, scope), span);
  return { kind: 'tensor', node };
}

function member(e: Elaboration, expr: Extract<Expr, { kind: 'member' }>, scope: Scope): Value {
  const object = evaluate(e, expr.object, scope);
  const name = expr.name.text;
  if (name === 'T' && (isTensorLike(object) || object.kind === 'list')) return transposed(e, object, expr.span);
  if (object.kind === 'record') return object.fields.get(name) ?? none;
  if (object.kind === 'none') return none;
  if (object.kind === 'module') return memberOf(e, object.instance, name, expr.name.span);
  return stop('PEFT0227', expr.name.span, `${describe(object)} has no member ${name}`);
}

function index(e: Elaboration, expr: Extract<Expr, { kind: 'index' }>, scope: Scope): Value {
  const object = evaluate(e, expr.object, scope);
  if (object.kind === 'list' && expr.items.length === 1 && expr.items[0]?.kind === 'at') {
    const at = evaluate(e, expr.items[0].expr, scope);
    if (at.kind !== 'number') return stop('PEFT0205', expr.items[0].span, `a number is needed here, not ${describe(at)}`);
    const i = at.value < 0 ? object.items.length + at.value : at.value;
    return object.items[i] ?? stop('PEFT0228', expr.items[0].span, `index ${at.value} is outside a list of ${object.items.length}`);
  }
  return indexTensor(e, toNode(e, object, expr.object.span), expr.items, scope, expr.span);
}

/** `x[:, none, 0, 2:5]`: slices, new axes, single positions (whose axis goes away). */
function indexTensor(e: Elaboration, start: number, items: readonly IndexItem[], scope: Scope, span: Span): Value {
  const g = graphOf(e, span);
  const rank = shapeOf(g, start).length;
  const used = items.filter((i) => i.kind === 'at' || i.kind === 'range').length;
  if (used > rank) stop('PEFT0307', span, `${used} indices for a tensor of ${rank} axes`);
  const full: IndexItem[] = [];
  for (const item of items) {
    if (item.kind === 'ellipsis') for (let i = used; i < rank; i += 1) full.push({ kind: 'range', span: item.span });
    else full.push(item);
  }
  const offset = (given: Expr | undefined, fallback: number, size: number): number => {
    if (given === undefined) return fallback;
    const v = evaluate(e, given, scope);
    if (v.kind !== 'number' || !Number.isInteger(v.value))
      return stop('PEFT0205', given.span, `a whole number is needed here, not ${describe(v)}`);
    const at = v.value < 0 ? size + v.value : v.value;
    if (at < 0 || at > size) stop('PEFT0228', given.span, `index ${v.value} is outside an axis of ${size}`);
    return at;
  };
  let node = start;
  let axis = 0;
  const shape: number[] = [];
  for (const item of full) {
    const size = shapeOf(g, node)[axis];
    if (item.kind === 'new-axis') {
      shape.push(1);
    } else if (size !== undefined && item.kind === 'range') {
      const from = offset(item.from, 0, size);
      const to = offset(item.to, size, size);
      if (to <= from) stop('PEFT0228', item.span, `the range ${from}:${to} is empty`);
      if (from !== 0 || to !== size) node = g.add('slice', [node], { axis, start: from, length: to - from });
      shape.push(to - from);
      axis += 1;
    } else if (size !== undefined && item.kind === 'at') {
      const at = offset(item.expr, 0, size);
      if (at >= size) stop('PEFT0228', item.span, `index ${at} is outside an axis of ${size}`);
      node = g.add('slice', [node], { axis, start: at, length: 1 });
      axis += 1;
    }
  }
  const target = [...shape, ...shapeOf(g, node).slice(axis)];
  const own = shapeOf(g, node);
  if (own.length === target.length && own.every((n, i) => n === target[i])) return { kind: 'tensor', node };
  return { kind: 'tensor', node: g.add('reshape', [node], { shape: target }) };
}
