/**
 * @file Tokens: the words of the language and the scanner that finds them.
 *
 * Input: text. Output: tokens with offsets, lines and columns; comments apart; diagnostics for what is no token.
 *
 * Invariants: scanning never throws; every character of the text belongs to a token, a comment, white space or a
 * diagnostic. Only `reserved` words are taken from names: every other keyword also is an identifier, and the parser
 * decides by what stands beside it. Newlines are no tokens, but `startsLine` and `inParens` let the parser ask.
 */
import { createToken, Lexer, type IToken, type TokenType } from 'chevrotain';
import { codes } from './codes.js';
import type { Diagnostic, Span } from './diagnostics.js';

/** Any name: plain identifiers and contextual keywords. */
export const Identifier = createToken({ name: 'Identifier', pattern: /[A-Za-z_][A-Za-z0-9_]*/ });
/** Words that open a definition. */
export const DefinitionWord = createToken({ name: 'DefinitionWord', pattern: Lexer.NA });
/** Words that open the declaration of a tensor. */
export const StorageWord = createToken({ name: 'StorageWord', pattern: Lexer.NA });
/** What stands between two values. */
export const Operator = createToken({ name: 'Operator', pattern: Lexer.NA });
/** `or and == != < <= > >= in ?? ..` */
export const Relation = createToken({ name: 'Relation', pattern: Lexer.NA, categories: [Operator] });
/** `+ - * / % @ **` */
export const Arithmetic = createToken({ name: 'Arithmetic', pattern: Lexer.NA, categories: [Operator] });
/** `> >= < <=` after the type of a parameter. */
export const Bound = createToken({ name: 'Bound', pattern: Lexer.NA });

/** Words are scanned as identifiers and sorted out by `byText`: that is quicker than a pattern for each. */
const reserve = (text: string, ...categories: TokenType[]): TokenType =>
  createToken({ name: text.charAt(0).toUpperCase() + text.slice(1), pattern: Lexer.NA, label: text, categories });
const word = (text: string, ...more: TokenType[]): TokenType => reserve(text, Identifier, ...more);
const sign = (name: string, pattern: string, ...categories: TokenType[]): TokenType =>
  createToken({ name, pattern, label: pattern, categories });

/** Words that can be no name. */
export const reserved = {
  If: reserve('if'),
  Then: reserve('then'),
  Else: reserve('else'),
  True: reserve('true'),
  False: reserve('false'),
  None: reserve('none'),
  Not: reserve('not'),
  And: reserve('and', Relation),
  Or: reserve('or', Relation),
  Except: reserve('except'),
} as const;

/** Words that are keywords only where the grammar asks for them. */
export const contextual = {
  Import: word('import'),
  Experiment: word('experiment'),
  Sweep: word('sweep'),
  Def: word('def', DefinitionWord),
  Module: word('module', DefinitionWord),
  Model: word('model', DefinitionWord),
  Adapter: word('adapter', DefinitionWord),
  Optimizer: word('optimizer', DefinitionWord),
  Schedule: word('schedule', DefinitionWord),
  Task: word('task', DefinitionWord),
  Format: word('format', DefinitionWord),
  Param: word('param', StorageWord),
  Train: word('train', StorageWord),
  Frozen: word('frozen', StorageWord),
  State: word('state', StorageWord),
  Save: word('save', StorageWord),
  Shared: word('shared'),
  Part: word('part'),
  Let: word('let'),
  For: word('for'),
  Require: word('require'),
  Use: word('use'),
  Base: word('base'),
  Adapt: word('adapt'),
  Quantize: word('quantize'),
  From: word('from'),
  With: word('with'),
  As: word('as'),
  Role: word('role'),
  Fresh: word('fresh'),
  On: word('on'),
  Is: word('is'),
  In: word('in', Relation),
  Over: word('over'),
  When: word('when'),
  Take: word('take'),
  Seed: word('seed'),
} as const;

