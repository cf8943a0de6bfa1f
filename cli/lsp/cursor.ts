/**
 * @file Cursor: what the grammar wants at a place of a text, for completion. It reads the tokens before the place and nothing behind it, so
 * that a text which is being written and does not parse is read as well as one that does.
 */
import type { IToken } from 'chevrotain';
import { contextual, DefinitionWord, endOf, signs, StringLiteral, unquote } from '../../grammar/tokens.js';
import { inExperiment } from './cursor-experiment.js';
import type { Document } from './document.js';
import { argumentPlace, isGroup, isOperator, isWord, textOf, type Group, type Place, type Unit } from './place.js';

/** A place in a text. */
export interface Cursor {
  readonly place: Place;
  /** What has been typed of a word or, in quotes, of the text between them: it is replaced. */
  readonly typed: { readonly start: number; readonly end: number; readonly text: string; readonly quoted: boolean };
  /** The experiment or definition around the place. */
  readonly inside: string | undefined;
}

/** What stands at an offset. */
export function cursorAt(document: Document, offset: number): Cursor {
  const { tokens, comments, text } = document;
  const nothing = { start: offset, end: offset, text: '', quoted: false };
  if (comments.some((c) => c.startOffset < offset && offset <= endOf(c)))
    return { place: { kind: 'nothing' }, typed: nothing, inside: undefined };
  const around = tokens.find((t) => t.startOffset < offset && offset <= endOf(t));
  const inString = around !== undefined && text[around.startOffset] === '"' && !(offset === endOf(around) && isClosed(around));
  let typed = nothing;
  if (around !== undefined && inString) {
    const start = around.startOffset + 1;
    const end = endOf(around) - (isClosed(around) ? 1 : 0);
    typed = { start, end, text: text.slice(start, offset), quoted: true };
  } else if (around !== undefined && /^[A-Za-z_]/.test(around.image)) {
    typed = { start: around.startOffset, end: endOf(around), text: text.slice(around.startOffset, offset), quoted: false };
  }
  const before = tokens.filter((t) => t.startOffset < (typed === nothing ? offset : inString ? typed.start - 1 : typed.start));
  const frames = framesOf(before);
  const sameLine = (unit: Unit | undefined): boolean =>
    unit !== undefined && !text.slice(isGroup(unit) ? unit.open.startOffset : endOf(unit), typed.start).includes('\n');
  const { place, inside } = placeIn(frames, sameLine);
  return { place, typed, inside };
}

const isClosed = (token: IToken): boolean => token.image.length > 1 && token.tokenType === StringLiteral;

/** The groups that are open at the end of the tokens, the outermost first; the first one is the file. */
function framesOf(tokens: readonly IToken[]): Group[] {
  const file: Group = { open: { image: '' } as IToken, units: [] };
  let frames = [file];
  for (const token of tokens) {
    const type = token.tokenType;
    // An item at the beginning of a line ends whatever was left open before.
    if (token.startColumn === 1 && frames.length > 1 && opensItem(token)) frames = [file];
    if (type === signs.LParen || type === signs.LSquare || type === signs.LCurly) {
      const group: Group = { open: token, units: [] };
      frames.at(-1)?.units.push(group);
      frames.push(group);
    } else if (type === signs.RParen || type === signs.RSquare || type === signs.RCurly) {
      const partner = type === signs.RParen ? '(' : type === signs.RSquare ? '[' : '{';
      const at = frames.findLastIndex((f) => f.open.image === partner);
      if (at > 0 && (partner === '{' || at === frames.length - 1)) frames = frames.slice(0, at);
    } else frames.at(-1)?.units.push(token);
  }
  return frames;
}

const opensItem = ({ tokenType: type }: IToken): boolean =>
  type === contextual.Import ||
  type === contextual.Experiment ||
  type === contextual.Sweep ||
  type.CATEGORIES?.includes(DefinitionWord) === true;

type SameLine = (unit: Unit | undefined) => boolean;

function placeIn(frames: readonly Group[], sameLine: SameLine): { readonly place: Place; readonly inside: string | undefined } {
  const [file, ...rest] = frames;
  const units = file?.units ?? [];
  const at = units.findLastIndex((unit) => !isGroup(unit) && opensItem(unit) && (unit.startColumn === 1 || unit === units[0]));
  const head = at < 0 ? [] : units.slice(at);
  const [first, name] = head;
  const inside = isWord(name) ? name.image : undefined;
  const [body, ...deeper] = rest;
  if (first === undefined || isGroup(first)) return { place: { kind: 'item' }, inside: undefined };
  if (first.image === 'import') return { place: importPlace(head, body, sameLine), inside: undefined };
  if (body === undefined) return { place: headPlace(first.image, head, sameLine), inside };
  if (first.image === 'sweep') return { place: { kind: 'expression' }, inside };
  if (first.image === 'experiment') return { place: inExperiment(body, deeper, sameLine), inside };
  return { place: definitionPlace(first.image, head, body, deeper, sameLine), inside };
}

