/**
 * @file Cases of the checker as text. A file holds cases, each under a line `### title`; what stands before the first is put
 * before every case. A line `%given {…}` says what the world is like (`Given` of ../../spec/world.ts). Under a line of code stands
 * what the checker says about it:
 *
 *     adapt attention.qeury with lora
 *                     ^^^^^ error PEFT0401: no module of this base has the role qeury
 *                           = help: did you mean query?
 *                           = fix: query
 */
import { createLibrary } from '../../../compiler/elaborate/library.js';
import { checkFile } from '../../../compiler/spec/file.js';
import { independent } from '../../../compiler/spec/independent.js';
import type { Diagnostic, Span } from '../../../grammar/diagnostics.js';
import { parseFile } from '../../../grammar/parse.js';
import { factsOf, std, type Given } from '../../spec/world.js';

/** One case. */
export interface Case {
  readonly title: string;
  readonly given: Given;
  /** Text of the case with its annotations. */
  readonly text: string;
  /** What the file puts before it. */
  readonly head: string;
}

const annotation =
  /^\s*(\^+…? (error|warning|info) PEFT\d{4}: |= (note|help|fix): |(before|elsewhere) .*: (error|warning|info) PEFT\d{4}: )/;
const name = 'case.peft';

/** The cases of a file. */
export function casesOf(text: string): { readonly head: string; readonly cases: readonly Case[] } {
  const [head = '', ...parts] = text.split(/^(?=### )/m);
  return {
    head,
    cases: parts.map((part) => {
      const [first = '', ...rest] = part.split('\n');
      const directive = rest.find((line) => line.startsWith('%given '));
      return {
        title: first.slice(4),
        given: directive === undefined ? {} : (JSON.parse(directive.slice(7)) as Given),
        text: rest.filter((line) => line !== directive).join('\n'),
        head,
      };
    }),
  };
}

/** The case as it stands in its file. */
export const showCase = (one: Case, text: string): string =>
  `### ${one.title}\n${Object.keys(one.given).length > 0 ? `%given ${JSON.stringify(one.given)}\n` : ''}${text}`;

const plain = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !annotation.test(line))
    .join('\n');

/** What the checker says about the code of a case. */
export function diagnosticsOf(
  one: Case,
  code = one.head + plain(one.text),
): { readonly code: string; readonly diagnostics: readonly Diagnostic[] } {
  const library = createLibrary({
    std,
    open: (path) => (one.given.files?.[path] === undefined ? undefined : { file: path, text: one.given.files[path] }),
  });
  const parsed = parseFile(code, name);
  const checked = checkFile(parsed.value, library, factsOf(one.given));
  return { code, diagnostics: [...parsed.diagnostics, ...independent(parsed.value, parsed.diagnostics, checked).diagnostics] };
}

/** The code of a case with what the checker says written under it. */
export function annotated(one: Case): string {
  const { code, diagnostics } = diagnosticsOf(one);
  const show = (mark: string, d: Diagnostic): string[] => [
    `${mark}${d.severity} ${d.code}: ${d.message}`,
    ...(d.notes ?? []).map(
      (note) => `${' '.repeat(mark.length)}= note: ${note.message}${note.span ? ` (${place(note.span, code, one.given)})` : ''}`,
    ),
    ...(d.help ? [`${' '.repeat(mark.length)}= help: ${d.help}`] : []),
    ...(d.fix?.edits ?? []).map(
      (edit) =>
        `${' '.repeat(mark.length)}= fix: ${JSON.stringify(code.slice(edit.span.start, edit.span.end))} → ${JSON.stringify(edit.text)}`,
    ),
  ];
  const out: string[] = [];
  for (const d of diagnostics) {
    if (d.span.file !== name) out.push(...show(`elsewhere ${place(d.span, code, one.given)}: `, d));
    else if (d.span.start < one.head.length) out.push(...show(`before ${place(d.span, code, one.given)}: `, d));
  }
  let start = one.head.length;
  for (const line of code.slice(start).split('\n')) {
    out.push(line);
    for (const d of diagnostics) {
      if (d.span.file !== name || d.span.start < start || d.span.start > start + line.length) continue;
      const inLine = Math.max(1, Math.min(d.span.end, start + line.length) - d.span.start);
      out.push(...show(`${' '.repeat(d.span.start - start)}${'^'.repeat(inLine)}${d.span.end > start + line.length ? '…' : ''} `, d));
    }
    start += line.length + 1;
  }
  return out.join('\n');
}

/** A place as the text that stands there; places in the standard library by file alone, which may change. */
function place(span: Span, code: string, given: Given): string {
  const text = span.file === name ? code : given.files?.[span.file];
  const here = text?.slice(span.start, span.end).split('\n')[0];
  return here === undefined ? span.file : span.file === name ? JSON.stringify(here) : `${span.file}: ${JSON.stringify(here)}`;
}

/** The code with the edits of a fix made. */
export function applied(code: string, diagnostic: Diagnostic): string {
  const edits = [...(diagnostic.fix?.edits ?? [])].sort((a, b) => b.span.start - a.span.start);
  return edits.reduce((text, edit) => text.slice(0, edit.span.start) + edit.text + text.slice(edit.span.end), code);
}
