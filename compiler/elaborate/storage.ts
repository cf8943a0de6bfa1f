/**
 * @file Tensors that definitions declare: shape, names in files, and how they get their first value.
 */
import type { Expr, Member } from '../../grammar/ast.js';
import type { Init } from '../plan/program.js';
import { tooMany, unknownArgument } from './arguments.js';
import type { Elaboration } from './elaboration.js';
import { evaluate, evaluateArguments } from './evaluate.js';
import type { StorageInit, StorageInstance } from './instance.js';
import { suggest } from './nearest.js';
import type { Scope } from './scope.js';
import { stop } from './stop.js';
import { describe } from './value.js';

/** A declaration of a tensor. */
export type Storage = Extract<Member, { kind: 'storage' }>;

/** Whether the condition of a member holds. */
export function holds(e: Elaboration, expr: Expr, scope: Scope): boolean {
  const value = evaluate(e, expr, scope);
  return value.kind === 'bool' ? value.value : stop('PEFT0214', expr.span, `a condition must be true or false, not ${describe(value)}`);
}

/** The shape a declaration gives, every axis known. */
export function shapeOfStorage(
  e: Elaboration,
  m: Storage,
  scope: Scope,
): { readonly shape: readonly number[]; readonly dtype: 'f32' | 'i32' } {
  const dims = m.type?.kind === 'type-tensor' || (m.type?.kind === 'type-name' && m.type.name.text === 'Int') ? m.type.dims : undefined;
  if (dims === undefined)
    return stop('PEFT0232', m.span, `${m.name.text} needs a shape`, { help: `write ${m.name.text}: [rows, columns]` });
  const shape = dims.map((dim) => {
    if (dim.kind === 'rest') return stop('PEFT0232', dim.span, 'the shape of a stored tensor must be complete');
    const size = evaluate(e, dim.expr, scope);
    if (size.kind !== 'number' || !Number.isInteger(size.value) || size.value < 1)
      return stop('PEFT0305', dim.expr.span, `an axis must be a whole number of at least 1, not ${describe(size)}`);
    return size.value;
  });
  return { shape, dtype: m.type?.kind === 'type-name' ? 'i32' : 'f32' };
}

/** Names of a tensor in its file, below a path. */
export const keysOf = (m: Storage, path: string): readonly string[] =>
  (m.foreign.length > 0 ? m.foreign.map((f) => f.value) : [m.name.text]).map((key) => (path === '' ? key : `${path}.${key}`));

/** A tensor of a module: drawn, or read from the checkpoint. */
export function storageOf(e: Elaboration, m: Storage, scope: Scope, path: string): StorageInstance {
  const { shape, dtype } = shapeOfStorage(e, m, scope);
  const init = initOf(e, m, shape, scope);
  if (init.kind === 'expression' || init.kind === 'host') return notADistribution(m.init as Expr);
  return { name: m.name.text, shape, dtype, keys: keysOf(m, path), init, doc: m.doc, span: m.span };
}

function notADistribution(expr: Expr): never {
  const names = Object.keys(distributions).filter((name) => (distributions[name] as Distribution).host !== true);
  if (expr.kind === 'call' && expr.callee.kind === 'name')
    return stop(
      'PEFT0233',
      expr.callee.span,
      `${expr.callee.name} is not a distribution`,
      suggest(expr.callee.name, expr.callee.span, names, 'distributions are'),
    );
  return stop('PEFT0233', expr.span, 'an initial value is a distribution', { help: `one of ${names.join(', ')}` });
}

interface Distribution {
  readonly params: readonly string[];
  /** Made by the host when the run begins, from the base weight of the site or from nothing. */
  readonly host?: boolean;
  readonly make: (args: ReadonlyMap<string, number>, shape: readonly number[]) => Init;
}