function importPlace(head: readonly Unit[], body: Group | undefined, sameLine: SameLine): Place {
  const words = head.slice(1).filter((u): u is IToken => !isGroup(u));
  const string = words.find((t) => t.tokenType === StringLiteral);
  const path = words.filter(isWord).map((t) => t.image);
  if (body !== undefined) {
    const names = body.units.filter((u): u is IToken => !isGroup(u));
    const previous = names.at(-1);
    if (previous !== undefined && textOf(previous) !== ',')
      return textOf(previous) === 'as' ? { kind: 'nothing' } : { kind: 'words', words: ['as'], statement: false };
    const taken = names.filter((t, i) => isWord(t) && names[i - 1]?.image !== 'as' && t.image !== 'as').map((t) => t.image);
    return { kind: 'import-name', from: string ? unquote(string.image) : path, taken };
  }
  const last = head.at(-1);
  if (last === head[0]) return sameLine(last) ? { kind: 'import-path', parts: [] } : { kind: 'item' };
  if (textOf(last) === '.')
    return string
      ? { kind: 'nothing' }
      : path.length >= 2
        ? { kind: 'import-name', from: path, taken: [] }
        : { kind: 'import-path', parts: path };
  if (textOf(last) === 'as') return { kind: 'nothing' };
  return sameLine(last) ? { kind: 'words', words: string ? [] : ['as'], statement: false } : { kind: 'item' };
}

/** The head of an experiment or a definition, before its block. */
function headPlace(word: string, head: readonly Unit[], sameLine: SameLine): Place {
  const last = head.at(-1);
  if (isGroup(last) && last.open.image === '{') return { kind: 'item' };
  if (head.length === 1) return sameLine(last) ? { kind: 'nothing' } : { kind: 'item' };
  if (word === 'sweep') {
    if (textOf(last) === 'over' || textOf(last) === ',') return { kind: 'parent' };
    return { kind: 'words', words: head.length === 2 ? ['over'] : [], statement: false };
  }
  if (word === 'experiment') return textOf(last) === '=' ? { kind: 'parent' } : sameLine(last) ? { kind: 'nothing' } : { kind: 'item' };
  if (textOf(last) === 'on') return { kind: 'named', what: 'module' };
  if (textOf(last) === ':' || textOf(last) === '|') return { kind: 'type' };
  if (textOf(last) === 'is') return { kind: 'expression' };
  const assigned = head.findIndex((u) => textOf(u) === '=') >= 0;
  if (assigned) return sameLine(last) || isOperator(last) ? { kind: 'expression' } : { kind: 'item' };
  if (isGroup(last) && last.open.image === '(')
    return { kind: 'words', words: word === 'def' ? [] : ['on', 'is', 'for'], statement: false };
  return sameLine(last) ? { kind: 'words', words: word === 'def' ? [] : ['for'], statement: false } : { kind: 'item' };
}

/** Inside a definition: types after a colon, members where a line begins, values elsewhere. */
function definitionPlace(word: string, head: readonly Unit[], body: Group, deeper: readonly Group[], sameLine: SameLine): Place {
  const frames = [body, ...deeper];
  const inner = frames.at(-1) as Group;
  const outer = frames.at(-2);
  const last = inner.units.at(-1);
  const isParams = outer === undefined && inner.open.image === '(' && head.length === 3;
  const type = typePlace(inner, isParams);
  if (type !== undefined) return type;
  if (isParams) return textOf(last) === ',' || last === undefined ? { kind: 'nothing' } : { kind: 'expression' };
  if (inner.open.image === '(') {
    const parent = outer?.units ?? head;
    const callee = parent.at(parent.indexOf(inner) - 1);
    return isWord(callee) ? argumentPlace({ callee: callee.image, in: 'other' }, inner) : { kind: 'expression' };
  }
  if (inner.open.image === '[') return { kind: 'expression' };
  if (textOf(last) === '.') return { kind: 'nothing' };
  if (last === undefined || (!sameLine(last) && !isOperator(last))) return { kind: 'member', what: outer === undefined ? word : 'body' };
  return { kind: 'expression' };
}

function typePlace({ units }: Group, isParams: boolean): Place | undefined {
  const last = units.at(-1);
  if (textOf(last) !== ':' && textOf(last) !== '|') return undefined;
  const start = units.findLastIndex((u) => textOf(u) === ',');
  const opener = units.at(textOf(last) === ':' ? -3 : start + 1);
  return isParams || /^(let|train|frozen|param|state|save)$/.test(textOf(opener)) ? { kind: 'type' } : undefined;
}
