/**
 * @file Mutations: a right text made wrong in one place. Misspelt words and paths, wrong units and types, missing brackets and signs, swapped
 * values; the combinations that cannot be and the known complaints are patterns, in `mutation-patterns.ts`.
 *
 * Every mutant says where it is wrong (`places`, in its own text) and, where one word was meant, which (`wanted`). A change that leaves the text
 * right is none: types and units are looked up in the definitions of the standard library, and a misspelling that is a word is left out.
 */
import type { Definition, Expr, File, TypeExpr } from '../grammar/ast.js';
import type { Span } from '../grammar/diagnostics.js';
import { parseFile } from '../grammar/parse.js';
import { contextual, endOf, Identifier, reserved, scan, signs, StringLiteral } from '../grammar/tokens.js';
import type { Library } from '../compiler/elaborate/library.js';
import { unitTypes, unitWords } from '../compiler/elaborate/value.js';
import { patternMutants } from './mutation-patterns.js';

/** What kind of mistake. */
export const mutationKinds = [
  'misspelt name',
  'misspelt path',
  'misspelt unit',
  'wrong unit',
  'wrong type',
  'removed bracket',
  'removed sign',
  'swapped values',
  'impossible combination',
  'known complaint',
  'several at once',
] as const;
/** The name of a kind. */
export type MutationKind = (typeof mutationKinds)[number];

/** A place in a text. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A text with one mistake. */
export interface Mutant {
  readonly kind: MutationKind;
  /** What was done, for lists. */
  readonly what: string;
  readonly text: string;
  /** Where it is wrong; a finding at any of them points at the mistake. */
  readonly places: readonly Place[];
  /** The word that was meant. */
  readonly wanted?: string;
  /** Each place is a mistake of its own, and all must be found. */
  readonly every?: true;
}

/** Replaces one place of a text; the place is then where the new words stand. */
export function replaced(kind: MutationKind, text: string, at: Place, put: string, wanted?: string): Mutant {
  const before = text.slice(at.start, at.end);
  return {
    kind,
    what: `${before === '' ? 'nothing' : before} → ${put === '' ? 'nothing' : put}`,
    text: text.slice(0, at.start) + put + text.slice(at.end),
    places: [{ start: at.start, end: at.start + put.length }],
    ...(wanted === undefined ? {} : { wanted }),
  };
}

/** Every mutant of a text; `random` chooses letters. */
export function mutantsOf(text: string, library: Library, random: () => number): readonly Mutant[] {
  const file = parseFile(text, 'example').value;
  const slots = slotsOf(file, library);
  const names = misspeltNames(text, file, library, random);
  const numbers = wrongNumbers(text, slots, random);
  const types = wrongTypes(text, slots);
  return [
    ...names,
    ...misspeltStrings(text, slots, random),
    ...numbers,
    ...types,
    ...removedTokens(text),
    ...swappedValues(text, slots),
    ...patternMutants(text),
    ...severalAtOnce(text, [...names, ...numbers, ...types], random),
  ];
}

// --- misspelt words ----------------------------------------------------------------------------------------------------

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** A word with one slip: a letter left out, doubled, swapped with the next, or another. */
export function misspell(word: string, random: () => number): string {
  const below = (n: number): number => Math.floor(random() * n);
  const spots = [...word].flatMap((letter, i) => (/[A-Za-z]/.test(letter) ? [i] : []));
  const at = spots[below(spots.length)] ?? 0;
  const letter = word[at] ?? '';
  switch (below(4)) {
    case 0:
      return word.slice(0, at) + word.slice(at + 1);
    case 1:
      return word.slice(0, at) + letter + word.slice(at);
    case 2:
      return word.slice(0, at) + (word[at + 1] ?? '') + letter + word.slice(at + 2);
    default:
      return word.slice(0, at) + (letters[below(letters.length)] ?? '') + word.slice(at + 1);
  }
}

/** A misspelling that is no word itself. */
function misspelling(word: string, known: ReadonlySet<string>, random: () => number): string {
  for (;;) {
    const wrong = misspell(word, random);
    if (wrong !== word && !known.has(wrong) && /^[A-Za-z_]\w*$/.test(wrong)) return wrong;
  }
}

