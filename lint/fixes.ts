/**
 * @file Fixes: edits put into a text. Those that touch what an earlier one touched are left out, for another round.
 */
import type { Fix } from '../grammar/diagnostics.js';

/** The text with as many of the fixes as do not meet; a fix is done whole or not at all. */
export function applyFixes(text: string, fixes: readonly Fix[]): string {
  const taken: Fix['edits'][number][] = [];
  const meets = (a: Fix['edits'][number], b: Fix['edits'][number]): boolean =>
    (a.span.start < b.span.end && b.span.start < a.span.end) || (a.span.start === b.span.start && a.span.end === b.span.end);
  for (const fix of fixes) if (!fix.edits.some((e) => taken.some((t) => meets(e, t)))) taken.push(...fix.edits);
  return [...taken]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((whole, e) => whole.slice(0, e.span.start) + e.text + whole.slice(e.span.end), text);
}
