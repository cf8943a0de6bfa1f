/**
 * @file The cursor inside an experiment: which part of which statement is wanted, which field or value of a section.
 */
import type { IToken } from 'chevrotain';
import type { DefinitionKind } from '../../grammar/ast.js';
import { NumberLiteral, StringLiteral } from '../../grammar/tokens.js';
import { unitWords } from '../../compiler/elaborate/value.js';
import { argumentPlace, isGroup, isOperator, isWord, textOf, type Call, type Group, type Place, type Unit } from './place.js';

/** The words that open a statement; a section opens with its name. */
const openers = ['base', 'adapt', 'quantize', 'train'] as const;

/** What an open bracket after a part of a statement belongs to. */
type Opened =
  | { readonly kind: 'section'; readonly name: string }
  | { readonly kind: 'selector'; readonly path: string }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'none' };

/** Where a statement stands after the units so far: what may come next, and what an open bracket would mean. */
interface State {
  readonly place: Place;
  readonly opened: (open: string) => Opened;
}

const none: Opened = { kind: 'none' };
const words = (list: readonly string[], statement = false): Place => ({ kind: 'words', words: list, statement });

/** The place in the block of an experiment; `deeper` are the groups that are open inside it. */
export function inExperiment(body: Group, deeper: readonly Group[], sameLine: (unit: Unit | undefined) => boolean): Place {
  const [inner, ...rest] = deeper;
  if (inner === undefined) return after(body.units, sameLine).place;
  const opened = after(body.units, sameLine, inner).opened(inner.open.image);
  switch (opened.kind) {
    case 'section':
      return inSection(opened.name, inner, rest, sameLine);
    case 'call':
      return inCall(opened.call, inner, rest);
    case 'selector':
      return inSelector(opened.path, inner, rest);
    case 'none':
      return { kind: 'nothing' };
    default:
      return opened satisfies never;
  }
}

/** Reads the statements of a block from the beginning; each unit belongs to the statement that is open, or begins the next. */
function after(units: readonly Unit[], sameLine: (unit: Unit | undefined) => boolean, open?: Group): State {
  let start = 0;
  units.forEach((_, i) => {
    if (i > start && beginsStatement(units, i, start)) start = i;
  });
  // The group that is open belongs to what stands before it.
  const own = units.slice(start).filter((unit) => unit !== open);
  const [first, second] = own;
  if (first === undefined) return { place: { kind: 'statement' }, opened: () => none };
  const word = textOf(first);
  if (isGroup(second) && second.open.image === '{') return { place: { kind: 'statement' }, opened: () => none };
  if (word === 'base') return afterBase(own);
  if (word === 'adapt') return afterSelector(own, 'with', 'adapter', sameLine);
  if (word === 'quantize') return afterSelector(own, 'as', 'format', sameLine);
  if (word === 'train') return afterSelector(own, undefined, 'def', sameLine);
  return {
    place: sameLine(first) ? { kind: 'nothing' } : { kind: 'statement' },
    opened: (open) => (open === '{' ? { kind: 'section', name: word } : none),
  };
}

/** Whether a unit begins a statement: an opener where the one before is whole or a line begins, or a name before a `{`. */
function beginsStatement(units: readonly Unit[], i: number, start: number): boolean {
  const unit = units[i];
  const previous = units[i - 1];
  if (!isWord(unit) || textOf(previous) === '.') return false;
  const next = units[i + 1];
  const wants = /^(\+|except|and|from|with|for|as|base|adapt|quantize|train)$/.test(textOf(previous)) && i - 1 >= start;
  if ((openers as readonly string[]).includes(unit.image)) {
    if (textOf(previous) === 'for' || textOf(previous) === 'from') return false;
    return !wants || breaks(previous, unit);
  }
  return isGroup(next) && next.open.image === '{' && !wants;
}

/** Whether a line ends between two units. */
const breaks = (a: Unit | undefined, b: IToken): boolean => a !== undefined && !isGroup(a) && (a.endLine ?? 0) < (b.startLine ?? 0);

function afterBase(own: readonly Unit[]): State {
  const at = (word: string): number => own.findIndex((u, i) => i > 0 && textOf(u) === word);
  const [from, using, task] = [at('from'), at('with'), at('for')];
  const call = (callee: string, where: Call['in']): Opened => ({ kind: 'call', call: { callee, in: where } });
  if (task > 0) {
    const rest = own.slice(task + 1);
    if (rest.length === 0) return { place: { kind: 'named', what: 'task' }, opened: () => none };
    return { place: { kind: 'statement' }, opened: (open) => (open === '(' && rest.length === 1 ? call(textOf(rest[0]), 'task') : none) };
  }
  if (using > 0) {
    const rest = own.slice(using + 1);
    return rest.length === 0
      ? { place: { kind: 'nothing' }, opened: (open) => (open === '(' ? call(textOf(own[1]), 'overrides') : none) }
      : { place: words(['for']), opened: () => none };
  }
  if (from > 0) {
    const rest = own.slice(from + 1);
    if (rest.length === 0) return { place: { kind: 'base-source' }, opened: () => none };
    return {
      place: words(['with', 'for']),
      opened: (open) => (open === '(' && rest.length === 1 ? call(textOf(rest[0]), 'source') : none),
    };
  }
  return own.length === 1
    ? { place: { kind: 'named', what: 'model' }, opened: () => none }
    : { place: words(['from']), opened: () => none };
}

