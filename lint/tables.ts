/**
 * @file Tables of an experiment: what was read of them, and the paths that an experiment names.
 */
import type { Span } from '../grammar/diagnostics.js';
import type { TableSource } from '../compiler/spec/spec.js';
import type { TableFacts } from './data-facts.js';
import { placeOf } from './places.js';
import type { ExperimentContext } from './rule.js';

/** A table that an experiment names. */
export interface NamedTable {
  readonly field: 'train' | 'eval';
  readonly source: TableSource;
  readonly span: Span;
}

/** The tables that an experiment names. */
export function namedTables(c: ExperimentContext): readonly NamedTable[] {
  const { train, eval: evaluation } = c.resolved.spec.data;
  return [
    { field: 'train', source: train, span: placeOf(c, 'data.train') },
    ...(evaluation === null ? [] : [{ field: 'eval', source: evaluation, span: placeOf(c, 'data.eval') } as const]),
  ];
}

/** Those that were read, with what they say. */
export function readTables(c: ExperimentContext): readonly (NamedTable & { readonly facts: TableFacts })[] {
  return namedTables(c).flatMap((table) => {
    const facts = c.data?.[table.field];
    return facts === undefined ? [] : [{ ...table, facts }];
  });
}

/** Every path that an experiment names: folder of the base, and tables. */
export function pathsOf(c: ExperimentContext): readonly { readonly path: string; readonly span: Span }[] {
  const { source } = c.resolved.spec.base;
  return [
    ...(source.kind === 'hub' ? [] : [{ path: source.path, span: placeOf(c, 'base.source') }]),
    ...namedTables(c).map((t) => ({ path: t.source.path, span: t.span })),
  ];
}

/** Whether two paths are written the same, a leading `./` aside. */
export const samePath = (a: string, b: string): boolean => a.replace(/^(\.\/)+/, '') === b.replace(/^(\.\/)+/, '');
