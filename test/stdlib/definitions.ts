/**
 * @file The definitions of the standard library, found in its files.
 */
import type { Definition, DefinitionKind } from '../../grammar/ast.js';
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { std } from '../spec/world.js';

/** A definition and the path of its file, without ending. */
export interface Found {
  readonly path: string;
  readonly definition: Definition;
  /** For the titles of tests. */
  readonly name: string;
}

/** Every definition of the standard library, or those of one kind. */
export const found = (what?: DefinitionKind): Found[] =>
  [...std].flatMap(([path, file]) =>
    definitionsOf(file)
      .filter((d) => what === undefined || d.what === what)
      .map((definition) => ({ path, definition, name: `${definition.what} ${definition.name.text}` })),
  );

/** The two sides of each `example: A == B` in a doc comment. */
export const examplesOf = (d: Definition): string[] =>
  d.doc.split('\n').flatMap((line) => /^\s*example:\s*(.+)$/.exec(line)?.slice(1) ?? []);
