/**
 * @file Types of parameters: names of kinds, units and tensor shapes with symbolic axes. A bare name in a shape is bound by
 * the first tensor that has it and checked by every later one.
 */
import type { Dim, Param, TypeExpr } from '../../grammar/ast.js';
import type { Note, Span } from '../../grammar/diagnostics.js';
import type { Elaboration } from './elaboration.js';
import type { LocalScope } from './scope.js';
import { stop } from './stop.js';
import { showShape } from './tensors.js';
import { describe, integer, kindName, showNumber, unitTypes, type NumberValue, type Unit, type Value } from './value.js';

const unitOfType: Readonly<Record<string, Unit>> = { Ratio: 'ratio', Bytes: 'bytes', Steps: 'steps', Epochs: 'epochs', Tokens: 'tokens' };

/** Every type name of the language. */
export const typeNames: readonly string[] = [
  'Int',
  'Float',
  'Bool',
  'String',
  'Word',
  'Record',
  'List',
  'none',
  'Table',
  'Base',
  'Optimizer',
  'Schedule',
  ...Object.keys(unitOfType),
];

/** A type as it is written. */
export function showType(type: TypeExpr): string {
  switch (type.kind) {
    case 'type-name':
      return type.dims ? `${type.name.text}[…]` : type.name.text;
    case 'type-tensor':
      return `a tensor of ${type.dims.length} axes`;
    case 'type-union':
      return type.options.map(showType).join(' or ');
    default:
      return type satisfies never;
  }
}

/** Whether a compile-time value has a type; tensors are judged by `bindShape`. */
export function hasType(value: Value, type: TypeExpr): boolean {
  switch (type.kind) {
    case 'type-union':
      return type.options.some((option) => hasType(value, option));
    case 'type-tensor':
      return (
        value.kind === 'tensor' || value.kind === 'list' || value.kind === 'number' || value.kind === 'host' || value.kind === 'effective'
      );
    case 'type-name': {
      if (type.dims) return value.kind === 'tensor' || value.kind === 'list';
      const name = type.name.text;
      const unit = unitOfType[name];
      if (unit !== undefined) return value.kind === 'number' && value.unit === unit;
      switch (name) {
        case 'Int':
          return value.kind === 'number' && value.unit === undefined && Number.isInteger(value.value);
        case 'Float':
          return (value.kind === 'number' && value.unit === undefined) || value.kind === 'host';
        case 'Bool':
          return value.kind === 'bool';
        case 'String':
        case 'Word':
          return value.kind === 'string';
        case 'Record':
          return value.kind === 'record';
        case 'List':
          return value.kind === 'list';
        case 'none':
          return value.kind === 'none';
        default:
          return value.kind === 'call' && value.type === name;
      }
    }
    default:
      return type satisfies never;
  }
}

/** Checks a value against the type and bounds of a parameter; `evaluate` computes bounds. */
export function checkParam(param: Param, value: Value, span: Span, evaluate: (expr: Param['bounds'][number]['value']) => Value): void {
  if (param.type !== undefined && isPlain(param.type) && !hasType(value, param.type)) {
    const ways = rewritings(param, value);
    const only = ways.length === 1 && ways[0]?.certain === true ? ways[0].text : undefined;
    stop('PEFT0220', span, `${param.name.text} must be ${showType(param.type)}, not ${kindName(value)} ${describe(value)}`, {
      notes: [declared(param)],
      ...(ways.length > 0 ? { help: `write ${ways.map((w) => w.text).join(' or ')}` } : {}),
      ...(only === undefined ? {} : { fix: { title: `write ${only}`, edits: [{ span, text: only }] } }),
    });
  }
  if (value.kind !== 'number') return;
  for (const bound of param.bounds) {
    const limit = evaluate(bound.value);
    if (limit.kind !== 'number') continue;
    const ok =
      bound.op === '>'
        ? value.value > limit.value
        : bound.op === '>='
          ? value.value >= limit.value
          : bound.op === '<'
            ? value.value < limit.value
            : value.value <= limit.value;
    if (!ok) {
      stop('PEFT0221', span, `${param.name.text} must be ${bound.op} ${showNumber(limit)}, not ${showNumber(value)}`, {
        notes: [declared(param)],
      });
    }
  }
}

