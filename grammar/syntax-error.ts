/**
 * @file Syntax errors: what the parser found, said in words.
 *
 * Input: an exception of the parser (what it expected, in which rule, at which token). Output: a diagnostic that says
 * what was expected after what, points at the place, names the bracket that was left open, and suggests the keyword
 * that was meant.
 */
import { EOF, type IRecognitionException, type IToken, type TokenType } from 'chevrotain';
import { closest } from './closest.js';
import { codes } from './codes.js';
import type { Diagnostic, Note, Span } from './diagnostics.js';
import { contextual, endOf, Identifier, NumberLiteral, reserved, signs, StringLiteral, tokenTypes } from './tokens.js';

/** One syntax error before it has words: where, in which rules, and which token was expected (or several, then none). */
export interface SyntaxFault {
  readonly token: IToken;
  readonly previous: IToken | undefined;
  readonly rules: readonly string[];
  readonly expected: TokenType | undefined;
}

const typeByName = new Map(tokenTypes.map((type) => [type.name, type]));

/** The fault that an exception of the parser stands for; the message provider left the expected token's name in it. */
export function faultOf(exception: IRecognitionException & { readonly previousToken?: IToken }): SyntaxFault {
  return {
    token: exception.token,
    previous: exception.previousToken,
    rules: exception.context.ruleStack,
    expected: exception.name === 'MismatchedTokenException' ? typeByName.get(exception.message) : undefined,
  };
}

/** The words that may open an item, a member and a statement. */
const itemWords = ['import', 'experiment', 'sweep', 'def', 'module', 'model', 'adapter', 'optimizer', 'schedule', 'task', 'format'];
const memberWords = ['param', 'train', 'frozen', 'state', 'save', 'part', 'let', 'for', 'require', 'use'];
/** Words with which a statement goes on: misspelt, they seem to begin the next one. */
const goingOn = ['with', 'for', 'except', 'and'];
const statementWords = ['base', 'quantize', 'adapt', 'train', 'data', 'tune', 'budget'];

/** The diagnostic for a fault among the tokens of one file. */
export function explainFault(fault: SyntaxFault, tokens: readonly IToken[], file: string, end: number): Diagnostic {
  const place = placeOfFault(fault, file, end);
  const rule = fault.rules.at(-1) ?? 'file';
  const { expected, token, previous } = fault;
  const make = (code: string, message: string, span: Span = place, help?: string, notes: readonly Note[] = []): Diagnostic => ({
    code,
    severity: 'error',
    message,
    span,
    ...(notes.length > 0 ? { notes } : {}),
    ...(help === undefined ? {} : { help }),
  });

  if (expected === signs.RParen || expected === signs.RSquare || expected === signs.RCurly) {
    const open = openBracket(tokens, token, expected);
    const close = pictureOf(expected);
    const last = open === undefined ? undefined : endOfLines(tokens, open, token, file);
    const atEnd = token.tokenType === EOF || previous?.endLine !== token.startLine || last !== undefined;
    if (open && atEnd) return neverClosed(open, file, last ?? place);
    const separators = expected === signs.RCurly && rule !== 'pathStep' && rule !== 'importItem' ? '' : '`,` or ';
    return make(
      codes.sign,
      `expected ${separators}\`${close}\` ${after(previous)}`,
      place,
      undefined,
      open && open !== previous
        ? [{ message: `\`${open.image}\` stands here`, span: { file, start: open.startOffset, end: endOf(open) } }]
        : [],
    );
  }
  if (rule === 'section' && expected === signs.LCurly && previous && !fault.rules.slice(-3).includes('member')) {
    const meant = closest(previous.image, statementWords) ?? closest(previous.image, goingOn);
    const span = { file, start: previous.startOffset, end: endOf(previous) };
    if (meant === previous.image) return make(codes.sign, `expected \`{\` ${after(previous)}`);
    return make(
      codes.statement,
      `unknown statement \`${previous.image}\``,
      span,
      meant === undefined ? `an experiment is made of ${list(statementWords)}` : `did you mean \`${meant}\`?`,
    );
  }
  if (expected === undefined && isValueRule(rule))
    return make(
      codes.value,
      `expected a value ${after(previous)}`,
      place,
      token.tokenType === signs.Slash ? 'comments begin with `//`' : reservedHelp(token),
    );
  if (expected === undefined && (rule === 'typeOption' || rule === 'dims' || rule === 'dim'))
    return make(codes.type, `expected a type ${after(previous)}`, place, reservedHelp(token));
  if (expected === undefined && rule === 'body') return make(codes.sign, `expected \`=\` or \`{\` ${after(previous)}`);
  if (expected === undefined && (rule === 'selectorTerm' || rule === 'pathStep')) {
    return make(codes.name, `expected the role or the name of a module ${after(previous)}`, place, reservedHelp(token));
  }
  if (expected === undefined && rule === 'importItem')
    return make(
      codes.name,
      `expected what to import ${after(previous)}`,
      place,
      'write `import std.adapters.{name}` or `import "./file.peft".{name}`',
    );
  if (expected === Identifier) return make(codes.name, `expected a name ${after(previous)}`, place, reservedHelp(token));
  if (expected === StringLiteral) return make(codes.sign, `expected a string in double quotes ${after(previous)}`);
  if (expected === NumberLiteral) return make(codes.sign, `expected a number ${after(previous)}`);
  if (expected === signs.Comma && rule === 'require')
    return make(codes.sign, 'expected `,` and a message after the condition', place, 'write `require condition, "what is wrong"`');
  if (expected !== undefined)
    return make(codes.sign, `expected \`${pictureOf(expected)}\` ${after(previous)}`, place, misspelt(token, expected, rule));
  return unexpected(fault, file, end);
}

