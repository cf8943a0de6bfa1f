/**
 * @file Sources: the calls by which an experiment names its base and its tables: `hub("owner/name", revision: "…")`,
 * `local("models/x")`, `scratch("models/x")`, `tsv("train.tsv", take: 1000)`.
 */
import type { Expr } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import type { Elaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import { suggest } from '../elaborate/nearest.js';
import type { Scope } from '../elaborate/scope.js';
import { stop } from '../elaborate/stop.js';
import { describe, type Value } from '../elaborate/value.js';
import type { Fact } from './facts.js';
import type { BaseSource, TableSource } from './spec.js';

type Kind = 'string' | 'count' | 'bool';
const bases: Readonly<Record<BaseSource['kind'], Readonly<Record<string, Kind>>>> = { local: {}, scratch: {}, hub: { revision: 'string' } };
const tables: Readonly<Record<TableSource['format'], Readonly<Record<string, Kind>>>> = {
  tsv: { take: 'count', header: 'bool' },
  csv: { take: 'count', header: 'bool' },
  jsonl: { take: 'count' },
  parquet: { take: 'count' },
};

/** The string that names the file or folder of a source. */
export function pathOf(expr: Expr): Extract<Expr, { kind: 'string' }> | undefined {
  const path = expr.kind === 'call' ? expr.args.find((a) => a.name === undefined)?.value : expr;
  return path?.kind === 'string' ? path : undefined;
}

/** What is said about a source that cannot be read, at its path: the one that may have been meant, or what helps. */
export function unreadable(
  expr: Expr,
  { message, help, near }: Extract<Fact<unknown>, { ok: false }>,
): Pick<Diagnostic, 'span' | 'message' | 'help' | 'fix'> {
  const span = pathOf(expr)?.span ?? expr.span;
  if (near === undefined) return { span, message, ...(help === undefined ? {} : { help }) };
  const text = JSON.stringify(near);
  return { span, message, help: `did you mean ${text}?`, fix: { title: `write ${text}`, edits: [{ span, text }] } };
}

/** The source of a base; a plain string is a local folder. */
export function baseSource(e: Elaboration, expr: Expr, scope: Scope): BaseSource {
  if (expr.kind === 'string') return { kind: 'local', path: expr.value };
  const { name, path, options } = sourceCall(e, expr, scope, bases, 'a base is a folder, local("…"), hub("…") or scratch("…")');
  switch (name) {
    case 'hub':
      return { kind: 'hub', repo: path, revision: (options.get('revision') as string | undefined) ?? null };
    case 'local':
    case 'scratch':
      return { kind: name, path };
    default:
      return name satisfies never;
  }
}

/** The source of a table. */
export function tableSource(e: Elaboration, expr: Expr, scope: Scope): TableSource {
  const { name, path, options } = sourceCall(e, expr, scope, tables, 'a table is tsv("…"), csv("…"), jsonl("…") or parquet("…")');
  return {
    format: name,
    path,
    take: (options.get('take') as number | undefined) ?? null,
    header: (options.get('header') as boolean | undefined) ?? true,
  };
}

function sourceCall<K extends string>(
  e: Elaboration,
  expr: Expr,
  scope: Scope,
  kinds: Readonly<Record<K, Readonly<Record<string, Kind>>>>,
  what: string,
): { name: K; path: string; options: Map<string, string | number | boolean> } {
  if (expr.kind !== 'call' || expr.callee.kind !== 'name') return stop('PEFT0110', expr.span, what);
  const name = expr.callee.name;
  if (!Object.hasOwn(kinds, name)) {
    // `ksv("a.tsv")` is near to two of them.
    const ending = pathOf(expr)?.value.split('.').at(-1);
    const names = Object.keys(kinds).sort((a, b) => Number(b === ending) - Number(a === ending));
    return stop('PEFT0110', expr.callee.span, `${name} is not a source: ${what}`, suggestOnly(name, expr.callee.span, names));
  }
  const allowed = kinds[name as K];
  const options = new Map<string, string | number | boolean>();
  let path: string | undefined;
  for (const arg of expr.args) {
    const value = evaluate(e, arg.value, scope);
    if (arg.name === undefined && path === undefined) {
      path = value.kind === 'string' ? value.value : stop('PEFT0220', arg.value.span, `the path must be String, not ${describe(value)}`);
      continue;
    }
    const key = arg.name?.text;
    const kind = key === undefined ? undefined : allowed[key];
    if (key === undefined || kind === undefined) {
      const names = Object.keys(allowed);
      const at = arg.name?.span ?? arg.value.span;
      return stop(
        'PEFT0224',
        at,
        `${name} has no parameter ${key ?? describe(value)}`,
        key === undefined || names.length === 0
          ? { help: names.length === 0 ? 'it has only a path' : `it has ${names.join(', ')}` }
          : suggest(key, at, names, 'it has'),
      );
    }
    if (options.has(key)) return stop('PEFT0225', arg.name?.span ?? arg.value.span, `${key} is given twice`);
    options.set(key, option(kind, key, value, arg.value.span));
  }
  if (path === undefined) return stop('PEFT0226', expr.span, `${name} needs a path`);
  return { name: name as K, path, options };
}

/** The nearest choice, where there is one: the message has them all. */
const suggestOnly = (word: string, span: Expr['span'], choices: readonly string[]): ReturnType<typeof suggest> =>
  (({ help, fix }) => (fix && help ? { help, fix } : {}))(suggest(word, span, choices, ''));

function option(kind: Kind, key: string, value: Value, span: Expr['span']): string | number | boolean {
  switch (kind) {
    case 'string':
      return value.kind === 'string' ? value.value : stop('PEFT0220', span, `${key} must be String, not ${describe(value)}`);
    case 'bool':
      return value.kind === 'bool' ? value.value : stop('PEFT0220', span, `${key} must be Bool, not ${describe(value)}`);
    case 'count':
      return value.kind === 'number' && value.integer && value.unit === undefined && value.value >= 1
        ? value.value
        : stop('PEFT0220', span, `${key} must be Int >= 1, not ${describe(value)}`);
    default:
      return kind satisfies never;
  }
}