const keywords: readonly string[] = [...Object.values(contextual), ...Object.values(reserved)].map((type) => type.LABEL ?? type.name);

/** Every word of three letters and more that means something already given: not one that gives a name. */
function misspeltNames(text: string, file: File, library: Library, random: () => number): Mutant[] {
  const given = givenNames(file);
  const words = new Set([
    ...keywords,
    ...Object.keys(unitWords),
    ...library.definitions.map((d) => d.definition.name.text),
    ...given.words,
  ]);
  return scan(text, 'example').tokens.flatMap((token, i, tokens): Mutant[] => {
    const type = token.tokenType;
    const isWord = type === Identifier || (type.CATEGORIES?.includes(Identifier) ?? false) || Object.values(reserved).includes(type);
    const before = tokens[i - 1];
    const unit = before !== undefined && /^\d/.test(before.image) && Object.hasOwn(unitWords, token.image);
    if (!isWord || unit || token.image.length < 3 || given.starts.has(token.startOffset)) return [];
    const wrong = misspelling(token.image, words, random);
    return [replaced('misspelt name', text, { start: token.startOffset, end: endOf(token) }, wrong, token.image)];
  });
}

/** Names that a file gives, and where: experiments, definitions, parameters, members, other names of imports. */
function givenNames(file: File): { readonly starts: ReadonlySet<number>; readonly words: ReadonlySet<string> } {
  const starts = new Set<number>();
  const words = new Set<string>();
  visit(file, (node) => {
    const add = (name: unknown): void => {
      if (!isNode(name) || typeof name['text'] !== 'string' || !isNode(name['span'])) return;
      starts.add(Number(name['span']['start']));
      words.add(name['text']);
    };
    const kind = node['kind'];
    if (['experiment', 'definition', 'param', 'storage', 'part', 'let', 'for'].includes(String(kind))) add(node['name']);
    if (kind === 'function') for (const p of node['params'] as readonly Record<string, unknown>[]) add(p['name']);
    if ('binds' in node) (node['binds'] as readonly unknown[]).forEach(add);
    add(node['as']);
  });
  return { starts, words };
}

const isNode = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function visit(value: unknown, see: (node: Readonly<Record<string, unknown>>) => void): void {
  if (Array.isArray(value)) value.forEach((one) => visit(one, see));
  else if (isNode(value)) {
    see(value);
    for (const [key, inner] of Object.entries(value)) if (key !== 'span' && key !== 'trivia') visit(inner, see);
  }
}

// --- values and what they are given to ----------------------------------------------------------------------------------

/** A value that is given to something by name or place, and the types it may have; none where they are not known. */
interface Slot {
  readonly list: number;
  readonly owner: string;
  readonly name: string;
  readonly value: Expr;
  readonly types: readonly string[];
}

const typesOf = (type: TypeExpr | undefined): readonly string[] =>
  type === undefined ? [] : type.kind === 'type-union' ? type.options.flatMap(typesOf) : type.kind === 'type-name' ? [type.name.text] : [];

function slotsOf(file: File, library: Library): readonly Slot[] {
  const own = file.items.filter((item): item is Definition => item.kind === 'definition');
  const known = [...own, ...library.definitions.map((d) => d.definition)];
  const slots: Slot[] = [];
  let list = 0;
  const add = (owner: string, given: readonly { readonly name?: { readonly text: string }; readonly value: Expr }[]): void => {
    list += 1;
    given.forEach(({ name, value }, i) => {
      const candidates = known.filter((d) => d.name.text === owner);
      const found = candidates.flatMap((d) => {
        const param = name === undefined ? d.params[i] : d.params.find((p) => p.name.text === name.text);
        return param === undefined ? [] : [param];
      })[0];
      const column = owner === 'data' && found === undefined ? ['String'] : [];
      const called = found?.name.text ?? name?.text ?? (i === 0 ? 'path' : '');
      slots.push({ list, owner, name: called, value, types: found === undefined ? column : typesOf(found.type) });
    });
  };
  visit(file.items, (node) => {
    const n = node as unknown as Expr | { readonly kind: 'fields' | 'base' };
    if (n.kind === 'call' && n.callee.kind === 'name') add(n.callee.name, n.args);
    else if (n.kind === 'fields') {
      const section = node as unknown as { readonly name: { readonly text: string }; readonly fields: Parameters<typeof add>[1] };
      add(section.name.text, section.fields);
    } else if (n.kind === 'base') {
      const base = node as unknown as { readonly model: { readonly text: string }; readonly overrides: Parameters<typeof add>[1] };
      add(base.model.text, base.overrides);
    }
  });
  return slots;
}

