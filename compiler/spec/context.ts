/**
 * @file What the parts of the check share: the experiment with its statements, what it can see, and what has been found.
 */
import type { File } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import type { Elaboration } from '../elaborate/elaboration.js';
import type { Library } from '../elaborate/library.js';
import type { Scope } from '../elaborate/scope.js';
import type { Facts } from './facts.js';
import type { Origin } from './spec.js';
import type { Statements } from './statements.js';

/** The check of one experiment. */
export interface Context {
  readonly e: Elaboration;
  readonly file: File;
  readonly library: Library;
  readonly facts: Facts;
  /** What the file sees. */
  readonly scope: Scope;
  readonly statements: Statements;
  readonly diagnostics: Diagnostic[];
  readonly origins: Record<string, Origin>;
}
