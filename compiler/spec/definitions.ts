/**
 * @file Check of definitions.
 */
import type { File } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import type { Library } from '../elaborate/library.js';

/** Checks the definitions of a file. */
export function checkDefinitions(file: File, library: Library, diagnostics: Diagnostic[]): void {
  library.scopeOf(file, diagnostics);
}
