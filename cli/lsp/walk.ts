/**
 * @file What the walks over files and definitions share while they collect occurrences.
 */
import type { Argument, Definition, DefinitionKind, Expr } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { Scope } from '../../compiler/elaborate/scope.js';
import type { Document } from './document.js';
import { declared, type Symbol } from './symbols.js';
import type { Workspace } from './workspace.js';

/** What walks of a file share. */
export interface Walk {
  readonly document: Document;
  readonly scope: Scope;
  readonly library: Workspace['library'];
  /** A name of the file, of one kind first. */
  readonly global: (name: string, what?: DefinitionKind) => Symbol | undefined;
  readonly add: (span: Span, symbol: Symbol | undefined, declares?: boolean) => void;
  /** An expression in which names are looked up. */
  readonly expression: (expr: Expr, local: Lookup, what?: DefinitionKind) => void;
  readonly args: (args: readonly Argument[], callee: Definition | undefined, local: Lookup) => void;
  readonly definitionOf: (symbol: Symbol | undefined) => Definition | undefined;
  /** Blocks inside expressions; set by the walk of definitions. */
  block: (expr: Extract<Expr, { kind: 'block' }>, local: Lookup) => void;
}

/** Names that are known at a place beside those of the file. */
export type Lookup = (name: string) => Symbol | undefined;

/** Knows nothing. */
export const noLocals: Lookup = () => undefined;

/** The symbol of a parameter of a definition or a section. */
export const parameter = (of: Definition, name: string, kind: 'param' | 'field' = 'param'): Symbol | undefined => {
  const param = of.params.find((p) => p.name.text === name);
  return param && declared(param.name, { kind, param, of: of.name.text });
};