/** The diagnostic for a bracket without its partner, which was expected somewhere. */
export function neverClosed(open: IToken, file: string, expectedAt: Span): Diagnostic {
  const partner = open.tokenType === signs.LParen ? signs.RParen : open.tokenType === signs.LSquare ? signs.RSquare : signs.RCurly;
  return {
    code: codes.unclosed,
    severity: 'error',
    message: `this \`${open.image}\` is never closed`,
    span: { file, start: open.startOffset, end: endOf(open) },
    notes: [{ message: `\`${pictureOf(partner)}\` was expected here`, span: expectedAt }],
  };
}

/** The diagnostic for a token that begins nothing where it stands. */
export function unexpected({ token, rules }: Pick<SyntaxFault, 'token' | 'rules'>, file: string, end: number): Diagnostic {
  const span: Span = token.tokenType === EOF ? { file, start: end, end } : { file, start: token.startOffset, end: endOf(token) };
  const found = token.tokenType === EOF ? 'end of file' : `\`${token.image}\``;
  const rule = rules.at(-1);
  const base = { severity: 'error' as const, span };
  if (token.tokenType === signs.RCurly || token.tokenType === signs.RParen || token.tokenType === signs.RSquare) {
    return { ...base, code: codes.unexpected, message: `this ${found} closes nothing` };
  }
  const isWord = /^\w/.test(token.image) && token.tokenType !== NumberLiteral;
  if (rule === 'file' || rule === undefined) {
    const meant = isWord ? closest(token.image, itemWords) : undefined;
    return {
      ...base,
      code: codes.statement,
      message: `expected a definition, an experiment or an import, not ${found}`,
      help: meant === undefined ? `a file is made of ${list(itemWords)}` : `did you mean \`${meant}\`?`,
    };
  }
  if (rule === 'experiment')
    return {
      ...base,
      code: codes.statement,
      message: `expected a statement, not ${found}`,
      help: `an experiment is made of ${list(statementWords)}`,
    };
  if (rule === 'section')
    return { ...base, code: codes.unexpected, message: `expected a field, not ${found}`, help: 'a field is written `name: value`' };
  return { ...base, code: codes.unexpected, message: `unexpected ${found}` };
}