/** Punctuation and operators, longer ones first. */
export const signs = {
  Power: sign('Power', '**', Arithmetic),
  Star: sign('Star', '*', Arithmetic),
  Plus: sign('Plus', '+', Arithmetic),
  Minus: sign('Minus', '-', Arithmetic),
  Slash: sign('Slash', '/', Arithmetic),
  Percent: sign('Percent', '%', Arithmetic),
  At: sign('At', '@', Arithmetic),
  Equal: sign('Equal', '==', Relation),
  NotEqual: sign('NotEqual', '!=', Relation),
  LessEqual: sign('LessEqual', '<=', Relation, Bound),
  GreaterEqual: sign('GreaterEqual', '>=', Relation, Bound),
  Less: sign('Less', '<', Relation, Bound),
  Greater: sign('Greater', '>', Relation, Bound),
  Coalesce: sign('Coalesce', '??', Relation),
  Range: sign('Range', '..', Relation),
  Assign: sign('Assign', '='),
  Dot: sign('Dot', '.'),
  Comma: sign('Comma', ','),
  Colon: sign('Colon', ':'),
  Bar: sign('Bar', '|'),
  LParen: sign('LParen', '('),
  RParen: sign('RParen', ')'),
  LSquare: sign('LSquare', '['),
  RSquare: sign('RSquare', ']'),
  LCurly: sign('LCurly', '{'),
  RCurly: sign('RCurly', '}'),
} as const;

