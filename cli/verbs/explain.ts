/**
 * @file `peft explain`: what a code means, why it is looked at, and what to write. The list is that of the compiler, the words are those of the
 * pages in `docs/errors/`, which the package brings and whose examples are cases of the tests.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../../compiler/elaborate/nearest.js';
import { explanations } from '../../compiler/explanations/explanations.js';
import { rules } from '../../lint/rules.js';
import { suppressionCodes } from '../../lint/suppression-rules.js';
import type { Severity } from '../../grammar/diagnostics.js';
import { painter, type Painter } from '../colour.js';
import { exitCodes, UserError } from '../exit.js';
import { packageRoot } from '../package.js';
import { factsFormat, type Verb } from '../verb.js';

/** `peft explain CODE` */
export const verb: Verb = {
  group: 'Files',
  summary: 'explain a code of an error or a warning',
  details: 'Without a code: a table of all. The name of a lint rule says the same as its code. The pages lie in docs/errors.',
  args: [{ syntax: '[code]', help: 'PEFT0401, peft401, 401, or the name of a rule, such as warmup-too-long' }],
  options: [{ flags: '--list', help: 'print a table of all codes' }, factsFormat],
  examples: [
    { command: 'peft explain PEFT0401', help: 'why, and what to write' },
    { command: 'peft explain warmup-too-long', help: 'a lint rule by its name' },
    { command: 'peft explain --list', help: 'all codes' },
  ],
  run: ({ args, options }, context) => {
    const [word] = args;
    const json = options['format'] === 'json';
    const paint = painter(context.colour.out);
    const show = (value: object): void => context.out(`${JSON.stringify({ formatVersion: 1, ...value }, undefined, 2)}\n`);
    if (word === undefined || options['list'] === true) {
      if (json) show({ codes: entries });
      else context.out(listText(paint));
      return Promise.resolve(exitCodes.ok);
    }
    const entry = entryOf(word);
    const page = pageOf(entry);
    if (json) show({ ...entry, ...page });
    else context.out(pageText(entry, page, paint));
    return Promise.resolve(exitCodes.ok);
  },
};

// --- codes -------------------------------------------------------------------------------------------------------------

/** One code; lint rules and what is wrong with suppressions have a name as well. */
interface Entry {
  readonly code: string;
  readonly name?: string;
  readonly level: Severity;
  readonly title: string;
}

const entries: readonly Entry[] = [
  ...explanations.map(({ code, level, title }) => ({ code, level, title })),
  ...rules.map(({ code, name, level, summary }) => ({ code, name, level, title: summary })),
  ...Object.values(suppressionCodes).map(({ code, name, summary }) => ({ code, name, level: 'warning' as const, title: summary })),
].sort((a, b) => (a.code < b.code ? -1 : 1));

function entryOf(word: string): Entry {
  const plain = word.trim();
  const digits = /^(?:peft)?(\d{1,4})$/i.exec(plain)?.[1];
  const wanted = digits === undefined ? plain.toLowerCase() : `PEFT${digits.padStart(4, '0')}`;
  const entry = entries.find((e) => e.code === wanted || e.name === wanted);
  if (entry !== undefined) return entry;
  const near = nearest(
    wanted,
    entries.flatMap((e) => (e.name === undefined ? [e.code] : [e.code, e.name])),
  );
  throw new UserError(
    digits === undefined ? `there is no code or rule ${JSON.stringify(word)}` : `there is no code ${wanted}`,
    near === undefined ? 'peft explain --list shows all' : `did you mean ${near}?`,
  );
}

// --- pages -------------------------------------------------------------------------------------------------------------

/** A paragraph, or a block with its language. */
interface Piece {
  readonly kind: 'prose' | 'peft' | 'text';
  readonly text: string;
}

/** What a page says below its title. */
interface Page {
  readonly why: string;
  readonly todo?: string;
  readonly example?: readonly Piece[];
  /** How a finding that is meant is suppressed. */
  readonly suppress?: string;
}

/** Before the reason, a page has a note to who would edit it, its title, and its level. */
const piecesBefore = 3;

function pageOf({ code }: Entry): Page {
  const path = join(packageRoot, 'docs', 'errors', `${code}.md`);
  if (!existsSync(path)) throw new UserError(`the page ${path} is missing`, 'install peft again');
  const [first = '', ...parts] = readFileSync(path, 'utf8').split(/^## /m);
  const sections = new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end).trim()] as const;
    }),
  );
  const [todo, example, suppress] = ['What to do', 'Example', 'When it is meant so'].map((heading) => sections.get(heading));
  return {
    why: first.trim().split('\n\n').slice(piecesBefore).join('\n\n'),
    ...(todo === undefined ? {} : { todo }),
    ...(example === undefined ? {} : { example: piecesOf(example) }),
    ...(suppress === undefined ? {} : { suppress }),
  };
}

/** The paragraphs and fenced blocks of a section. */
function piecesOf(section: string): readonly Piece[] {
  return section.split(/^(```(?:peft|text)\n[^]*?\n```)$/m).flatMap((part): Piece[] => {
    const fenced = /^```(peft|text)\n([^]*)\n```$/.exec(part);
    if (fenced !== null) return [{ kind: fenced[1] as 'peft' | 'text', text: fenced[2] as string }];
    const text = part.trim();
    return text === '' ? [] : [{ kind: 'prose', text }];
  });
}

// --- text --------------------------------------------------------------------------------------------------------------

/** Prose is broken into lines of at most so many letters. */
const lineLength = 100;

const wrapped = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(new RegExp(`(?=.{${lineLength + 1}})(.{1,${lineLength}}) +`, 'g'), '$1\n'))
    .join('\n');

const indented = (text: string): string => text.replace(/^(?=.)/gm, '    ');

const painted = (paint: Painter, level: Severity): string =>
  (level === 'error' ? paint.red : level === 'warning' ? paint.yellow : paint.cyan)(level);

const listText = (paint: Painter): string =>
  entries
    .map(
      ({ code, name, level, title }) =>
        `${code}  ${painted(paint, level)}${' '.repeat('warning'.length - level.length)}  ${title}${name === undefined ? '' : paint.dim(` (${name})`)}\n`,
    )
    .join('');

function pageText({ code, name, level, title }: Entry, { why, todo, example, suppress }: Page, paint: Painter): string {
  const section = (heading: string, text: string | undefined): string[] => (text === undefined ? [] : [paint.bold(heading), text]);
  const pieces = example?.map(({ kind, text }) => (kind === 'prose' ? wrapped(text) : indented(text))).join('\n\n');
  return `${[
    `${paint.bold(`${code}: ${title}`)}\n${painted(paint, level)}${name === undefined ? '' : ` of the rule ${name}`}`,
    wrapped(why),
    ...section('What to do', todo && wrapped(todo)),
    ...section('Example', pieces),
    ...section('When it is meant so', suppress && wrapped(suppress)),
  ].join('\n\n')}\n`;
}
