/**
 * @file Library: which definitions a file sees. Its own, those it imports, and those of the standard library that are visible
 * everywhere (prelude, models, optimisers and schedules, tasks); adapters and formats are imported by name.
 */
import type { Definition, File, Import } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { builtins, constants } from './builtins.js';
import { nearest } from './nearest.js';
import { lazyScope, qualified, type Scope } from './scope.js';
import type { Value } from './value.js';

/** Where source texts come from; the compiler opens no file itself. */
export interface Sources {
  /** The standard library, already parsed, by path without ending: `adapters/lora`. */
  readonly std: ReadonlyMap<string, File>;
  /** The text of a file named by an import, relative to the file that imports it. */
  readonly open: (path: string, from: string) => { readonly file: string; readonly text: string } | undefined;
}

/** Folders of the standard library that every file sees. */
const visible = ['prelude', 'models', 'optim', 'tasks'];

export interface Library {
  /** The scope of a parsed file, with what its imports bring; problems of imports are added to `diagnostics`. */
  readonly scopeOf: (file: File, diagnostics: Diagnostic[]) => Scope;
  /** Every definition of the standard library, with the folder it stands in. */
  readonly definitions: readonly { readonly folder: string; readonly definition: Definition; readonly scope: Scope }[];
}

const folderOf = (path: string): string => path.split('/')[0] as string;

export const definitionsOf = (file: File): Definition[] => file.items.filter((i): i is Definition => i.kind === 'definition');

/** Opens a library over the given sources. */
export function createLibrary(sources: Sources): Library {
  const scopes = new Map<string, Scope>();
  const all = [...sources.std].flatMap(([path, file]) => definitionsOf(file).map((definition) => ({ folder: folderOf(path), path, definition })));
  const seen = all.filter((d) => visible.includes(d.folder));

  const value = (definition: Definition, scope: Scope): Value => ({ kind: 'definition', definition, scope });

  const everywhere: Scope = lazyScope(
    [...Object.keys(builtins), ...constants.keys(), ...seen.flatMap((d) => namesOf(d.definition))],
    (name) => {
      const constant = constants.get(name);
      if (constant !== undefined) return constant;
      const known = named(seen, name, (d) => d.definition);
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
        diagnostics.push({ code: 'PEFT0102', severity: 'error', span: definition.name.span, message: `${definition.name.text} is defined twice`, notes: [{ message: 'first here', span: before.name.span }] });
      }
    }
    const imported = new Map<string, Value>();
    for (const one of file.imports) importInto(imported, one, file, diagnostics, opening);
    const scope: Scope = lazyScope(
      [...own.flatMap(namesOf), ...imported.keys()],
      (name) => {
        const definition = named(own, name, (d) => d);
        return definition ? value(definition, scope) : imported.get(name);
      },
      everywhere,
    );
    return scope;
  }

  function importInto(into: Map<string, Value>, one: Import, file: File, diagnostics: Diagnostic[], opening: readonly string[]): void {
    const problem = (code: string, span: Span, message: string, help?: string): void => {
      diagnostics.push({ code, severity: 'error', span, message, ...(help ? { help } : {}) });
    };
    if (one.from.kind === 'string') {
      if (opening.includes(one.from.value)) return problem('PEFT0103', one.from.span, `${one.from.value} imports itself`);
      const opened = sources.open(one.from.value, file.span.file);
      if (opened === undefined) return problem('PEFT0104', one.from.span, `${one.from.value} could not be read`, 'the path is relative to this file');
      const parsed = parseFile(opened.text, opened.file);
      diagnostics.push(...parsed.diagnostics);
      const scope = scopeOfFile(parsed.value, diagnostics, [...opening, one.from.value]);
      const names = definitionsOf(parsed.value).map((d) => d.name.text);
      for (const { name, as } of one.names) {
        const found = names.includes(name.text) ? scope.lookup(name.text) : undefined;
        if (found?.kind === 'definition') bring(into, as?.text ?? name.text, found.definition, found);
        else problem('PEFT0105', name.span, `${one.from.value} does not define ${name.text}`, suggestion(name.text, names));
      }
      return;
    }
    const [root, folder] = one.from.parts;
    if (root?.text !== 'std') return problem('PEFT0106', root?.span ?? one.span, `${root?.text ?? 'this'} is not a library`, 'write std.… or a quoted path');
    const folders = [...new Set(all.map((d) => d.folder))];
    if (folder === undefined || !folders.includes(folder.text)) {
      return problem('PEFT0107', folder?.span ?? one.span, `std has no ${folder?.text ?? 'such part'}`, folder ? suggestion(folder.text, folders) : `it has ${folders.join(', ')}`);
    }
    const inside = all.filter((d) => d.folder === folder.text);
    const names = inside.map((d) => d.definition.name.text);
    for (const { name, as } of one.names) {
      const found = named(inside, name.text, (d) => d.definition);
      if (found) bring(into, as?.text ?? name.text, found.definition, value(found.definition, stdScope(found.path)));
      else problem('PEFT0105', name.span, `std.${folder.text} does not define ${name.text}`, suggestion(name.text, names));
    }
  }

  return {
    scopeOf: (file, diagnostics) => scopeOfFile(file, diagnostics),
    get definitions() {
      return all.map((d) => ({ folder: d.folder, definition: d.definition, scope: stdScope(d.path) }));
    },
  };
}

const namesOf = (d: Definition): string[] => [d.name.text, qualified(d.what, d.name.text)];

/** Under a plain name functions and modules come first: they are what expressions call. */
function named<T>(list: readonly T[], name: string, of: (one: T) => Definition): T | undefined {
  const same = list.filter((one) => namesOf(of(one)).includes(name));
  return same.find((one) => of(one).what === 'def' || of(one).what === 'module') ?? same[0];
}

function bring(into: Map<string, Value>, name: string, definition: Definition, value: Value): void {
  into.set(name, value);
  into.set(qualified(definition.what, name), value);
}

function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near ? `did you mean ${near}?` : `it has ${names.join(', ')}`;
}
