/**
 * @file Independent findings: in a file with syntax errors the rest is checked as well, and what only follows from a part that could not be
 * read is not told. A missing brace hides nothing, and is the one thing said about it.
 */
import type { Experiment, File, Item } from '../../grammar/ast.js';
import { codes } from '../../grammar/codes.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { unreadCode } from '../elaborate/stop.js';
import type { CheckedFile } from './file.js';
import { experimentsOf } from './statements.js';

/** Something is missing: it may stand in the part that could not be read. */
const missing: ReadonlySet<string> = new Set([
  ...['PEFT0116', 'PEFT0118', 'PEFT0226', 'PEFT0407', 'PEFT0408', 'PEFT0605'],
  ...['PEFT0216', 'PEFT0217', 'PEFT0236', 'PEFT0238', 'PEFT0240', 'PEFT0241', 'PEFT0246', 'PEFT0260', 'PEFT0262'],
]);

/** A name is not known: the part that could not be read may give it. */
const unknown: ReadonlySet<string> = new Set(['PEFT0101', 'PEFT0111', 'PEFT0117', 'PEFT0119', 'PEFT0245']);

/** What the check found that does not follow from what the parser found; an experiment with syntax errors is not resolved. */
export function independent(file: File, syntax: readonly Diagnostic[], checked: CheckedFile): CheckedFile {
  const errors = syntax.filter((d) => d.severity === 'error');
  const inside = (item: Item, d: Diagnostic): boolean => d.span.start >= item.span.start && d.span.start <= item.span.end;
  const broken = new Set(file.items.filter((item) => item.kind === 'error' || errors.some((d) => inside(item, d))));
  // What derives from a broken experiment lacks what that lacks.
  const experiments = experimentsOf(file);
  const parentOf = (e: Experiment): Experiment | undefined => experiments.find((x) => x !== e && x.name.text === e.from?.text);
  for (let before = -1; before !== broken.size;) {
    before = broken.size;
    for (const e of experiments) if (broken.has(parentOf(e) ?? e)) broken.add(e);
  }
  const named = errors.some((d) => !file.items.some((i) => i.kind !== 'definition' && i.kind !== 'error' && inside(i, d)));
  const follows = (d: Diagnostic): boolean => {
    if (d.code === unreadCode) return true;
    if (errors.length === 0 || d.span.file !== file.span.file) return false;
    // A text in other quotes is read as names.
    if (errors.some((e) => e.code === codes.character && e.span.start <= d.span.end && e.span.end >= d.span.start)) return true;
    const item = file.items.find((i) => inside(i, d));
    if (item?.kind === 'error') return true;
    const lacks = item !== undefined && broken.has(item);
    if (lacks && missing.has(d.code)) return true;
    return unknown.has(d.code) && (named || (lacks && item.kind === 'definition'));
  };
  return {
    experiments: checked.experiments.map((e) => (broken.has(e.experiment) ? { ...e, resolved: undefined } : e)),
    diagnostics: checked.diagnostics.filter((d) => !follows(d)),
  };
}
