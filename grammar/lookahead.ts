/**
 * @file Lookahead worked out ahead of time: what the engine finds by recording and walking the whole grammar, as plain data.
 *
 * The build takes it from a parser that has done so and hands it to the command, which then starts without that work. Where
 * something is missing here, the engine works it out as ever. Tokens are named by their place in `tokenTypes`, EOF comes last.
 */
import { EOF, type TokenType } from 'chevrotain';
import { tokenTypes } from './tokens.js';

/** All choices of a grammar. */
export interface Lookahead {
  /** By the engine's key of a choice: alternatives, each time with the tokens that lead to just these. What is optional has the alternative 0. */
  readonly choices: readonly (readonly [
    key: number,
    ways: readonly (readonly [alternatives: readonly number[], tokens: readonly number[]])[],
  ])[];
  /** By the engine's key of a repetition: the token behind it, which one of that type in its rule, and whether the rule ends there. */
  readonly after: readonly (readonly [key: number, token: number | null, occurrence: number | null, endsRule: boolean])[];
}

/** A function that says which way to go: the place of an alternative, or whether what is optional is there. */
export type Choice = (this: unknown, alternatives?: readonly { readonly GATE?: () => boolean }[]) => unknown;

/** What stands behind a repetition. */
export interface AfterRepetition {
  readonly token: TokenType | undefined;
  readonly occurrence: number | undefined;
  readonly isEndOfRule: boolean;
}

/** The part of a parser that this file is about, beyond its declared interface (its version is pinned). */
export interface Choosing {
  readonly lookAheadFuncsCache: Map<number, Choice>;
  readonly firstAfterRepMap: Record<number, AfterRepetition>;
}

interface Reader {
  readonly LA: (k: number) => { readonly tokenTypeIdx: number };
}

const numbered = [...tokenTypes, EOF] as readonly (TokenType & { readonly tokenTypeIdx: number })[];

/** The most alternatives that a choice may have. */
const mostAlternatives = 32;

/** Whether a key is that of a choice between alternatives. */
const isAlternation = (key: number): boolean => ((key >> 8) & 15) === 1;

/** Asks a parser for all its choices; of repetitions it knows those that a text had. */
export function describeLookahead({ lookAheadFuncsCache, firstAfterRepMap }: Choosing): Lookahead {
  const ask = (choice: Choice, type: (typeof numbered)[number], given?: readonly { readonly GATE?: () => boolean }[]): unknown => {
    const token = { tokenTypeIdx: type.tokenTypeIdx, tokenType: type };
    return choice.call({ LA: () => token, LA_FAST: () => token }, given);
  };
  const closed = { GATE: () => false };
  const gates = Array.from({ length: mostAlternatives }, (_, open) =>
    Array.from({ length: mostAlternatives }, (_, i) => (i === open ? {} : closed)),
  );
  const choices = [...lookAheadFuncsCache].map(([key, choice]) => {
    const ways = new Map<string, { readonly alternatives: readonly number[]; readonly tokens: number[] }>();
    numbered.forEach((type, index) => {
      const answers = isAlternation(key) ? gates.map((given) => ask(choice, type, given)) : [ask(choice, type) === true ? 0 : undefined];
      const alternatives = [...new Set(answers.filter((a): a is number => typeof a === 'number'))].sort((a, b) => a - b);
      const name = alternatives.join();
      if (!ways.has(name)) ways.set(name, { alternatives, tokens: [] });
      ways.get(name)?.tokens.push(index);
    });
    return [key, [...ways.values()].filter((w) => w.alternatives.length > 0).map((w) => [w.alternatives, w.tokens] as const)] as const;
  });
  const place = (type: TokenType | undefined): number | null => (type === undefined ? null : numbered.findIndex((t) => t === type));
  const after = Object.entries(firstAfterRepMap).map(
    ([key, a]) => [Number(key), place(a.token), a.occurrence ?? null, a.isEndOfRule] as const,
  );
  return { choices, after };
}

/** Gives a parser what was described. */
export function installLookahead({ lookAheadFuncsCache, firstAfterRepMap }: Choosing, { choices, after }: Lookahead): void {
  for (const [key, ways] of choices) lookAheadFuncsCache.set(key, choiceOf(isAlternation(key), ways));
  for (const [key, token, occurrence, isEndOfRule] of after) {
    firstAfterRepMap[key] = { token: token === null ? undefined : numbered[token], occurrence: occurrence ?? undefined, isEndOfRule };
  }
}

function choiceOf(between: boolean, ways: Lookahead['choices'][number][1]): Choice {
  const byToken: (readonly number[])[] = [];
  for (const [alternatives, tokens] of ways)
    for (const token of tokens) byToken[(numbered[token] as (typeof numbered)[number]).tokenTypeIdx] = alternatives;
  if (!between)
    return function () {
      return byToken[(this as Reader).LA(1).tokenTypeIdx] !== undefined;
    };
  return function (given) {
    return byToken[(this as Reader).LA(1).tokenTypeIdx]?.find((alternative) => given?.[alternative]?.GATE?.call(this) !== false);
  };
}
