/**
 * @file Parse: text → Ast and syntax errors. Never throws.
 *
 * A text without errors is parsed once. Otherwise its braces are made even where the indentation says how, and it is cut at the words that
 * open an item at the beginning of a line; each piece is parsed alone, so that a missing brace in one item does not hide the errors of the next.
 */
import { EOF, type IRecognitionException, type IToken } from 'chevrotain';
import type { File } from './ast.js';
import { evenBraces, type Evened } from './braces.js';
import { buildBlock, buildFile } from './build.js';
import { maxDepth, type Build } from './build-expression.js';
import { codes } from './codes.js';
import type { FileCstNode } from './cst.js';
import type { Diagnostic, Outcome, Span } from './diagnostics.js';
import { sharedParser } from './parser.js';
import { explainFault, faultOf, neverClosed, unexpected } from './syntax-error.js';
import { contextual, DefinitionWord, endOf, placeTokens, scan, signs, type Scan } from './tokens.js';
import { triviaCursor } from './trivia.js';

/** How many errors are told about one file; what follows them mostly follows from them. */
const maxErrors = 50;

/** Parses a text; `file` is its name in spans. */
export function parseFile(text: string, file: string): Outcome<File> {
  const scanned = scan(text, file);
  if (scanned.depth > maxDepth) return refused(text, file, scanned);
  try {
    const parsed = parseTokens(scanned.tokens, file, text);
    const build: Build = { file, text, trivia: triviaCursor(text, scanned.comments), diagnostics: [], depth: 0, members: buildBlock };
    const value = buildFile(build, parsed.roots);
    return { value, diagnostics: ordered([...scanned.diagnostics, ...parsed.diagnostics, ...build.diagnostics], text) };
  } catch (error) {
    // The parser's own recursion is the one thing that is not counted; it ends far above `maxDepth`.
    if (error instanceof RangeError) return refused(text, file, scanned);
    throw error;
  }
}

function refused(text: string, file: string, scanned: Scan): Outcome<File> {
  const span: Span = { file, start: 0, end: text.length };
  const nesting: Diagnostic = {
    code: codes.nesting,
    severity: 'error',
    message: 'brackets or conditions nest too deep',
    span: deepest(scanned.tokens, file),
    help: `at most ${maxDepth} levels can stand in each other`,
  };
  return {
    value: { kind: 'file', imports: [], items: [{ kind: 'error', text, span }], tail: [], span },
    diagnostics: ordered([...scanned.diagnostics, nesting], text),
  };
}

function deepest(tokens: readonly IToken[], file: string): Span {
  let depth = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    if (type === signs.LParen || type === signs.LSquare || type === signs.LCurly) depth++;
    else if (type === signs.RParen || type === signs.RSquare || type === signs.RCurly) depth--;
    if (depth > maxDepth) return { file, start: token.startOffset, end: endOf(token) };
  }
  const first = tokens[0];
  return { file, start: first?.startOffset ?? 0, end: first ? endOf(first) : 0 };
}

interface Parsed {
  readonly roots: readonly FileCstNode[];
  readonly diagnostics: readonly Diagnostic[];
}

function parseTokens(tokens: readonly IToken[], file: string, text: string): Parsed {
  const whole = parsePiece(tokens, file, text.length);
  if (whole.diagnostics.length === 0) return whole;
  const evened = evenBraces(tokens);
  const pieces = cut(evened?.tokens ?? tokens);
  if (pieces.length < 2 && evened === undefined) return whole;
  const parsed = pieces.map((piece) => parsePiece(piece, file, text.length));
  const found = parsed.flatMap((piece) => piece.diagnostics);
  return { roots: parsed.flatMap((piece) => piece.roots), diagnostics: [...found, ...(evened ? unevenBraces(evened, found, file) : [])] };
}

/** What is said about braces that do not come in pairs. Where the parser has missed the `{` of a `}`, or the end of a list of names, that is enough. */
function unevenBraces({ unclosed, extra }: Evened, found: readonly Diagnostic[], file: string): Diagnostic[] {
  const missed = (from: number, to: number): boolean => found.some(({ span }) => span.start >= from && span.start < to);
  const open = unclosed.filter(({ token, at, names }) => !names || !missed(token.startOffset, at));
  const lone = extra.filter(({ token, from }) => !missed(from, token.startOffset));
  return [
    ...open.map(({ token, at }) => neverClosed(token, file, { file, start: at, end: at })),
    ...lone.map(({ token }) => unexpected({ token, rules: [] }, file, token.startOffset)),
  ];
}

function parsePiece(tokens: readonly IToken[], file: string, end: number): Parsed {
  const parser = sharedParser();
  placeTokens(tokens);
  parser.input = [...tokens];
  parser.strays = [];
  const root = parser.file() as FileCstNode;
  // What is missing at the end is told once; every rule that was open there misses something.
  const first = parser.errors.findIndex((error) => error.token.tokenType === EOF);
  const faults = parser.errors
    .filter((error, index) => error.token.tokenType !== EOF || index === first)
    .map((error: IRecognitionException) => explainFault(faultOf(error), tokens, file, end));
  const strays = parser.strays.map((stray) => unexpected(stray, file, end));
  parser.input = [];
  return { roots: [root], diagnostics: [...faults, ...strays] };
}

/** Cuts tokens before each word that opens an item at the beginning of a line. */
function cut(tokens: readonly IToken[]): IToken[][] {
  const depths: number[] = [];
  let depth = 0;
  let stray = false;
  for (const token of tokens) {
    depths.push(depth);
    if (token.tokenType === signs.LCurly) depth++;
    else if (token.tokenType === signs.RCurly) depth--;
    if (depth < 0) stray = true;
  }
  // Where braces balance, an item word at the beginning of a line inside braces is only badly indented.
  const balanced = depth === 0 && !stray;
  const pieces: IToken[][] = [];
  tokens.forEach((token, index) => {
    const opens = token.startColumn === 1 && opensItem(token, tokens[index + 1]) && (!balanced || depths[index] === 0);
    if (opens || pieces.length === 0) pieces.push([]);
    pieces.at(-1)?.push(token);
  });
  return pieces;
}

function opensItem(token: IToken, next: IToken | undefined): boolean {
  const type = token.tokenType;
  const opens = type === contextual.Import || type === contextual.Experiment || type.CATEGORIES?.includes(DefinitionWord) === true;
  return opens && next !== undefined && next.startLine === token.startLine && /^["A-Za-z_]/.test(next.image);
}

/** Sorts by place; of several errors at one place, or behind a misspelt word on its line, keeps the first. */
function ordered(diagnostics: readonly Diagnostic[], text: string): Diagnostic[] {
  const kept: Diagnostic[] = [];
  for (const each of [...diagnostics].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end)) {
    const last = kept.at(-1);
    const sameLine = last !== undefined && !/[\r\n]/.test(text.slice(last.span.start, each.span.start));
    const follows = sameLine && (last.code === codes.statement || (last.code === codes.character && last.message === each.message));
    if (last?.span.start !== each.span.start && !follows) kept.push(each);
    if (kept.length === maxErrors) break;
  }
  return kept;
}
