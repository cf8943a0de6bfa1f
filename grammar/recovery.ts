/**
 * @file Recovery: Chevrotain's engine with this language's way of going on after a syntax error.
 *
 * A broken statement ends where the next line begins that is not indented deeper, or at the `}` of its block. Tokens
 * are never invented and never dropped silently. Chevrotain's own recovery follows sets of tokens; with keywords that
 * also are names, those sets hold nearly every token, so it would go on in the middle of the broken statement.
 */
import {
  CstParser,
  EOF,
  LLkLookaheadStrategy,
  type CstNode,
  type CstNodeLocation,
  type ILookaheadStrategy,
  type IParserErrorMessageProvider,
  type IToken,
  type TokenType,
} from 'chevrotain';
import { installLookahead, type Choosing, type Lookahead } from './lookahead.js';
import { Identifier, signs, tokenTypes } from './tokens.js';

/** What `resyncEnabled` says of a rule: only rules that stand in a list of their like catch errors. */
export const catches = { resyncEnabled: true };
/** What `resyncEnabled` says of all other rules. */
export const throws = { resyncEnabled: false };

/** What this file knows of Chevrotain's engine beyond its declared interface (its version is pinned). */
interface Engine extends Choosing {
  readonly CST_STACK: readonly CstNode[];
  setInitialNodeLocation: (node: { location?: CstNodeLocation }) => void;
  recoveryEnabled: boolean;
  selfAnalysisDone: boolean;
}

type Choose = (this: unknown, ...args: unknown[]) => unknown;

/** The lookahead of a place in the grammar, worked out when a text first comes there: most texts need few, and the start is quick. */
class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(
    options: Parameters<ILookaheadStrategy['buildLookaheadForAlternation']>[0],
  ): ReturnType<ILookaheadStrategy['buildLookaheadForAlternation']> {
    return lazily(() => super.buildLookaheadForAlternation(options) as Choose) as ReturnType<
      ILookaheadStrategy['buildLookaheadForAlternation']
    >;
  }
  override buildLookaheadForOptional(
    options: Parameters<ILookaheadStrategy['buildLookaheadForOptional']>[0],
  ): ReturnType<ILookaheadStrategy['buildLookaheadForOptional']> {
    return lazily(() => super.buildLookaheadForOptional(options) as Choose) as ReturnType<ILookaheadStrategy['buildLookaheadForOptional']>;
  }
}

/** A function that is made at its first call; the engine calls it as its method. */
function lazily(make: () => Choose): Choose {
  let made: Choose | undefined;
  return function (...args) {
    made ??= make();
    return made.apply(this, args);
  };
}

/** A token that began nothing, the one before it, and the rule in whose list it stood. */
export interface Stray {
  readonly token: IToken;
  readonly previous: IToken;
  readonly rules: readonly string[];
}

/** Leaves the name of the expected token as the message; `syntax-error.ts` finds the words. */
const expectedNames: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNotAllInputParsedMessage: () => '',
  buildNoViableAltMessage: () => '',
  buildEarlyExitMessage: () => '',
};

/** How a parser is made: with a check of its grammar, with what is known of its lookahead. */
export interface ParserOptions {
  readonly validate: boolean;
  readonly lookahead?: Lookahead | undefined;
}

/** A parser that recovers by lines and indentation, and can be asked where tokens stand. */
export abstract class RecoveringParser extends CstParser {
  constructor(private readonly options: ParserOptions) {
    super([...tokenTypes], {
      recoveryEnabled: true,
      maxLookahead: 1,
      nodeLocationTracking: 'onlyOffset',
      errorMessageProvider: expectedNames,
      skipValidations: !options.validate,
      lookaheadStrategy: new LazyLookahead({ maxLookahead: 1 }),
    });
    // By itself the engine gives a broken node no place where all its parts are broken; recovery needs to know where it began.
    (this as unknown as Engine).setInitialNodeLocation = (node) => {
      const { startOffset, startColumn } = this.LA(1);
      node.location = { startOffset, startColumn: startColumn ?? 1, endOffset: -1 };
    };
  }

  /** The engine works out what may follow each rule for its own recovery, which is not used here. */
  protected override performSelfAnalysis(): void {
    const engine = this as unknown as Engine;
    if (this.options.lookahead !== undefined) {
      installLookahead(engine, this.options.lookahead);
      engine.selfAnalysisDone = true;
      return;
    }
    engine.recoveryEnabled = false;
    super.performSelfAnalysis();
    engine.recoveryEnabled = true;
  }

  /** Tokens that began nothing, in order; each stands for one error. */
  strays: Stray[] = [];

