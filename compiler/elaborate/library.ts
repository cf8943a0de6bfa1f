/**
 * @file Library: which definitions a file sees. Its own, those it imports, and those of the standard library that are visible
 * everywhere (prelude, models, optimisers and schedules, tasks); adapters and formats are imported by name.
 */
import type { Definition, File, Import, Name } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { builtins, constants } from './builtins.js';
import { nearest, suggest } from './nearest.js';
import { lazyScope, qualified, type Scope } from './scope.js';
import type { Value } from './value.js';

/** Where source texts come from; the compiler opens no file itself. */
export interface Sources {
  /** The standard library, already parsed, by path without ending: `tasks/tasks`. */
  readonly std: ReadonlyMap<string, File>;
  /** The text of a file named by an import, relative to the file that imports it. */
  readonly open: (path: string, from: string) => { readonly file: string; readonly text: string } | undefined;
  /** The path that a misspelt one may have meant. */
  readonly near?: (path: string, from: string) => string | undefined;
}

/** Folders of the standard library that every file sees. */
const visible = ['prelude', 'models', 'optim', 'tasks'];

/** What a file can see. */
export interface Library {
  /** The scope of a parsed file, with what its imports bring; problems of imports are added to `diagnostics`. */
  readonly scopeOf: (file: File, diagnostics: Diagnostic[]) => Scope;
  /** Every definition of the standard library, with the folder it stands in. */
  readonly definitions: readonly { readonly folder: string; readonly definition: Definition; readonly scope: Scope }[];
}

const folderOf = (path: string): string => path.split('/')[0] as string;

/** The definitions of a file. */
export const definitionsOf = (file: File): Definition[] => file.items.filter((i): i is Definition => i.kind === 'definition');