const sources = ['tsv', 'csv', 'jsonl', 'parquet', 'local', 'scratch', 'hub'];

/** The type of a written value; a call has that of the definitions of its kind. */
function typeOf(value: Expr): string | undefined {
  switch (value.kind) {
    case 'number':
      return value.unit === undefined
        ? Number.isInteger(value.value)
          ? 'Int'
          : 'Float'
        : unitTypes[unitWords[value.unit]?.unit ?? 'ratio'];
    case 'string':
      return 'String';
    case 'bool':
      return 'Bool';
    case 'none':
      return 'none';
    case 'call':
      return value.callee.kind === 'name' && sources.includes(value.callee.name) ? 'Table' : 'call';
    default:
      return undefined;
  }
}

const accepts = (types: readonly string[], type: string): boolean =>
  types.includes(type) ||
  (type === 'Int' && types.includes('Float')) ||
  (type === 'call' && types.some((t) => /^(Optimizer|Schedule)$/.test(t)));

// --- strings -----------------------------------------------------------------------------------------------------------

/** Columns, metrics and names of the checkpoint; files and folders apart. */
function misspeltStrings(text: string, slots: readonly Slot[], random: () => number): Mutant[] {
  const inBase = scan(text, 'example').tokens.flatMap((token, i, tokens): Slot['value']['span'][] =>
    token.tokenType === StringLiteral && ['from', 'import'].includes(tokens[i - 1]?.image ?? '')
      ? [{ file: 'example', start: token.startOffset, end: endOf(token) }]
      : [],
  );
  const wrong = (kind: MutationKind, span: Span): Mutant[] => {
    const value = text.slice(span.start + 1, span.end - 1);
    // The last step is what is misspelt: the folders before it exist.
    const at = value.lastIndexOf('/') + 1;
    const name = value.slice(at);
    let put = misspell(name, random);
    while (put === name) put = misspell(name, random);
    return name.length < 3 ? [] : [replaced(kind, text, span, JSON.stringify(value.slice(0, at) + put), value)];
  };
  return [
    ...slots.flatMap(({ owner, name, value }) =>
      value.kind !== 'string' ? [] : wrong(sources.includes(owner) && name !== 'revision' ? 'misspelt path' : 'misspelt name', value.span),
    ),
    ...inBase.flatMap((span) => wrong('misspelt path', span)),
  ];
}

// --- units and types ---------------------------------------------------------------------------------------------------

const units: readonly (readonly [string, string])[] = [
  ['', 'Int'],
  ['%', 'Ratio'],
  [' MiB', 'Bytes'],
  [' steps', 'Steps'],
  [' epochs', 'Epochs'],
  [' tokens', 'Tokens'],
];

function wrongNumbers(text: string, slots: readonly Slot[], random: () => number): Mutant[] {
  return slots.flatMap(({ value, types }): Mutant[] => {
    if (value.kind !== 'number' || types.length === 0) return [];
    const digits = value.text;
    const wrong = units.filter(([, type]) => !accepts(types, type === 'Int' && !value.integer ? 'Float' : type));
    const chosen = wrong[Math.floor(random() * wrong.length)];
    const found = chosen === undefined ? [] : [replaced('wrong unit', text, value.span, digits + chosen[0])];
    if (value.unit === undefined || value.unit === '%' || value.unit.length < 3) return found;
    const put = misspelling(value.unit, new Set(Object.keys(unitWords)), random);
    return [...found, replaced('misspelt unit', text, value.span, `${digits} ${put}`, value.unit)];
  });
}