/** A function of the host's table of initial values; `matrix` where it is made from the base weight of the site. */
const host = (name: string, params: readonly string[], matrix = false): Distribution => ({
  params,
  host: true,
  make: (args) => ({
    kind: 'host',
    function: name,
    args: Object.fromEntries(params.map((p) => [p, args.get(p) ?? 0])),
    ...(matrix ? { of: { tensor: '', transposed: false } } : {}),
  }),
});

/** Distributions a new tensor may be drawn from, and values that the host makes. The fan-in is the last axis. */
export const distributions: Readonly<Record<string, Distribution>> = {
  zeros: { params: [], make: () => ({ kind: 'constant', value: 0 }) },
  ones: { params: [], make: () => ({ kind: 'constant', value: 1 }) },
  constant: { params: ['value'], make: (a) => ({ kind: 'constant', value: a.get('value') ?? 0 }) },
  normal: { params: ['std', 'mean'], make: (a) => ({ kind: 'normal', mean: a.get('mean') ?? 0, std: a.get('std') ?? 1 }) },
  uniform: { params: ['low', 'high'], make: (a) => ({ kind: 'uniform', low: a.get('low') ?? 0, high: a.get('high') ?? 1 }) },
  kaiming_uniform: {
    params: [],
    make: (_a, shape) => {
      const bound = 1 / Math.sqrt(shape[shape.length - 1] as number);
      return { kind: 'uniform', low: -bound, high: bound };
    },
  },
  randperm: host('randperm', ['count', 'seed']),
  drawn_cells: host('drawn_cells', ['rows', 'columns', 'seed']),
  random_cells: host('random_cells', ['rows', 'columns', 'seed']),
  cell_order: host('cell_order', ['rows', 'columns', 'seed']),
  svd_left: host('svd_left', ['rank', 'scale'], true),
  svd_right: host('svd_right', ['rank', 'scale'], true),
  qr_left: host('qr_left', ['rank'], true),
  qr_right: host('qr_right', ['rank'], true),
  orthogonal_left: host('orthogonal_left', ['seed']),
  orthogonal_right: host('orthogonal_right', ['seed']),
  torch_uniform: host('torch_uniform', ['seed', 'skip', 'low', 'high']),
  torch_kaiming_uniform: host('torch_kaiming_uniform', ['seed', 'skip']),
  torch_basis: host('torch_basis', ['seed', 'skip']),
  torch_ternary_basis: host('torch_ternary_basis', ['seed', 'skip', 'sparsity']),
};

/** How a tensor gets its first value: a distribution, a function of the host, or any expression over what is in scope. */
export function initOf(e: Elaboration, m: Storage, shape: readonly number[], scope: Scope): StorageInit {
  if (m.init === undefined) return { kind: 'constant', value: 0 };
  if (m.init.kind === 'if') return initOf(e, { ...m, init: holds(e, m.init.condition, scope) ? m.init.then : m.init.else }, shape, scope);
  const name = m.init.kind === 'call' && m.init.callee.kind === 'name' ? m.init.callee.name : undefined;
  const distribution = name === undefined || !Object.hasOwn(distributions, name) ? undefined : distributions[name];
  if (distribution === undefined || m.init.kind !== 'call' || name === undefined) {
    if (name !== undefined && scope.lookup(name) === undefined) return notADistribution(m.init);
    return { kind: 'expression', expr: m.init };
  }
  const args = new Map<string, number>();
  evaluateArguments(e, m.init.args, scope).forEach((arg, i) => {
    const key = arg.name ?? distribution.params[i];
    if (key === undefined) tooMany(name, arg.span, distribution.params, i + 1);
    if (!distribution.params.includes(key as string)) unknownArgument(name, arg, distribution.params);
    if (arg.value.kind !== 'number') stop('PEFT0205', arg.span, `a number is needed here, not ${describe(arg.value)}`);
    else args.set(key as string, arg.value.value);
  });
  const missing = distribution.host === true ? distribution.params.find((p) => !args.has(p)) : undefined;
  if (missing !== undefined) return stop('PEFT0226', m.init.span, `${name} needs ${missing}`, { help: `write ${missing}: …` });
  return distribution.make(args, shape);
}
