/**
 * @file Where the parser took a word for a name: the beginnings of all names of a file, in whatever node they stand.
 */
import type { File } from '../../grammar/ast.js';

/** Offsets at which a name begins. */
export function namesOf(file: File): ReadonlySet<number> {
  const found = new Set<number>();
  visit(file, found);
  return found;
}

/** A name is `{ text, span }` without a kind, or an expression of the kind `name`. */
function visit(node: unknown, found: Set<number>): void {
  if (Array.isArray(node)) for (const each of node) visit(each, found);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const fields = node as Readonly<Record<string, unknown>>;
  const span = fields['span'] as { readonly start: number } | undefined;
  if (span !== undefined && ((fields['kind'] === undefined && typeof fields['text'] === 'string') || fields['kind'] === 'name'))
    found.add(span.start);
  for (const [key, value] of Object.entries(fields)) if (key !== 'span' && key !== 'trivia') visit(value, found);
}