/** A number without its unit: `8`, `0.5`, `2e-5`, `1_000`. */
export const NumberLiteral = createToken({ name: 'NumberLiteral', pattern: /\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?/ });
/** A string on one line, with its quotes. */
export const StringLiteral = createToken({ name: 'StringLiteral', pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*"/ });
const OpenString = createToken({ name: 'OpenString', pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*\\?/, categories: [StringLiteral] });

const WhiteSpace = createToken({ name: 'WhiteSpace', pattern: /[ \t\r\n\uFEFF]+/, group: Lexer.SKIPPED, line_breaks: true });
const Comment = createToken({ name: 'Comment', pattern: /\/\/[^\r\n]*/, group: 'comments' });

/** Every token type, in the order in which the scanner tries them. */
export const tokenTypes: readonly TokenType[] = [
  WhiteSpace,
  Comment,
  StringLiteral,
  OpenString,
  NumberLiteral,
  Identifier,
  ...Object.values(signs),
  ...Object.values(reserved),
  ...Object.values(contextual),
  DefinitionWord,
  StorageWord,
  Operator,
  Relation,
  Arithmetic,
  Bound,
];

const byText = new Map([...Object.values(reserved), ...Object.values(contextual)].map((type) => [type.LABEL ?? type.name, type]));

/** What the scanner knows of a token beside its text. */
export interface Place {
  /** Whether the innermost open bracket is `(` or `[`, where newlines mean nothing. */
  readonly inParens: boolean;
  /** For an opening bracket: the place of its partner in `tokens`, -1 where it is missing. */
  partner: number;
}

/** What scanning a text gives. */
export interface Scan {
  readonly tokens: readonly IToken[];
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
  /** How deep brackets nest at most. */
  readonly depth: number;
}

/** The place of a token that `scan` made. */
export function placeOf(token: IToken): Place | undefined {
  return token.payload as Place | undefined;
}

/** The offset just behind a token. */
export function endOf(token: IToken): number {
  return (token.endOffset ?? token.startOffset) + 1;
}

/** What a token may be, in the order in which it is tried: longer signs stand before shorter ones. */
const kinds = [WhiteSpace, Comment, StringLiteral, OpenString, NumberLiteral, Identifier];
const signsByText = new Map(Object.values(signs).map((type) => [type.LABEL ?? type.name, type]));
const signPattern = [...signsByText.keys()].map((text) => text.replace(/\W/g, '\\$&')).join('|');

/** One pattern for all tokens, a group for each of `kinds`. */
const anyToken = new RegExp(`${kinds.map((kind) => `(${(kind.PATTERN as RegExp).source})`).join('|')}|${signPattern}`, 'y');

function typeOf(image: string, kind: TokenType | undefined): TokenType | undefined {
  if (kind === undefined) return signsByText.get(image);
  return kind === Identifier ? (byText.get(image) ?? Identifier) : kind;
}

interface Cut {
  readonly tokens: IToken[];
  readonly comments: IToken[];
  readonly strays: Span[];
}

/** Cuts a text at its tokens, as the engine's own scanner would with the same patterns; that one takes longer to set up. */
function cut(text: string, file: string): Cut {
  const found: Cut = { tokens: [], comments: [], strays: [] };
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; at = anyToken.lastIndex) {
    anyToken.lastIndex = at;
    const match = anyToken.exec(text);
    if (match === null) {
      let end = at + 1;
      for (anyToken.lastIndex = end; end < text.length && !anyToken.test(text); anyToken.lastIndex = end) end++;
      found.strays.push({ file, start: at, end });
      anyToken.lastIndex = end;
      continue;
    }
    const image = match[0];
    const kind = kinds.find((_, i) => match[i + 1] !== undefined);
    if (kind === WhiteSpace) {
      for (const end of image.matchAll(/\r\n|\r|\n/g)) {
        line++;
        lineStart = at + end.index + end[0].length;
      }
      continue;
    }
    const tokenType = typeOf(image, kind) as TokenType & { readonly tokenTypeIdx: number };
    const endOffset = at + image.length - 1;
    (kind === Comment ? found.comments : found.tokens).push({
      image,
      startOffset: at,
      endOffset,
      startLine: line,
      endLine: line,
      startColumn: at - lineStart + 1,
      endColumn: endOffset - lineStart + 1,
      tokenTypeIdx: tokenType.tokenTypeIdx,
      tokenType,
    });
  }
  return found;
}

/** Cuts a text into tokens. */
export function scan(text: string, file: string): Scan {
  const { tokens, comments, strays } = cut(text, file);
  const diagnostics = strays.slice(0, maxStrays).map((span) => stray(text, span));
  for (const token of tokens) {
    if (token.tokenType === NumberLiteral) checkNumber(token, file, diagnostics);
    else if (token.tokenType === OpenString) diagnostics.push(openString(token, file));
    else if (token.tokenType === StringLiteral && token.image.includes('\\')) checkEscapes(token, file, diagnostics);
  }
  return { tokens, comments, diagnostics, depth: placeTokens(tokens) };
}

const maxStrays = 50;

/** Gives every token of one parser input its place; returns the deepest nesting. */
export function placeTokens(tokens: readonly IToken[]): number {
  const open: { readonly token: IToken; readonly curly: boolean }[] = [];
  let deepest = 0;
  tokens.forEach((token, index) => {
    const top = open.at(-1);
    const place: Place = { inParens: top !== undefined && !top.curly, partner: -1 };
    token.payload = place;
    const type = token.tokenType;
    if (type === signs.LParen || type === signs.LSquare || type === signs.LCurly) {
      open.push({ token, curly: type === signs.LCurly });
      deepest = Math.max(deepest, open.length);
    } else if (type === signs.RParen || type === signs.RSquare || type === signs.RCurly) {
      const curly = type === signs.RCurly;
      // A `}` closes whatever `(` was left open inside its block; a stray `)` closes nothing.
      if (curly) while (open.length > 0 && !open.at(-1)!.curly) open.pop();
      const partner = open.at(-1);
      if (partner && partner.curly === curly) {
        open.pop();
        const opened = placeOf(partner.token);
        if (opened) opened.partner = index;
      }
    }
  });
  return deepest;
}

const looksLike: readonly (readonly [string, string])[] = [
  [';', 'statements end with their line; leave the `;` out'],
  ["'", 'strings stand in double quotes: "…"'],
  ['`', 'strings stand in double quotes: "…"'],
  ['#', 'comments begin with `//`'],
  ['&', 'write `and`'],
  ['!', 'write `not`'],
  ['^', 'powers are written `**`'],
  ['\\', 'a line needs no mark to go on on the next one'],
  ['\0', 'the file may be binary or in another encoding than UTF-8'],
  ['\uFFFD', 'the file may be binary or in another encoding than UTF-8'],
];

function stray(text: string, span: Span): Diagnostic {
  const found = text.slice(span.start, span.end);
  const first = String.fromCodePoint(found.codePointAt(0) ?? 0);
  const help =
    looksLike.find(([sign]) => first === sign)?.[1] ??
    (/\p{L}/u.test(first) ? 'names are made of the letters a to z, digits and `_`' : undefined);
  return {
    code: codes.character,
    severity: 'error',
    message: /^[!-~]+$/.test(found)
      ? `unexpected \`${found}\``
      : `unexpected character U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
    span,
    ...(help === undefined ? {} : { help }),
  };
}

function openString(token: IToken, file: string): Diagnostic {
  return {
    code: codes.openString,
    severity: 'error',
    message: 'this string has no end on its line',
    span: { file, start: token.startOffset, end: endOf(token) },
    help: 'close it with `"`; a line break inside a string is written `\\n`',
  };
}

function checkNumber(token: IToken, file: string, out: Diagnostic[]): void {
  const span: Span = { file, start: token.startOffset, end: endOf(token) };
  const text = token.image;
  if (/^0[\d_]/.test(text)) {
    const plain = text.replace(/^[0_]+(?=\d)/, '');
    out.push({
      code: codes.number,
      severity: 'error',
      message: 'a number does not begin with 0',
      span,
      help: `write \`${plain}\``,
      fix: { title: `write \`${plain}\``, edits: [{ span, text: plain }] },
    });
  } else if (/__|_(?!\d)/.test(text)) {
    out.push({ code: codes.number, severity: 'error', message: '`_` stands between two digits of a number', span });
  } else if (!Number.isFinite(Number(text.replaceAll('_', '')))) {
    out.push({ code: codes.number, severity: 'error', message: 'this number is too large', span });
  }
}

const escape = /\\(?:u\{([0-9A-Fa-f]{1,6})\}|([\s\S]))/g;

function checkEscapes(token: IToken, file: string, out: Diagnostic[]): void {
  for (const match of token.image.slice(1, -1).matchAll(escape)) {
    const [whole, hex, letter] = match;
    if (hex !== undefined ? parseInt(hex, 16) <= 0x10ffff : 'nt"\\'.includes(letter ?? '')) continue;
    const start = token.startOffset + 1 + match.index;
    out.push({
      code: codes.escape,
      severity: 'error',
      message: `unknown escape \`${whole}\` in a string`,
      span: { file, start, end: start + whole.length },
      help: 'the escapes are \\n, \\t, \\", \\\\ and \\u{…}',
    });
  }
}

/** The value of a string as it was written, quotes included. */
export function unquote(image: string): string {
  const inner = image.length > 1 && image.endsWith('"') ? image.slice(1, -1) : image.slice(1);
  return inner.replace(escape, (whole: string, hex?: string, letter?: string) => {
    if (hex !== undefined) return parseInt(hex, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(hex, 16)) : whole;
    if (letter === 'n') return '\n';
    if (letter === 't') return '\t';
    return letter === '"' || letter === '\\' ? letter : whole;
  });
}

/** A string as it is written, quotes included; `unquote` undoes it. */
export function quote(value: string): string {
  const inner = value.replace(/["\\\n\t]|[\u0000-\u001f\u007f\u0085\u2028\u2029\uFEFF\uD800-\uDFFF]/gu, (found) => {
    if (found === '\n') return '\\n';
    if (found === '\t') return '\\t';
    return found === '"' || found === '\\' ? `\\${found}` : `\\u{${found.codePointAt(0)!.toString(16)}}`;
  });
  return `"${inner}"`;
}
