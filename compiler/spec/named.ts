/**
 * @file Definitions that an experiment names: models, tasks, methods, optimisers, schedules. What is not found is answered by
 * the nearest name, by the import that is missing, or by what the name is instead.
 */
import type { Definition, DefinitionKind, Expr, File } from '../../grammar/ast.js';
import type { Diagnostic, Fix, Span } from '../../grammar/diagnostics.js';
import { definitionKinds } from '../../grammar/ast.js';
import type { Elaboration } from '../elaborate/elaboration.js';
import { bindArguments, evaluateArguments } from '../elaborate/evaluate.js';
import type { BoundDefinition } from '../elaborate/instance.js';
import type { Library } from '../elaborate/library.js';
import { mostListed, nearest } from '../elaborate/nearest.js';
import { qualified, type Scope } from '../elaborate/scope.js';
import { stop } from '../elaborate/stop.js';

/** Where names are looked up. */
export interface Names {
  readonly e: Elaboration;
  readonly file: File;
  readonly scope: Scope;
  readonly library: Library;
}

/** What a definition of each kind is called in an experiment. */
const words: Partial<Record<DefinitionKind, string>> = { adapter: 'method', optimizer: 'optimiser' };
const wordOf = (what: DefinitionKind): string => words[what] ?? what;
const withArticle = (word: string): string => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;

/** Names of a kind that a file sees, then those it could import. */
export function namesOf(c: Names, what: DefinitionKind): string[] {
  const prefix = qualified(what, '');
  const visible = c.scope.names().flatMap((n) => (n.startsWith(prefix) ? [n.slice(prefix.length)] : []));
  return [...new Set([...visible, ...c.library.definitions.flatMap((d) => (d.definition.what === what ? [d.definition.name.text] : []))])];
}

/** Names of a kind, as help: all of them, or where they are many those that the file sees and the first of the others. */
export function listOf(c: Names, what: DefinitionKind): string {
  const names = namesOf(c, what);
  if (names.length <= mostListed) return `${wordOf(what)}s are ${names.join(', ')}`;
  const seen = names.filter((n) => what !== 'model' && c.scope.lookup(qualified(what, n)) !== undefined);
  const shown = [...seen, ...names.filter((n) => !seen.includes(n)).sort()].slice(0, mostListed / 2);
  return `${wordOf(what)}s are ${shown.join(', ')} and others`;
}

/** A definition of one kind by its name. */
export function findNamed(
  c: Names,
  what: DefinitionKind,
  name: string,
  span: Span,
): { readonly definition: Definition; readonly scope: Scope } {
  const found = c.scope.lookup(qualified(what, name));
  if (found?.kind === 'definition') return found;
  const code = what === 'model' ? 'PEFT0117' : 'PEFT0119';
  const importable = c.library.definitions.find((d) => d.definition.what === what && d.definition.name.text === name);
  if (importable !== undefined) return stop(code, span, `${name} is not imported`, importOf(c.file, importable.folder, name));
  const other = definitionKinds.find((kind) => kind !== what && c.scope.lookup(qualified(kind, name)) !== undefined);
  const names = namesOf(c, what);
  const seen = names.filter((n) => c.scope.lookup(qualified(what, n)) !== undefined);
  const near = nearest(name, seen) ?? nearest(name, names);
  const list = names.length === 0 ? {} : { help: listOf(c, what) };
  if (other !== undefined) return stop(code, span, `${name} is ${withArticle(wordOf(other))}, not ${withArticle(wordOf(what))}`, list);
  if (near === undefined) return stop(code, span, `there is no ${wordOf(what)} ${name}`, list);
  const hidden =
    c.scope.lookup(qualified(what, near)) === undefined
      ? c.library.definitions.find((d) => d.definition.what === what && d.definition.name.text === near)
      : undefined;
  const missing = hidden === undefined ? undefined : importOf(c.file, hidden.folder, near);
  const edits = [{ span, text: near }, ...(missing?.fix?.edits ?? [])];
  return stop(code, span, `there is no ${wordOf(what)} ${name}`, {
    help: `did you mean ${near}?${missing === undefined ? '' : ` it needs import std.${(hidden as { folder: string }).folder}.${near}`}`,
    ...(missing !== undefined && missing.fix === undefined ? {} : { fix: { title: `write ${near}`, edits } }),
  });
}

/** The import line that is missing, and the edit that adds it after the last one. */
function importOf(file: File, folder: string, name: string): Pick<Diagnostic, 'help' | 'fix'> {
  const line = `import std.${folder}.${name}`;
  const last = file.imports.at(-1);
  const at = last?.span.end ?? (file.trivia === undefined ? 0 : undefined);
  if (at === undefined) return { help: `write ${line} at the top of the file` };
  const fix: Fix = {
    title: `add ${line}`,
    edits: [{ span: { file: file.span.file, start: at, end: at }, text: last === undefined ? `${line}\n\n` : `\n${line}` }],
  };
  return { help: `write ${line} at the top of the file`, fix };
}

/** A definition that an expression calls, with its arguments: `name(lr: 1e-3)`, or its name alone. */
export function bindNamed(c: Names, what: DefinitionKind, expr: Expr): BoundDefinition {
  const callee = expr.kind === 'call' ? expr.callee : expr;
  if (callee.kind !== 'name')
    return stop('PEFT0120', expr.span, `${withArticle(wordOf(what))} is a name with its parameters`, { help: listOf(c, what) });
  const found = findNamed(c, what, callee.name, callee.span);
  return bindArguments(
    c.e,
    found.definition,
    found.scope,
    expr.kind === 'call' ? evaluateArguments(c.e, expr.args, c.scope) : [],
    expr.span,
  );
}