/** `adapt`, `quantize` and `train`: a selector, then a word and what is called; `train` ends with its selector. */
function afterSelector(
  own: readonly Unit[],
  word: string | undefined,
  what: DefinitionKind,
  sameLine: (unit: Unit | undefined) => boolean,
): State {
  const at = word === undefined ? -1 : own.findIndex((u, i) => i > 0 && textOf(u) === word);
  if (at > 0) {
    const rest = own.slice(at + 1);
    if (rest.length === 0) return { place: { kind: 'named', what }, opened: () => none };
    return {
      place: { kind: 'statement' },
      opened: (open) => (open === '(' && rest.length === 1 ? { kind: 'call', call: { callee: textOf(rest[0]), in: what } } : none),
    };
  }
  return selectorState(own.slice(1), word, sameLine);
}

const operators = ['+', 'except', 'and'];

function selectorState(units: readonly Unit[], word: string | undefined, sameLine: (unit: Unit | undefined) => boolean): State {
  const last = units.at(-1);
  const path = pathBefore(units);
  const opened = (open: string): Opened => (open === '{' || open === '(' ? { kind: 'selector', path: open === '{' ? path : '' } : none);
  if (last === undefined || operators.includes(textOf(last))) return { place: { kind: 'role', path: '' }, opened };
  if (textOf(last) === '.') return { place: { kind: 'role', path }, opened };
  const next = [...operators.slice(1), ...(word === undefined ? [] : [word])];
  return { place: word === undefined && !sameLine(last) ? { kind: 'statement' } : words(next, word === undefined), opened };
}

/** The path that ends at the units' end, up to its last dot: `layers[0..2].attention.`. */
function pathBefore(units: readonly Unit[]): string {
  let text = '';
  for (let i = units.length - 1; i >= 0; i--) {
    const unit = units[i] as Unit;
    if (!isGroup(unit) && (operators.includes(unit.image) || unit.tokenType === StringLiteral)) break;
    const part = isGroup(unit)
      ? `${unit.open.image}${unit.units.map(textOf).join(unit.open.image === '{' ? '' : '')}${unit.open.image === '[' ? ']' : '}'}`
      : unit.image;
    text = part + text;
  }
  return text.endsWith('.') ? text : '';
}

function inSelector(path: string, inner: Group, rest: readonly Group[]): Place {
  const [next, ...more] = rest;
  if (inner.open.image === '{') {
    const last = inner.units.at(-1);
    return last === undefined || textOf(last) === ',' ? { kind: 'role', path } : { kind: 'nothing' };
  }
  const state = selectorState(next === undefined ? inner.units : inner.units.slice(0, -1), undefined, () => true);
  if (next === undefined) return state.place;
  const opened = state.opened(next.open.image);
  return opened.kind === 'selector' ? inSelector(opened.path, next, more) : { kind: 'nothing' };
}

function inSection(section: string, inner: Group, rest: readonly Group[], sameLine: (unit: Unit | undefined) => boolean): Place {
  const { units } = inner;
  const colon = units.findLastIndex((u, i) => textOf(u) === ':' && isWord(units[i - 1]));
  const field = colon > 0 ? textOf(units[colon - 1]) : '';
  const [next, ...more] = rest;
  if (next !== undefined) {
    const callee = units.at(units.indexOf(next) - 1);
    return next.open.image === '(' && isWord(callee)
      ? inCall({ callee: callee.image, in: 'other', field: { section, field } }, next, more)
      : { kind: 'nothing' };
  }
  const taken = units.filter((u, i): u is IToken => isWord(u) && textOf(units[i + 1]) === ':').map((t) => t.image);
  const names: Place = { kind: 'field', section, taken };
  const last = units.at(-1);
  if (last === undefined || textOf(last) === ',') return names;
  const value: Place = { kind: 'field-value', section, field };
  if (colon === units.length - 1 && colon > 0) return value;
  if (!isGroup(last) && last.tokenType === NumberLiteral) return sameLine(last) ? { kind: 'unit', of: value, else: names } : names;
  // The name of a field waits for its colon.
  const previous = units.at(-2);
  const isUnit =
    previous !== undefined && !isGroup(previous) && previous.tokenType === NumberLiteral && Object.hasOwn(unitWords, textOf(last));
  const waits = isWord(last) && textOf(previous) !== ':' && !isOperator(previous) && !isUnit;
  return waits && sameLine(last) ? { kind: 'nothing' } : names;
}

function inCall(call: Call, inner: Group, rest: readonly Group[]): Place {
  const [next, ...more] = rest;
  if (next === undefined) return argumentPlace(call, inner);
  const callee = inner.units.at(inner.units.indexOf(next) - 1);
  return next.open.image === '(' && isWord(callee) ? inCall({ callee: callee.image, in: 'other' }, next, more) : { kind: 'nothing' };
}
