/**
 * @file Places: where rules point, and edits that take something out of a text.
 */
import type { Fix, Span } from '../grammar/diagnostics.js';
import type { Definition } from '../grammar/ast.js';
import type { ExperimentContext } from './rule.js';

/** Where a field of the Spec (`tune.batch`) is written; undefined where it has its default. */
export function written({ resolved }: ExperimentContext, field: string): Span | undefined {
  const origin = resolved.spec.origins[field];
  return origin?.kind === 'written' ? origin.span : undefined;
}

/** Where a field is written, else the name of the experiment. */
export const placeOf = (c: ExperimentContext, field: string): Span => written(c, field) ?? c.experiment.name.span;

/** Whether a place is in the experiment itself, not in one that it derives from or in another file. */
export const isOwn = ({ experiment }: ExperimentContext, span: Span): boolean =>
  span.file === experiment.span.file && span.start >= experiment.span.start && span.end <= experiment.span.end;

/** Takes a part of the text out, with its line where nothing else stands on it. */
export function removal(text: string, span: Span, title: string): Fix {
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1;
  const nextLine = text.indexOf('\n', span.end);
  const alone =
    /^\s*$/.test(text.slice(lineStart, span.start)) && /^[ \t]*$/.test(text.slice(span.end, nextLine < 0 ? undefined : nextLine));
  if (alone) return { title, edits: [{ span: { ...span, start: lineStart, end: nextLine < 0 ? text.length : nextLine + 1 }, text: '' }] };
  // Two spaces stand between statements on one line.
  const before = /[ \t]*$/.exec(text.slice(lineStart, span.start))?.[0].length ?? 0;
  return { title, edits: [{ span: { ...span, start: span.start - before }, text: '' }] };
}

/** The band of learning rates that a method's documentation names: a line `rate: 1e-4 to 5e-4` of its doc comment. */
export function rateBand(definition: Definition): { readonly low: number; readonly high: number } | undefined {
  const found = /^\s*rate:\s*([\d.e-]+)\s*to\s*([\d.e-]+)\s*$/m.exec(definition.doc);
  return found === null ? undefined : { low: Number(found[1]), high: Number(found[2]) };
}