const otherTypes: readonly (readonly [string, string])[] = [
  ['"eight"', 'String'],
  ['true', 'Bool'],
  ['[8]', 'List'],
  ['none', 'none'],
  ['2.5', 'Float'],
  ['7', 'Int'],
];

/** Each value as one of another type, one after the other. */
function wrongTypes(text: string, slots: readonly Slot[]): Mutant[] {
  return slots.flatMap(({ value, types }, i): Mutant[] => {
    const wrong = otherTypes.filter(([, type]) => !accepts(types, type));
    const chosen = types.length === 0 ? undefined : wrong[i % wrong.length];
    return chosen === undefined ? [] : [replaced('wrong type', text, value.span, chosen[0])];
  });
}

/** Two values of one list in each other's place, where they have no type in common. */
function swappedValues(text: string, slots: readonly Slot[]): Mutant[] {
  return slots.flatMap((first, i) =>
    slots.slice(i + 1).flatMap((second): Mutant[] => {
      if (first.list !== second.list || first.types.length === 0 || second.types.length === 0) return [];
      const types = [typeOf(first.value), typeOf(second.value)];
      if (types[0] === undefined || types[1] === undefined) return [];
      if (accepts(second.types, types[0]) && accepts(first.types, types[1])) return [];
      const [a, b] = [first.value.span, second.value.span];
      const [x, y] = [text.slice(a.start, a.end), text.slice(b.start, b.end)];
      const shift = y.length - x.length;
      return [
        {
          kind: 'swapped values',
          what: `${x} ↔ ${y}`,
          text: text.slice(0, a.start) + y + text.slice(a.end, b.start) + x + text.slice(b.end),
          places: [
            { start: a.start, end: a.start + y.length },
            { start: b.start + shift, end: b.start + shift + x.length },
          ],
        },
      ];
    }),
  );
}

// --- removed tokens ----------------------------------------------------------------------------------------------------

const opening = [signs.LParen, signs.LSquare, signs.LCurly];
const closing = [signs.RParen, signs.RSquare, signs.RCurly];

/** A bracket or a sign less. It is missed between its neighbours; a bracket also at its partner, which stands alone now. */
function removedTokens(text: string): Mutant[] {
  const { tokens } = scan(text, 'example');
  const partners = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach((token, i) => {
    if (opening.includes(token.tokenType)) open.push(i);
    else if (closing.includes(token.tokenType)) {
      const partner = open.pop() ?? i;
      partners.set(i, partner).set(partner, i);
    }
  });
  return tokens.flatMap((token, i): Mutant[] => {
    const bracket = opening.includes(token.tokenType) || closing.includes(token.tokenType);
    // A comma between fields may be left out, and so may a `=` that is not there: these always stand for something.
    const sign =
      token.tokenType === signs.Colon || token.tokenType === signs.Assign || (token.tokenType === signs.Comma && inList(i, partners));
    if (!bracket && !sign) return [];
    const [before, after, partner] = [tokens[i - 1], tokens[i + 1], tokens[partners.get(i) ?? -1]];
    const shifted = (offset: number): number => (offset > token.startOffset ? offset - token.image.length : offset);
    const mutant = replaced(bracket ? 'removed bracket' : 'removed sign', text, { start: token.startOffset, end: endOf(token) }, '');
    const beside = { start: before?.startOffset ?? 0, end: after === undefined ? mutant.text.length : shifted(endOf(after)) };
    const alone = bracket && partner !== undefined ? [{ start: shifted(partner.startOffset), end: shifted(endOf(partner)) }] : [];
    // Of several closing brackets in a row any may be the one that is missing.
    for (const step of closing.includes(token.tokenType) ? [-1, 1] : []) {
      for (let k = i + step; tokens[k]?.tokenType === token.tokenType; k += step) {
        const other = tokens[partners.get(k) ?? -1];
        if (other !== undefined) alone.push({ start: shifted(other.startOffset), end: shifted(endOf(other)) });
      }
    }
    return [{ ...mutant, what: `${token.image} removed after ${before?.image ?? 'nothing'}`, places: [beside, ...alone] }];
  });

  function inList(at: number, pairs: ReadonlyMap<number, number>): boolean {
    for (let i = at - 1; i >= 0; i -= 1) {
      const type = tokens[i]?.tokenType;
      if (type === undefined) return false;
      if (closing.includes(type)) i = pairs.get(i) ?? i;
      else if (opening.includes(type)) return type !== signs.LCurly || tokens[i - 1]?.image === '.';
    }
    return false;
  }
}