/** Opens a library over the given sources. */
export function createLibrary(sources: Sources): Library {
  const scopes = new Map<string, Scope>();
  const files = new WeakMap<File, { readonly scope: Scope; readonly diagnostics: readonly Diagnostic[] }>();
  const all = [...sources.std].flatMap(([path, file]) =>
    definitionsOf(file).map((definition) => ({ folder: folderOf(path), path, definition })),
  );
  const seen = all.filter((d) => visible.includes(d.folder));

  const value = (definition: Definition, scope: Scope): Value => ({ kind: 'definition', definition, scope });

  const everywhereNames = byName(seen, (d) => d.definition);
  const everywhere: Scope = lazyScope(
    [...Object.keys(builtins), ...constants.keys(), ...everywhereNames.keys()],
    (name) => {
      const constant = constants.get(name);
      if (constant !== undefined) return constant;
      const known = everywhereNames.get(name);
      if (known !== undefined) return value(known.definition, stdScope(known.path));
      return name in builtins ? { kind: 'builtin', name } : undefined;
    },
    { lookup: () => undefined, names: () => [] },
  );

  function stdScope(path: string): Scope {
    const known = scopes.get(path);
    if (known !== undefined) return known;
    const file = sources.std.get(path) as File;
    const made = scopeOfFile(file, []);
    scopes.set(path, made);
    return made;
  }

  function scopeOfFile(file: File, diagnostics: Diagnostic[], opening: readonly string[] = []): Scope {
    const own = definitionsOf(file);
    for (const definition of own) {
      const before = own.find((d) => d.what === definition.what && d.name.text === definition.name.text);
      if (before !== definition && before !== undefined) {
        diagnostics.push({
          code: 'PEFT0102',
          severity: 'error',
          span: definition.name.span,
          message: `${definition.name.text} is defined twice`,
          notes: [{ message: 'first here', span: before.name.span }],
        });
      }
    }
    const imported = new Map<string, Value>();
    for (const one of file.imports) importInto(imported, one, file, diagnostics, opening);
    const ownNames = byName(own, (d) => d);
    const scope: Scope = lazyScope(
      [...ownNames.keys(), ...imported.keys()],
      (name) => {
        const definition = ownNames.get(name);
        return definition ? value(definition, scope) : imported.get(name);
      },
      everywhere,
    );
    return scope;
  }

  function importInto(into: Map<string, Value>, one: Import, file: File, diagnostics: Diagnostic[], opening: readonly string[]): void {
    const problem = (code: string, span: Span, message: string, more: Pick<Diagnostic, 'help' | 'fix'> = {}): void => {
      diagnostics.push({ code, severity: 'error', span, message, ...more });
    };
    /** Says which name was meant, one that the file uses before others, and goes on as if it were written. */
    const misspelt = (
      from: string,
      name: Name,
      as: Name | undefined,
      list: string,
      names: readonly string[],
      lookup: (name: string) => Value | undefined,
    ): void => {
      const used = namesUsed(file);
      const likely = names.filter((n) => used.has(n));
      const said = suggest(name.text, name.span, nearest(name.text, likely) === undefined ? names : likely, list);
      problem('PEFT0105', name.span, `${from} does not define ${name.text}`, said);
      const meant = said.fix?.edits[0]?.text ?? '';
      const found = lookup(meant);
      if (found?.kind === 'definition') bring(into, as?.text ?? meant, found.definition, found);
    };
    if (one.from.kind === 'string') {
      if (opening.includes(one.from.value)) return problem('PEFT0103', one.from.span, `${one.from.value} imports itself`);
      const opened = sources.open(one.from.value, file.span.file);
      if (opened === undefined) {
        const near = sources.near?.(one.from.value, file.span.file);
        const text = JSON.stringify(near);
        return problem(
          'PEFT0104',
          one.from.span,
          `${one.from.value} could not be read`,
          near === undefined
            ? { help: 'the path is relative to this file' }
            : { help: `did you mean ${text}?`, fix: { title: `write ${text}`, edits: [{ span: one.from.span, text }] } },
        );
      }
      const parsed = parseFile(opened.text, opened.file);
      diagnostics.push(...parsed.diagnostics);
      const scope = scopeOfFile(parsed.value, diagnostics, [...opening, one.from.value]);
      const names = definitionsOf(parsed.value).map((d) => d.name.text);
      for (const { name, as } of one.names) {
        const lookup = (wanted: string): Value | undefined => (names.includes(wanted) ? scope.lookup(wanted) : undefined);
        const found = lookup(name.text);
        if (found?.kind === 'definition') bring(into, as?.text ?? name.text, found.definition, found);
        else if (!broken(parsed.diagnostics)) misspelt(one.from.value, name, as, 'it defines', names, lookup);
      }
      return;
    }
    const [root, part] = one.from.parts;
    if (root?.text !== 'std') {
      const said = suggest(root?.text ?? '', root?.span ?? one.span, ['std'], 'write a quoted path or');
      problem('PEFT0106', root?.span ?? one.span, `${root?.text ?? 'this'} is not a library`, said);
      if (said.fix === undefined) return;
    }
    const folders = [...new Set(all.map((d) => d.folder))];
    let folder = part?.text ?? '';
    if (!folders.includes(folder)) {
      const said = suggest(folder, part?.span ?? one.span, folders, 'it has');
      problem('PEFT0107', part?.span ?? one.span, `std has no ${part?.text ?? 'such part'}`, said);
      if (said.fix === undefined) return;
      folder = said.fix.edits[0]?.text ?? folder;
    }
    const inside = all.filter((d) => d.folder === folder);
    const names = inside.map((d) => d.definition.name.text);
    const insideNames = byName(inside, (d) => d.definition);
    for (const { name, as } of one.names) {
      const lookup = (wanted: string): Value | undefined => {
        const found = insideNames.get(wanted);
        return found && value(found.definition, stdScope(found.path));
      };
      const found = lookup(name.text);
      if (found?.kind === 'definition') bring(into, as?.text ?? name.text, found.definition, found);
      else misspelt(`std.${folder}`, name, as, 'it has', names, lookup);
    }
  }

  const definitions = all.map((d) => ({ folder: d.folder, definition: d.definition, scope: deferred(() => stdScope(d.path)) }));
  return {
    scopeOf: (file, diagnostics) => {
      let known = files.get(file);
      if (known === undefined) {
        const found: Diagnostic[] = [];
        files.set(file, (known = { scope: scopeOfFile(file, found), diagnostics: found }));
      }
      diagnostics.push(...known.diagnostics);
      return known.scope;
    },
    definitions,
  };
}

/** A scope that is made when it is first asked. */
function deferred(make: () => Scope): Scope {
  let made: Scope | undefined;
  const scope = (): Scope => (made ??= make());
  return { lookup: (name) => scope().lookup(name), names: () => scope().names() };
}

/** Every name that a file looks up. */
function namesUsed(file: File): ReadonlySet<string> {
  const used = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === 'object' && node !== null) {
      if ('kind' in node && node.kind === 'name' && 'name' in node) used.add(String(node.name));
      else Object.values(node).forEach(visit);
    }
  };
  visit(file.items);
  return used;
}

const broken = (diagnostics: readonly Diagnostic[]): boolean => diagnostics.some((d) => d.severity === 'error');

const namesOf = (d: Definition): string[] => [d.name.text, qualified(d.what, d.name.text)];

/** Definitions by their names, plain and qualified. Under a plain name functions and modules come first: they are what expressions call. */
function byName<T>(list: readonly T[], of: (one: T) => Definition): Map<string, T> {
  const found = new Map<string, T>();
  const called = (d: Definition): boolean => d.what === 'def' || d.what === 'module';
  for (const one of list) {
    const definition = of(one);
    for (const name of namesOf(definition)) {
      const before = found.get(name);
      if (before === undefined || (!called(of(before)) && called(definition))) found.set(name, one);
    }
  }
  return found;
}

function bring(into: Map<string, Value>, name: string, definition: Definition, value: Value): void {
  into.set(name, value);
  into.set(qualified(definition.what, name), value);
}