const declared = (param: Param): Note => ({ message: `${param.name.text} is declared here`, span: param.span });

const isPlain = (type: TypeExpr): boolean =>
  type.kind === 'type-union' ? type.options.every(isPlain) : type.kind === 'type-name' && type.dims === undefined;

/** Ways to write a value so that it has the type of a parameter; `certain` where no other meaning is possible. */
function rewritings(param: Param, value: Value): { readonly text: string; readonly certain: boolean }[] {
  const options = param.type?.kind === 'type-union' ? param.type.options : param.type ? [param.type] : [];
  const names = options.flatMap((o) => (o.kind === 'type-name' ? [o.name.text] : []));
  return names.flatMap((name) => {
    if (name === 'Bool' && value.kind === 'number' && (value.value === 0 || value.value === 1))
      return [{ text: value.value === 1 ? 'true' : 'false', certain: true }];
    if (
      (name === 'Int' || name === 'Float') &&
      value.kind === 'string' &&
      value.value.trim() !== '' &&
      Number.isFinite(Number(value.value)) &&
      (name === 'Float' || Number.isInteger(Number(value.value)))
    )
      return [{ text: value.value.trim(), certain: true }];
    if (value.kind !== 'number') return [];
    const unit = unitOfType[name];
    if (value.unit === 'ratio') return name === 'Float' ? [{ text: String(value.value), certain: true }] : [];
    if (unit === undefined)
      return name === 'Int' && value.unit !== undefined ? [{ text: String(value.value), certain: value.unit === param.name.text }] : [];
    if (value.unit !== undefined) return [];
    if (unit === 'ratio')
      return value.value > 0 && value.value < 1
        ? [{ text: showNumber({ kind: 'number', value: value.value, integer: false, unit: 'ratio' }), certain: true }]
        : [];
    if (unit === 'bytes') return [{ text: `${value.value} GiB`, certain: false }];
    return value.integer ? [{ text: `${value.value} ${unit}`, certain: true }] : [];
  });
}

/** The axes of a tensor type. */
export function dimsOf(type: TypeExpr): readonly Dim[] | undefined {
  if (type.kind === 'type-tensor') return type.dims;
  if (type.kind === 'type-name') return type.dims;
  return undefined;
}

/** Binds the names in a shape to the sizes of a tensor, or checks those already bound. */
export function bindShape(
  e: Elaboration,
  what: string,
  dims: readonly Dim[],
  shape: readonly number[],
  scope: LocalScope,
  evaluate: (expr: Extract<Dim, { kind: 'dim' }>['expr']) => Value,
  span: Span,
): void {
  void e;
  const rest = dims.findIndex((d) => d.kind === 'rest');
  const fixed = dims.length - (rest >= 0 ? 1 : 0);
  if (rest >= 0 ? shape.length < fixed : shape.length !== fixed) {
    stop(
      'PEFT0304',
      span,
      `${what} must have ${rest >= 0 ? 'at least ' : ''}${fixed} axes, not ${shape.length}: its shape is ${showShape(shape)}`,
    );
  }
  dims.forEach((dim, i) => {
    if (dim.kind === 'rest') return;
    const at = rest >= 0 && i > rest ? shape.length - (dims.length - i) : i;
    const size = shape[at] as number;
    if (dim.expr.kind === 'name' && isFree(scope.lookup(dim.expr.name))) {
      scope.define(dim.expr.name, integer(size));
      return;
    }
    const expected = evaluate(dim.expr);
    if (expected.kind !== 'number') {
      stop('PEFT0305', dim.expr.span, `an axis must be a whole number, not ${describe(expected)}`);
    }
    if (expected.value !== size) {
      const name = dim.expr.kind === 'name' ? ` (${dim.expr.name})` : '';
      stop(
        'PEFT0306',
        span,
        `axis ${at} of ${what} is ${size}, but ${(expected as NumberValue).value}${name} is needed: its shape is ${showShape(shape)}`,
      );
    }
  });
}

/** Whether a name in a shape is free to be bound: nobody knows it, or it only names something that can be called. */
const isFree = (value: Value | undefined): boolean =>
  value === undefined || value.kind === 'builtin' || value.kind === 'function' || value.kind === 'definition';

export { unitTypes };