  protected override canTokenTypeBeInsertedInRecovery(): boolean {
    return false;
  }
  protected override canTokenTypeBeDeletedInRecovery(): boolean {
    return false;
  }
  protected getFollowsForInRuleRecovery(): TokenType[] {
    return [];
  }
  protected findReSyncTokenType(): TokenType {
    return EOF;
  }
  protected isInCurrentRuleReSyncSet(): boolean {
    return true;
  }
  protected reSyncTo(): IToken[] {
    const engine = this as unknown as Engine;
    const node = engine.CST_STACK.at(-1);
    const location = node?.location;
    if (node?.name === 'params' || node?.name === 'site') return this.skipParens(node.children['LParen'] !== undefined);
    const from = location?.startOffset ?? NaN;
    const open = { curlies: this.open(from, signs.LCurly, signs.RCurly), parens: this.open(from, signs.LParen, signs.RParen) };
    // What stands to the right of its like goes on with the one before, as a `for` on a line of its own.
    const first = engine.CST_STACK.at(-2)?.children[node?.name ?? '']?.[0];
    const left = first !== undefined && 'location' in first ? (first.location?.startColumn ?? Infinity) : Infinity;
    const skipped = this.skip(Math.min(left, location?.startColumn ?? 1), open, node?.name === 'field', this.LA(1).startOffset !== from);
    if (location) location.endOffset = this.LA(0).endOffset ?? location.startOffset;
    return skipped;
  }
  protected shouldInRepetitionRecoveryBeTried(expected: TokenType, _index: number, notStuck: boolean | undefined): boolean {
    if (notStuck === false || (expected !== signs.RCurly && expected !== EOF)) return false;
    const rule = (this as unknown as Engine).CST_STACK.at(-1)?.name ?? '';
    const next = this.LA(1).tokenType;
    return next !== expected && next !== EOF && ['file', 'block', 'section', 'experiment', 'sweep'].includes(rule);
  }
  protected tryInRepetitionRecovery(
    repeat: (...given: unknown[]) => void,
    given: unknown[],
    canRepeat: () => boolean,
    expected: TokenType,
  ): void {
    while (this.LA(1).tokenType !== EOF && this.LA(1).tokenType !== expected) {
      const rule = (this as unknown as Engine).CST_STACK.at(-1)?.name;
      this.strays.push({ token: this.LA(1), previous: this.LA(0), rules: rule === undefined ? [] : [rule] });
      this.skip(this.LA(1).startColumn ?? 1, { curlies: 0, parens: 0 }, false, false);
      if (canRepeat.call(this)) {
        repeat.apply(this, given);
        return;
      }
    }
  }

  /** How many brackets of a kind stand open between an offset and the next token. */
  private open(from: number, opening: TokenType, closing: TokenType): number {
    let open = 0;
    for (let back = 0; ; back--) {
      const token = this.LA(back);
      if (!(token.startOffset >= from)) return Math.max(0, open);
      if (token.tokenType === opening) open++;
      else if (token.tokenType === closing) open--;
    }
  }

  /** Moves behind the `)` of a broken list of parameters, if it has one, so that the body behind it is read. */
  private skipParens(opened: boolean): IToken[] {
    const skipped: IToken[] = [];
    for (let depth = opened ? 1 : 0; depth > 0;) {
      const token = this.LA(1);
      const type = token.tokenType;
      if (type === EOF || type === signs.LCurly || type === signs.RCurly) return skipped;
      if (type === signs.LParen) depth++;
      else if (type === signs.RParen) depth--;
      skipped.push(token);
      this.SKIP_TOKEN();
      if (this.LA(1) === token) return skipped;
    }
    return skipped;
  }

  /** Moves to the end of a broken statement that began in a column; by one token at least where it has none yet. */
  private skip(column: number, open: { curlies: number; parens: number }, field: boolean, begun: boolean): IToken[] {
    const skipped: IToken[] = [];
    for (;;) {
      const token = this.LA(1);
      const type = token.tokenType;
      if (type === EOF) return skipped;
      const closes = type === signs.RCurly || type === signs.RParen || type === signs.RSquare;
      if (skipped.length > 0 || begun) {
        if (type === signs.RCurly && open.curlies === 0) return skipped;
        if (!closes && this.startsLine() && (token.startColumn ?? 1) <= column) return skipped;
        if (field && open.curlies === 0 && open.parens <= 0 && this.LA(2).tokenType === signs.Colon && this.isName(token)) return skipped;
      }
      if (type === signs.LCurly) open.curlies++;
      else if (type === signs.RCurly) open.curlies = Math.max(0, open.curlies - 1);
      else if (type === signs.LParen) open.parens++;
      else if (type === signs.RParen) open.parens--;
      skipped.push(token);
      this.SKIP_TOKEN();
      // The engine does not move past the last token; nothing is left then.
      if (this.LA(1) === token) return skipped;
    }
  }

  /** Whether the next token is the first on its line. */
  protected startsLine(): boolean {
    return !((this.LA(0).endLine ?? 0) >= (this.LA(1).startLine ?? 0));
  }
  /** Whether token k stands on the line on which the token before it ended. */
  protected sameLine(k: number): boolean {
    return this.LA(k - 1).endLine === this.LA(k).startLine;
  }
  protected isName(token: IToken): boolean {
    return token.tokenType === Identifier || (token.tokenType.CATEGORIES?.includes(Identifier) ?? false);
  }
}
