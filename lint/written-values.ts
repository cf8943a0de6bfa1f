/**
 * @file Written values: whether two pieces of text mean the same, as far as the text alone says it, and edits that take parts of lists out.
 */
import type { Experiment, Expr, Field, Section } from '../grammar/ast.js';
import type { Fix, Span } from '../grammar/diagnostics.js';
import { printExpr } from '../grammar/print.js';
import { unitWords } from '../compiler/elaborate/value.js';
import { removal } from './places.js';

/** Whether two values are written the same, or are the same number in the same unit, or a call without arguments and its name. */
export function sameValue(a: Expr, b: Expr): boolean {
  if (a.kind === 'number' && b.kind === 'number') {
    const [one, other] = [amount(a), amount(b)];
    return one.unit === other.unit && one.value === other.value;
  }
  return printExpr(bare(a)) === printExpr(bare(b));
}

function amount(n: Extract<Expr, { kind: 'number' }>): { readonly value: number; readonly unit: string } {
  const word = n.unit === undefined ? undefined : unitWords[n.unit];
  return word === undefined ? { value: n.value, unit: n.unit ?? '' } : { value: n.value * word.factor, unit: word.unit };
}

const bare = (e: Expr): Expr => (e.kind === 'call' && e.args.length === 0 ? e.callee : e);

/** The fields that an experiment itself writes, each with its section. */
export const ownFields = (experiment: Experiment): readonly { readonly section: Section; readonly field: Field }[] =>
  experiment.statements.flatMap((s) => (s.kind === 'section' ? s.section.fields.map((field) => ({ section: s.section, field })) : []));

/** Takes a field out; its section with it where nothing else of the section stays. */
export function fieldRemoval(text: string, section: Section, field: Field, goes: (field: Field) => boolean): Fix {
  return section.fields.every(goes) && section.tail.length === 0
    ? removal(text, section.span, `take ${section.name.text} out`)
    : removal(text, field.span, `take ${field.name.text} out`);
}

/** An edit that leaves some parts of a list out, from the first part to the last; undefined where comments stand among them. */
export function listWithout(
  text: string,
  parts: readonly Span[],
  stays: (index: number) => boolean,
): { readonly span: Span; readonly text: string } | undefined {
  const [first, last] = [parts[0], parts.at(-1)];
  if (first === undefined || last === undefined || text.slice(first.start, last.end).includes('//')) return undefined;
  const kept = parts.filter((_, i) => stays(i)).map((p) => text.slice(p.start, p.end));
  return { span: { ...first, end: last.end }, text: kept.join(', ') };
}

/** A text with its white space made even. */
export const even = (text: string): string => text.replace(/\s+/g, ' ').trim();
