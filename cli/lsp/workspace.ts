/**
 * @file The workspace: open buffers before files on disk, and the library that experiments are checked against. Imports of files read
 * the open buffers too, so that an error in one file shows while another is being edited.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Definition } from '../../grammar/ast.js';
import { createLibrary, type Library } from '../../compiler/elaborate/library.js';
import type { Scope } from '../../compiler/elaborate/scope.js';
import { nearPath } from '../near-path.js';
import { readSources } from '../source.js';
import { loadStdlib } from '../stdlib.js';
import type { Io } from '../io.js';
import { fileOf, pathOf, uriOf } from './addresses.js';
import { createDocument, type Document } from './document.js';

/** What handlers see of the editor's files. */
export interface Workspace {
  readonly library: Library;
  /** The present text of a file that is open. */
  readonly opened: (uri: string) => Document | undefined;
  /** A text that was opened or changed. */
  readonly put: (uri: string, text: string) => Document;
  readonly close: (uri: string) => void;
  /** Every open document. */
  readonly all: () => readonly Document[];
  /** A file by its name in spans, open or on disk; undefined where it cannot be read. */
  readonly read: (file: string) => Document | undefined;
  /** Every `.peft` file below the editor's folders, and those that are open. */
  readonly everywhere: () => Promise<readonly Document[]>;
  /** What a file sees; problems of its imports are told by the check. */
  readonly scopeOf: (document: Document) => Scope;
  /** Files that a file imports, directly or by way of others. */
  readonly importsOf: (document: Document) => ReadonlySet<string>;
  /** The folder that relative paths in a file start from. */
  readonly folderOf: (document: Document) => string;
}

/** Opens a workspace over the folders of the editor. */
export async function openWorkspace(folders: readonly string[], io: Io): Promise<Workspace> {
  const open = new Map<string, Document>();
  const onDisk = new Map<string, { readonly stamp: string; readonly document: Document }>();

  const read = (file: string): Document | undefined => {
    const buffer = open.get(file);
    if (buffer !== undefined) return buffer;
    const path = pathOf(file);
    const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || found?.isFile() !== true) return undefined;
    const stamp = `${found.mtimeMs} ${found.size}`;
    const known = onDisk.get(file);
    if (known?.stamp === stamp) return known.document;
    const document = createDocument(file, uriOf(file), readFileSync(path, 'utf8'));
    onDisk.set(file, { stamp, document });
    return document;
  };

  const pathFrom = (from: string): string => pathOf(from) ?? resolve(io.cwd, 'unsaved.peft');
  const library = createLibrary({
    std: await loadStdlib(),
    open: (path, from) => {
      const file = resolve(dirname(pathFrom(from)), path);
      const document = read(file);
      return document === undefined ? undefined : { file, text: document.text };
    },
    near: (path, from) => nearPath(path, dirname(pathFrom(from))),
  });

  const importsOf = (document: Document): ReadonlySet<string> => {
    const found = new Set<string>();
    const visit = (from: Document): void => {
      for (const { from: source } of from.ast.imports) {
        if (source.kind !== 'string') continue;
        const file = resolve(dirname(pathFrom(from.file)), source.value);
        if (found.has(file)) continue;
        found.add(file);
        const next = read(file);
        if (next !== undefined) visit(next);
      }
    };
    visit(document);
    return found;
  };

  /** A library remembers what a parsed file sees, so a file whose imports changed is parsed anew. */
  const refresh = (changed: string): void => {
    for (const [file, document] of open)
      if (file !== changed && importsOf(document).has(changed)) open.set(file, createDocument(file, document.uri, document.text));
    for (const [file, { document }] of onDisk) if (importsOf(document).has(changed)) onDisk.delete(file);
  };

  return {
    library,
    opened: (uri) => open.get(fileOf(uri)),
    put: (uri, text) => {
      const file = fileOf(uri);
      const document = createDocument(file, uri, text);
      open.set(file, document);
      refresh(file);
      return document;
    },
    close: (uri) => {
      const file = fileOf(uri);
      open.delete(file);
      refresh(file);
    },
    all: () => [...open.values()],
    read,
    everywhere: async () => {
      const files = new Map(open);
      for (const folder of folders) {
        const sources = await readSources([folder], io).catch(() => []);
        for (const { path } of sources) {
          const file = path === undefined ? undefined : fileOf(uriOf(path));
          const document = file === undefined || files.has(file) ? undefined : read(file);
          if (document !== undefined) files.set(document.file, document);
        }
      }
      return [...files.values()];
    },
    scopeOf: (document) => library.scopeOf(document.ast, []),
    importsOf,
    folderOf: (document) => dirname(pathFrom(document.file)),
  };
}

/** A definition of the standard library that says which fields a section has. */
export function sectionOf(library: Library, name: string): Definition | undefined {
  return library.definitions.find((d) => d.folder === 'experiment' && d.definition.name.text === name)?.definition;
}