// --- several mistakes --------------------------------------------------------------------------------------------------

/** Of each text so many with several mistakes. */
const combinations = 40;

interface Edit extends Place {
  readonly put: string;
  /** Where it shows, when that is not where it is made. */
  readonly shows?: Place;
}

/** Three mistakes that do not depend on each other, in values and names of fields and arguments; in every other text a `}` is missing too. */
function severalAtOnce(text: string, singles: readonly Mutant[], random: () => number): Mutant[] {
  const below = (n: number): number => Math.floor(random() * n);
  const edits = singles.map((m) => editOf(text, m)).filter((edit) => isFree(text, edit));
  const braces = closingLines(text);
  if (edits.length < 6 || braces.length === 0) return [];
  return Array.from({ length: combinations }, (_, n): Mutant => {
    const chosen: Edit[] = n % 2 === 0 ? [] : [braces[below(braces.length)] as Edit];
    const least = chosen.length + 3;
    while (chosen.length < least) {
      const edit = edits[below(edits.length)] as Edit;
      if (!chosen.some((c) => edit.start < c.end && edit.end > c.start)) chosen.push(edit);
    }
    return combined(text, chosen);
  });
}

/** The one change that makes a mutant of a text. */
function editOf(text: string, { text: changed, places: [at] }: Mutant): Edit {
  const start = at?.start ?? 0;
  const put = changed.slice(start, at?.end);
  return { start, end: start + put.length - (changed.length - text.length), put };
}

/** Whether nothing else depends on a mistake: it is in a value, or the name of a field or argument, and not in the task, which says which columns there are. */
function isFree(text: string, { start, end, put }: Edit): boolean {
  const isName = /^[A-Za-z]/.test(text.slice(start, end)) && /^[A-Za-z]/.test(put);
  return (!isName || text[end] === ':') && !/for \w+\([^)]*$/.test(text.slice(0, start));
}

/** Each `}` on a line of its own, with the `{` that it closes. */
function closingLines(text: string): Edit[] {
  const open: number[] = [];
  return scan(text, 'example').tokens.flatMap((token): Edit[] => {
    if (token.tokenType === signs.LCurly) open.push(token.startOffset);
    if (token.tokenType !== signs.RCurly) return [];
    const partner = open.pop() ?? 0;
    const alone = /\n *$/.test(text.slice(0, token.startOffset));
    return alone ? [{ start: token.startOffset, end: endOf(token), put: '', shows: { start: partner, end: partner + 1 } }] : [];
  });
}

/** A text with several changes. */
function combined(text: string, edits: readonly Edit[]): Mutant {
  const sorted = [...edits].sort((a, b) => a.start - b.start);
  const moved = (offset: number): number =>
    sorted.reduce((sum, e) => (e.end <= offset ? sum + e.put.length - (e.end - e.start) : sum), offset);
  return {
    kind: 'several at once',
    what: sorted.map((e) => `${text.slice(e.start, e.end)} → ${e.put === '' ? 'nothing' : e.put}`).join(', '),
    text: sorted.toReversed().reduce((now, e) => now.slice(0, e.start) + e.put + now.slice(e.end), text),
    places: sorted.map(({ shows, start, put }) =>
      shows === undefined
        ? { start: moved(start), end: moved(start) + put.length }
        : { start: moved(shows.start), end: moved(shows.start) + 1 },
    ),
    every: true,
  };
}