/** The diagnostic for a name that stands alone before something on its line: most likely a misspelt keyword. */
export function loneWord(word: string, span: Span): Diagnostic {
  if (memberWords.includes(word)) return { code: codes.name, severity: 'error', message: `expected a name after \`${word}\``, span };
  const meant = closest(word, [...memberWords, 'task', 'if']);
  return {
    code: codes.statement,
    severity: 'error',
    message: `\`${word}\` opens no statement`,
    span,
    help:
      meant === undefined
        ? `statements here begin with ${list(memberWords)}, or are written \`name = value\``
        : `did you mean \`${meant}\`?`,
  };
}

function isValueRule(rule: string): boolean {
  return ['operand', 'sum', 'expression', 'argument', 'list', 'indexItem', 'member'].includes(rule);
}

function list(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}

function after(previous: IToken | undefined): string {
  return previous === undefined || previous.tokenType === EOF
    ? 'here'
    : `after \`${previous.image.length > 24 ? `${previous.image.slice(0, 23)}…` : previous.image}\``;
}

function pictureOf(type: TokenType): string {
  return type.LABEL ?? type.name;
}

function reservedHelp(token: IToken): string | undefined {
  return Object.values(reserved).includes(token.tokenType) ? `\`${token.image}\` is a word of the language` : undefined;
}

function misspelt(token: IToken, expected: TokenType, rule: string): string | undefined {
  const words: readonly TokenType[] = [...Object.values(contextual), ...Object.values(reserved)];
  if (!words.includes(expected) || token.tokenType !== Identifier) return undefined;
  // Before the word that ends a selector there may be more of it.
  const choices =
    rule === 'adaptStatement' || rule === 'quantizeStatement' ? [pictureOf(expected), 'except', 'and'] : [pictureOf(expected)];
  const meant = closest(token.image, choices);
  return meant === undefined ? undefined : `did you mean \`${meant}\`?`;
}

/** The token at which a fault is shown; where the line ended too early, the place behind its last token. */
function placeOfFault({ token, previous }: SyntaxFault, file: string, end: number): Span {
  const known = previous !== undefined && previous.tokenType !== EOF;
  if (known && (token.tokenType === EOF || (previous.endLine ?? 0) < (token.startLine ?? 0)))
    return { file, start: endOf(previous), end: endOf(previous) };
  if (token.tokenType === EOF) return { file, start: end, end };
  return { file, start: token.startOffset, end: endOf(token) };
}

/** The innermost bracket that stands open before a token and that `close` would close. */
function openBracket(tokens: readonly IToken[], until: IToken, close: TokenType): IToken | undefined {
  const open: IToken[] = [];
  for (const token of tokens) {
    if (token === until) break;
    const type = token.tokenType;
    if (type === signs.LParen || type === signs.LSquare || type === signs.LCurly) open.push(token);
    else if (type === signs.RParen || type === signs.RSquare || type === signs.RCurly) open.pop();
  }
  const partner = close === signs.RParen ? signs.LParen : close === signs.RSquare ? signs.LSquare : signs.LCurly;
  return open.findLast((token) => token.tokenType === partner);
}

/** Where the first line ends behind a bracket whose next line is not indented deeper than its own: there it should have been closed. */
function endOfLines(tokens: readonly IToken[], open: IToken, until: IToken, file: string): Span | undefined {
  const at = tokens.indexOf(open);
  const indent = tokens.find((token) => token.startLine === open.startLine)?.startColumn ?? 1;
  for (let i = at + 1; i < tokens.length; i += 1) {
    const [previous, token] = [tokens[i - 1] as IToken, tokens[i] as IToken];
    const first = (previous.endLine ?? 0) < (token.startLine ?? 0);
    if (first && (token.startColumn ?? 1) <= indent) return { file, start: endOf(previous), end: endOf(previous) };
    if (token === until) return undefined;
  }
  return undefined;
}
