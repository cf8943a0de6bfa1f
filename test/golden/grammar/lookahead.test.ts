/**
 * @file A parser that is given its lookahead reads every text as one that works it out: right texts, and the same with a token
 * taken out or doubled.
 */
import type { CstElement, CstNode, IToken } from 'chevrotain';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeLookahead, type Choosing, type Lookahead } from '../../../grammar/lookahead.js';
import { PeftParser } from '../../../grammar/parser.js';
import { placeTokens, scan } from '../../../grammar/tokens.js';

const stdlib = new URL('../../../stdlib/', import.meta.url);
const texts = readdirSync(stdlib, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.peft'))
  .map((path) => readFileSync(new URL(path, stdlib), 'utf8').slice(0, 6000));
const experiments = [
  'import std.adapters.{a as b}\nexperiment e = d {\n base m from "x" with (k: 1, l: 2) for t(n: 2)\n adapt a[0..2, 5].{b, c} + (d except "e.*") with f(1)\n train h\n data { text: "t", n: 3 tokens }\n}\n',
];

type Reading = readonly unknown[];

const shown = (element: CstElement): unknown => ('image' in element ? `${element.tokenType.name}@${element.startOffset}` : node(element));
const node = (cst: CstNode): unknown => [cst.name, cst.location?.startOffset, cst.location?.endOffset, cst.recoveredNode, Object.entries(cst.children).map(([key, all]) => [key, all.map(shown)])];

function read(parser: PeftParser, tokens: readonly IToken[]): Reading {
  placeTokens(tokens);
  parser.input = [...tokens];
  parser.strays = [];
  const root = node(parser['file']());
  const errors = parser.errors.map((e) => [e.name, e.message, e.token.startOffset, e.context.ruleStack]);
  return [root, errors, parser.strays.map((s) => [s.token.startOffset, s.previous.startOffset, s.rules])];
}

/** The tokens of all texts, then each text with one token taken out or doubled, at places spread over it. */
const inputs = [...texts, ...experiments].flatMap((text) => {
  const { tokens } = scan(text, 'a.peft');
  const places = Array.from({ length: 12 }, (_, i) => Math.floor(((i + 0.5) * tokens.length) / 12));
  const changed = places.map((at, i) => (i % 2 === 0 ? tokens.toSpliced(at, 1) : tokens.toSpliced(at, 0, tokens[at] as IToken)));
  return [tokens, ...changed];
});

const whole = new PeftParser({ validate: false });
const expected = inputs.map((tokens) => read(whole, tokens));
const known = describeLookahead(whole as unknown as Choosing);
const differing = (lookahead: Lookahead): number => {
  const parser = new PeftParser({ validate: false, lookahead: JSON.parse(JSON.stringify(lookahead)) as Lookahead });
  return inputs.filter((tokens, i) => JSON.stringify(read(parser, tokens)) !== JSON.stringify(expected[i])).length;
};

test('it reads all texts alike', () => {
  expect(expected.filter(([, errors]) => (errors as unknown[]).length > 0).length).toBeGreaterThan(50);
  expect(differing(known)).toBe(0);
});

test('it works out itself what stands behind a repetition that no text had', () => {
  expect(differing({ ...known, after: [] })).toBe(0);
});

test('another lookahead reads them otherwise', () => {
  const narrowed = known.choices.map(([key, ways]) => [key, ways.map(([alternatives, tokens]) => [alternatives, tokens.slice(1)] as const)] as const);
  expect(differing({ ...known, choices: narrowed })).toBeGreaterThan(0);
  expect(differing({ ...known, after: known.after.map(([key, , occurrence, ends]) => [key, 0, occurrence, ends] as const) })).toBeGreaterThan(0);
});
