/**
 * @file Parser: tokens → concrete syntax tree, by Chevrotain.
 *
 * The rules below are the grammar; `docs/grammar.ebnf` and `cst.d.ts` are generated from them. One token of lookahead
 * is enough almost everywhere; where it is not, a gate asks what stands beside the next token. Binary operators come
 * out as flat lists and get their precedence in `build.ts`.
 *
 * Invariants: no rule or gate has a side effect; a node without `recoveredNode` is complete; recovery always moves on.
 */
import { CstParser, EOF, type CstNode, type IParserErrorMessageProvider, type IToken, type TokenType } from 'chevrotain';
import { contextual as word, Arithmetic, Bound, DefinitionWord, Identifier, NumberLiteral, placeOf, Relation, reserved, signs, StorageWord, StringLiteral, tokenTypes } from './tokens.js';

/** What `resyncEnabled` says of a rule: only rules that stand in a list of their like catch errors. */
const catches = { resyncEnabled: true };
const throws = { resyncEnabled: false };

/** What this file knows of Chevrotain's engine beyond its declared interface (pinned version; see `recovery` below). */
interface Engine {
  readonly CST_STACK: readonly CstNode[];
  readonly currIdx: number;
}

/** A token that began nothing, the one before it, and the rule in whose list it stood. */
export interface Stray { readonly token: IToken; readonly previous: IToken; readonly rules: readonly string[] }

/** Leaves the name of the expected token as the message; `syntax-error.ts` finds the words. */
const expectedNames: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNotAllInputParsedMessage: () => '',
  buildNoViableAltMessage: () => '',
  buildEarlyExitMessage: () => '',
};

/**
 * Chevrotain's engine with this language's recovery: a broken statement ends where the next line begins that is not
 * indented deeper, or at the `}` of its block. Tokens are never invented and never dropped silently.
 */
abstract class RecoveringParser extends CstParser {
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
    const skipped = this.skip(location?.startColumn ?? NaN, this.openCurlies(location?.startOffset ?? NaN), node?.name === 'field');
    const last = skipped.at(-1);
    if (location && last) {
      if (Number.isNaN(location.startOffset)) location.startOffset = skipped[0]!.startOffset;
      if (last.endOffset !== undefined) location.endOffset = last.endOffset;
    }
    return skipped;
  }
  protected shouldInRepetitionRecoveryBeTried(expected: TokenType, _index: number, notStuck: boolean | undefined): boolean {
    if (notStuck === false || (expected !== signs.RCurly && expected !== EOF)) return false;
    const next = this.LA(1).tokenType;
    return next !== expected && next !== EOF;
  }
  protected tryInRepetitionRecovery(repeat: (...given: unknown[]) => void, given: unknown[], canRepeat: () => boolean, expected: TokenType): void {
    while (this.LA(1).tokenType !== EOF && this.LA(1).tokenType !== expected) {
      const rule = (this as unknown as Engine).CST_STACK.at(-1)?.name;
      this.strays.push({ token: this.LA(1), previous: this.LA(0), rules: rule === undefined ? [] : [rule] });
      this.skip(NaN, 0, false);
      if (canRepeat.call(this)) {
        repeat.apply(this, given);
        return;
      }
    }
  }

  /** How many `{` stand open between an offset and the next token. */
  private openCurlies(from: number): number {
    let open = 0;
    for (let back = 0; ; back--) {
      const token = this.LA(back);
      if (!(token.startOffset >= from)) return Math.max(0, open);
      if (token.tokenType === signs.LCurly) open++;
      else if (token.tokenType === signs.RCurly) open--;
    }
  }

  /** Moves to the end of a broken statement that began in a column. */
  private skip(column: number, open: number, field: boolean): IToken[] {
    const skipped: IToken[] = [];
    let limit = column;
    for (;;) {
      const token = this.LA(1);
      const type = token.tokenType;
      if (type === EOF) return skipped;
      const moved = skipped.length > 0 || !Number.isNaN(column);
      if (Number.isNaN(limit)) limit = token.startColumn ?? 1;
      if (type === signs.RCurly && open === 0 && moved) return skipped;
      const closes = type === signs.RCurly || type === signs.RParen || type === signs.RSquare;
      if (moved && !closes && this.startsLine() && (token.startColumn ?? 1) <= limit) return skipped;
      if (moved && field && open === 0 && this.LA(2).tokenType === signs.Colon && this.isName(token)) return skipped;
      if (type === signs.LCurly) open++;
      else if (type === signs.RCurly) open = Math.max(0, open - 1);
      skipped.push(token);
      this.SKIP_TOKEN();
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

/** What the member that begins at the next token is. */
type MemberShape = 'storage' | 'part' | 'let' | 'for' | 'require' | 'use' | 'nested' | 'section' | 'function' | 'assign' | 'value';

/** The grammar of the language. */
export class PeftParser extends RecoveringParser {
  constructor(options: { readonly validate: boolean }) {
    super([...tokenTypes], { recoveryEnabled: true, maxLookahead: 1, nodeLocationTracking: 'full', errorMessageProvider: expectedNames, skipValidations: !options.validate });
    this.performSelfAnalysis();
  }

  // --- files -------------------------------------------------------------------------------------------------------

  file = this.RULE('file', () => {
    this.MANY(() =>
      this.OR([
        { ALT: () => this.SUBRULE(this.importItem) },
        { ALT: () => this.SUBRULE(this.definition) },
        { ALT: () => this.SUBRULE(this.experiment) },
      ]),
    );
  }, catches);

  importItem = this.RULE('importItem', () => {
    this.CONSUME(word.Import);
    this.OR([
      { ALT: () => this.CONSUME(StringLiteral) },
      {
        ALT: () => {
          this.CONSUME(Identifier, { LABEL: 'path' });
          this.MANY({
            GATE: () => this.LA(2).tokenType !== signs.LCurly,
            DEF: () => {
              this.CONSUME(signs.Dot);
              this.CONSUME2(Identifier, { LABEL: 'path' });
            },
          });
        },
      },
    ]);
    this.OPTION(() => {
      this.CONSUME2(signs.Dot);
      this.CONSUME(signs.LCurly);
      this.MANY_SEP({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.importName) });
      this.CONSUME(signs.RCurly);
    });
    this.OPTION2({
      GATE: () => this.sameLine(1),
      DEF: () => {
        this.CONSUME(word.As);
        this.CONSUME3(Identifier, { LABEL: 'alias' });
      },
    });
  }, catches);

  importName = this.RULE('importName', () => {
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(word.As);
      this.CONSUME2(Identifier, { LABEL: 'alias' });
    });
  }, throws);

  // --- definitions -------------------------------------------------------------------------------------------------

  definition = this.RULE('definition', () => {
    this.CONSUME(DefinitionWord);
    this.CONSUME(Identifier);
    this.OPTION(() => this.SUBRULE(this.params));
    this.OPTION2(() => this.SUBRULE(this.site));
    this.OPTION3(() => {
      this.CONSUME(word.Is);
      this.SUBRULE(this.operand);
    });
    this.OPTION4(() => {
      this.CONSUME(word.For);
      this.SUBRULE(this.foreignNames);
    });
    this.OPTION5(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.SUBRULE(this.body);
  }, catches);

  site = this.RULE('site', () => {
    this.CONSUME(word.On);
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.LParen);
      this.MANY_SEP({ SEP: signs.Comma, DEF: () => this.CONSUME2(Identifier, { LABEL: 'bind' }) });
      this.CONSUME(signs.RParen);
    });
  }, throws);

  params = this.RULE('params', () => {
    this.CONSUME(signs.LParen);
    this.OPTION(() => {
      this.SUBRULE(this.param);
      this.MANY({
        GATE: () => this.LA(2).tokenType !== signs.RParen,
        DEF: () => {
          this.CONSUME(signs.Comma);
          this.SUBRULE2(this.param);
        },
      });
      this.OPTION2(() => this.CONSUME2(signs.Comma));
    });
    this.CONSUME(signs.RParen);
  }, throws);

  param = this.RULE('param', () => {
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.MANY(() => {
      this.CONSUME(Bound);
      this.SUBRULE(this.sum);
    });
    this.OPTION2(() => {
      this.CONSUME(signs.Assign);
      this.SUBRULE(this.expression);
    });
  }, throws);

  type = this.RULE('type', () => {
    this.SUBRULE(this.typeOption);
    this.MANY(() => {
      this.CONSUME(signs.Bar);
      this.SUBRULE2(this.typeOption);
    });
  }, throws);

  typeOption = this.RULE('typeOption', () => {
    this.OR([
      { ALT: () => this.CONSUME(reserved.None) },
      {
        ALT: () => {
          this.CONSUME(Identifier);
          this.OPTION({ GATE: () => this.sameLine(1), DEF: () => this.SUBRULE(this.dims) });
        },
      },
      { ALT: () => this.SUBRULE2(this.dims) },
    ]);
  }, throws);

  dims = this.RULE('dims', () => {
    this.CONSUME(signs.LSquare);
    this.MANY_SEP({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.dim) });
    this.CONSUME(signs.RSquare);
  }, throws);

  dim = this.RULE('dim', () => {
    this.OR([{ ALT: () => this.CONSUME(signs.Range) }, { ALT: () => this.SUBRULE(this.expression) }]);
  }, throws);

  body = this.RULE('body', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(signs.Assign);
          this.SUBRULE(this.expression);
        },
      },
      { ALT: () => this.SUBRULE(this.block) },
    ]);
  }, throws);

  block = this.RULE('block', () => {
    this.CONSUME(signs.LCurly);
    this.MANY(() => this.SUBRULE(this.member));
    this.CONSUME(signs.RCurly);
  }, throws);

  // --- members -----------------------------------------------------------------------------------------------------

  member = this.RULE('member', () => {
    const shape = this.memberShape();
    this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { GATE: () => shape === 'storage', ALT: () => this.SUBRULE(this.storage) },
        { GATE: () => shape === 'part', ALT: () => this.SUBRULE(this.part) },
        { GATE: () => shape === 'let', ALT: () => this.SUBRULE(this.letMember) },
        { GATE: () => shape === 'for', ALT: () => this.SUBRULE(this.forMember) },
        { GATE: () => shape === 'require', ALT: () => this.SUBRULE(this.require) },
        { GATE: () => shape === 'use', ALT: () => this.SUBRULE(this.use) },
        { GATE: () => shape === 'nested', ALT: () => this.SUBRULE(this.nested) },
        { GATE: () => shape === 'section', ALT: () => this.SUBRULE(this.section) },
        { GATE: () => shape === 'function', ALT: () => this.SUBRULE(this.functionMember) },
        { GATE: () => shape === 'assign', ALT: () => this.SUBRULE(this.assign) },
        { GATE: () => shape === 'value', ALT: () => this.SUBRULE(this.expression) },
      ],
    });
  }, catches);

  storage = this.RULE('storage', () => {
    this.CONSUME(StorageWord);
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(signs.Assign);
      this.SUBRULE(this.expression);
    });
    this.OPTION3(() => {
      this.CONSUME(word.As);
      this.SUBRULE(this.foreignNames);
    });
    this.OPTION4({ GATE: () => this.sameLine(1), DEF: () => this.SUBRULE(this.condition) });
  }, throws);

  part = this.RULE('part', () => {
    this.CONSUME(word.Part);
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.LSquare);
      this.CONSUME2(Identifier, { LABEL: 'counter' });
      this.CONSUME(signs.Less);
      this.SUBRULE(this.expression, { LABEL: 'count' });
      this.CONSUME(signs.RSquare);
    });
    this.CONSUME(signs.Assign);
    this.SUBRULE2(this.expression, { LABEL: 'value' });
    this.OPTION2(() => {
      this.CONSUME(word.As);
      this.CONSUME(StringLiteral);
    });
    this.OPTION3(() => {
      this.CONSUME(word.Role);
      this.SUBRULE(this.modulePath);
    });
    this.OPTION4({ GATE: () => this.sameLine(1), DEF: () => this.CONSUME(word.Fresh) });
    this.OPTION5({ GATE: () => this.sameLine(1), DEF: () => this.SUBRULE(this.condition) });
  }, throws);

  foreignNames = this.RULE('foreignNames', () => {
    this.AT_LEAST_ONE_SEP({ SEP: reserved.Or, DEF: () => this.CONSUME(StringLiteral) });
  }, throws);

  condition = this.RULE('condition', () => {
    this.CONSUME(reserved.If);
    this.SUBRULE(this.expression);
  }, throws);

  letMember = this.RULE('letMember', () => {
    this.CONSUME(word.Let);
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.CONSUME(signs.Assign);
    this.SUBRULE(this.expression);
  }, throws);

  forMember = this.RULE('forMember', () => {
    this.CONSUME(word.For);
    this.CONSUME(Identifier);
    this.CONSUME(word.In);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.block);
  }, throws);

  require = this.RULE('require', () => {
    this.CONSUME(word.Require);
    this.SUBRULE(this.expression);
    this.CONSUME(signs.Comma);
    this.CONSUME(StringLiteral);
  }, throws);

  use = this.RULE('use', () => {
    this.CONSUME(word.Use);
    this.SUBRULE(this.expression);
  }, throws);

  nested = this.RULE('nested', () => {
    this.CONSUME(Identifier, { LABEL: 'word' });
    this.CONSUME2(Identifier, { LABEL: 'name' });
    this.SUBRULE(this.block);
  }, throws);

  functionMember = this.RULE('functionMember', () => {
    this.CONSUME(Identifier);
    this.SUBRULE(this.params);
    this.OPTION(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.SUBRULE(this.body);
  }, throws);

  assign = this.RULE('assign', () => {
    this.CONSUME(Identifier);
    this.OPTION(() => {
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.type);
    });
    this.CONSUME(signs.Assign);
    this.SUBRULE(this.expression);
  }, throws);

  section = this.RULE('section', () => {
    this.CONSUME(Identifier);
    this.CONSUME(signs.LCurly);
    this.MANY(() => this.SUBRULE(this.field));
    this.CONSUME(signs.RCurly);
  }, throws);

  field = this.RULE('field', () => {
    this.CONSUME(Identifier);
    this.CONSUME(signs.Colon);
    this.SUBRULE(this.expression);
    this.OPTION(() => this.CONSUME(signs.Comma));
  }, catches);

  // --- experiments -------------------------------------------------------------------------------------------------

  experiment = this.RULE('experiment', () => {
    this.CONSUME(word.Experiment);
    this.CONSUME(Identifier, { LABEL: 'name' });
    this.OPTION(() => {
      this.CONSUME(signs.Assign);
      this.CONSUME2(Identifier, { LABEL: 'from' });
    });
    this.CONSUME(signs.LCurly);
    this.MANY(() => this.SUBRULE(this.statement));
    this.CONSUME(signs.RCurly);
  }, catches);

  statement = this.RULE('statement', () => {
    const plain = this.LA(2).tokenType !== signs.LCurly;
    this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { GATE: () => plain, ALT: () => this.SUBRULE(this.baseStatement) },
        { GATE: () => plain, ALT: () => this.SUBRULE(this.adaptStatement) },
        { GATE: () => plain, ALT: () => this.SUBRULE(this.trainStatement) },
        { ALT: () => this.SUBRULE(this.section) },
      ],
    });
  }, catches);

  baseStatement = this.RULE('baseStatement', () => {
    this.CONSUME(word.Base);
    this.CONSUME(Identifier);
    this.CONSUME(word.From);
    this.SUBRULE(this.expression, { LABEL: 'source' });
    this.OPTION(() => {
      this.CONSUME(word.With);
      this.SUBRULE(this.args);
    });
    this.OPTION2(() => {
      this.CONSUME(word.For);
      this.SUBRULE2(this.expression, { LABEL: 'task' });
    });
  }, throws);

  adaptStatement = this.RULE('adaptStatement', () => {
    this.CONSUME(word.Adapt);
    this.SUBRULE(this.selector);
    this.CONSUME(word.With);
    this.SUBRULE(this.expression);
  }, throws);

  trainStatement = this.RULE('trainStatement', () => {
    this.CONSUME(word.Train);
    this.SUBRULE(this.selector);
  }, throws);

  selector = this.RULE('selector', () => {
    this.SUBRULE(this.selectorTerm);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(signs.Plus, { LABEL: 'operator' }) },
        { ALT: () => this.CONSUME(reserved.Except, { LABEL: 'operator' }) },
        { ALT: () => this.CONSUME(reserved.And, { LABEL: 'operator' }) },
      ]);
      this.SUBRULE2(this.selectorTerm);
    });
  }, throws);

  selectorTerm = this.RULE('selectorTerm', () => {
    this.OR([
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.SUBRULE(this.modulePath) },
      {
        ALT: () => {
          this.CONSUME(signs.LParen);
          this.SUBRULE(this.selector);
          this.CONSUME(signs.RParen);
        },
      },
    ]);
  }, throws);

  modulePath = this.RULE('modulePath', () => {
    this.SUBRULE(this.pathStep);
    this.MANY(() => {
      this.CONSUME(signs.Dot);
      this.SUBRULE2(this.pathStep);
    });
  }, throws);

  pathStep = this.RULE('pathStep', () => {
    this.OR([
      { ALT: () => this.CONSUME(Identifier, { LABEL: 'name' }) },
      { ALT: () => this.CONSUME(signs.Star, { LABEL: 'name' }) },
      {
        ALT: () => {
          this.CONSUME(signs.LCurly);
          this.AT_LEAST_ONE_SEP({ SEP: signs.Comma, DEF: () => this.CONSUME2(Identifier, { LABEL: 'name' }) });
          this.CONSUME(signs.RCurly);
        },
      },
    ]);
    this.OPTION({
      GATE: () => this.sameLine(1),
      DEF: () => {
        this.CONSUME(signs.LSquare);
        this.AT_LEAST_ONE_SEP2({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.layerRange) });
        this.CONSUME(signs.RSquare);
      },
    });
  }, throws);

  layerRange = this.RULE('layerRange', () => {
    this.CONSUME(NumberLiteral);
    this.OPTION(() => {
      this.CONSUME(signs.Range);
      this.CONSUME2(NumberLiteral);
    });
  }, throws);

  // --- expressions -------------------------------------------------------------------------------------------------

  expression = this.RULE('expression', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(reserved.If);
          this.SUBRULE(this.expression, { LABEL: 'condition' });
          this.CONSUME(reserved.Then);
          this.SUBRULE2(this.expression, { LABEL: 'then' });
          this.CONSUME(reserved.Else);
          this.SUBRULE3(this.expression, { LABEL: 'else' });
        },
      },
      {
        ALT: () => {
          this.SUBRULE(this.sum);
          this.MANY({
            GATE: () => this.continues(),
            DEF: () => {
              this.CONSUME(Relation);
              this.SUBRULE2(this.sum);
            },
          });
        },
      },
    ]);
  }, throws);

  sum = this.RULE('sum', () => {
    this.SUBRULE(this.operand);
    this.MANY({
      GATE: () => this.continues(),
      DEF: () => {
        this.CONSUME(Arithmetic);
        this.SUBRULE2(this.operand);
      },
    });
  }, throws);

  operand = this.RULE('operand', () => {
    this.MANY(() =>
      this.OR([
        { ALT: () => this.CONSUME(signs.Minus, { LABEL: 'prefix' }) },
        { ALT: () => this.CONSUME(reserved.Not, { LABEL: 'prefix' }) },
      ]),
    );
    this.SUBRULE(this.primary);
    this.MANY2({
      GATE: () => this.LA(1).tokenType === signs.Dot || this.sameLine(1),
      DEF: () => this.SUBRULE(this.postfix),
    });
  }, throws);

  primary = this.RULE('primary', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(NumberLiteral);
          this.OPTION({
            GATE: () => this.isUnit(),
            DEF: () =>
              this.OR2([
                { ALT: () => this.CONSUME(Identifier, { LABEL: 'unit' }) },
                { ALT: () => this.CONSUME(signs.Percent, { LABEL: 'unit' }) },
              ]),
          });
        },
      },
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.CONSUME(reserved.True) },
      { ALT: () => this.CONSUME(reserved.False) },
      { ALT: () => this.CONSUME(reserved.None) },
      { ALT: () => this.CONSUME2(Identifier, { LABEL: 'name' }) },
      {
        ALT: () => {
          this.CONSUME(signs.LParen);
          this.SUBRULE(this.expression);
          this.CONSUME(signs.RParen);
        },
      },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.block) },
    ]);
  }, throws);

  list = this.RULE('list', () => {
    this.CONSUME(signs.LSquare);
    this.OPTION(() => {
      this.SUBRULE(this.expression);
      this.MANY({
        GATE: () => this.LA(2).tokenType !== signs.RSquare,
        DEF: () => {
          this.CONSUME(signs.Comma);
          this.SUBRULE2(this.expression);
        },
      });
      this.OPTION2(() => this.CONSUME2(signs.Comma));
    });
    this.CONSUME(signs.RSquare);
  }, throws);

  postfix = this.RULE('postfix', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(signs.Dot);
          this.CONSUME(Identifier);
        },
      },
      { ALT: () => this.SUBRULE(this.args) },
      {
        ALT: () => {
          this.CONSUME(signs.LSquare);
          this.AT_LEAST_ONE_SEP({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.indexItem) });
          this.CONSUME(signs.RSquare);
        },
      },
    ]);
  }, throws);

  args = this.RULE('args', () => {
    this.CONSUME(signs.LParen);
    this.OPTION(() => {
      this.SUBRULE(this.argument);
      this.MANY({
        GATE: () => this.LA(2).tokenType !== signs.RParen,
        DEF: () => {
          this.CONSUME(signs.Comma);
          this.SUBRULE2(this.argument);
        },
      });
      this.OPTION2(() => this.CONSUME2(signs.Comma));
    });
    this.CONSUME(signs.RParen);
  }, throws);

  argument = this.RULE('argument', () => {
    this.OPTION({
      GATE: () => this.LA(2).tokenType === signs.Colon,
      DEF: () => {
        this.CONSUME(Identifier);
        this.CONSUME(signs.Colon);
      },
    });
    this.SUBRULE(this.expression);
  }, throws);

  indexItem = this.RULE('indexItem', () => {
    this.OR([
      { ALT: () => this.CONSUME(signs.Range, { LABEL: 'ellipsis' }) },
      {
        ALT: () => {
          this.CONSUME(signs.Colon);
          this.OPTION(() => this.SUBRULE(this.expression, { LABEL: 'to' }));
        },
      },
      {
        ALT: () => {
          this.SUBRULE2(this.expression, { LABEL: 'from' });
          this.OPTION2(() => {
            this.CONSUME2(signs.Colon);
            this.OPTION3(() => this.SUBRULE3(this.expression, { LABEL: 'to' }));
          });
        },
      },
    ]);
  }, throws);

  // --- gates -------------------------------------------------------------------------------------------------------

  /** Whether the operator ahead goes on with the expression before it, and does not open the next member. */
  private continues(): boolean {
    const token = this.LA(1);
    if (placeOf(token)?.inParens === true) return true;
    const after = this.LA(2);
    if (token.tokenType === signs.Minus) return !(this.startsLine() && this.touches());
    if (token.tokenType === word.In) return after.tokenType !== signs.Colon && after.tokenType !== signs.Assign;
    return true;
  }

  /** Whether the next two tokens stand together without a space. */
  private touches(): boolean {
    return (this.LA(1).endOffset ?? 0) + 1 === this.LA(2).startOffset;
  }

  /** Whether the token behind a number is its unit. */
  private isUnit(): boolean {
    const number = this.LA(0);
    const token = this.LA(1);
    const after = this.LA(2).tokenType;
    if (token.tokenType === signs.Percent) {
      const adjacent = (number.endOffset ?? 0) + 1 === token.startOffset;
      return adjacent && !(this.touches() && (after === Identifier || after === NumberLiteral || after === signs.LParen));
    }
    if (token.tokenType !== Identifier || !this.sameLine(1)) return false;
    if (after === signs.Colon || after === signs.LParen || after === signs.LSquare || after === signs.LCurly || after === signs.Dot) return !this.sameLine(2);
    return after !== signs.Assign || placeOf(token)?.inParens === true;
  }

  private memberShape(): MemberShape {
    const first = this.LA(1);
    if (!this.isName(first)) return 'value';
    const second = this.LA(2);
    const type = second.tokenType;
    if (type === signs.Assign || type === signs.Colon) return 'assign';
    if (first.tokenType === word.Require) return 'require';
    if (!this.sameLine(2)) return 'value';
    if (type === signs.LCurly) return 'section';
    if (type === signs.LParen) return this.opensFunction(second) ? 'function' : 'value';
    if (!this.isName(second) || type === word.In) return 'value';
    switch (first.tokenType) {
      case word.Part:
        return 'part';
      case word.Let:
        return 'let';
      case word.For:
        return 'for';
      case word.Use:
        return 'use';
      default:
        if (first.tokenType.CATEGORIES?.includes(StorageWord) === true) return 'storage';
        return this.LA(3).tokenType === signs.LCurly && this.sameLine(3) ? 'nested' : 'value';
    }
  }

  /** Whether the parameters that a `(` opens are those of a function: `(…) =`, `(…):` or `(…) {`. */
  private opensFunction(paren: IToken): boolean {
    const partner = placeOf(paren)?.partner ?? -1;
    const close = this.input[partner];
    const next = this.input[partner + 1];
    if (!close || !next) return false;
    if (next.tokenType === signs.Assign || next.tokenType === signs.Colon) return true;
    return next.tokenType === signs.LCurly && next.startLine === close.endLine;
  }
}

let parser: PeftParser | undefined;

/** The one parser of a process, built when it is first needed. */
export function sharedParser(): PeftParser {
  parser ??= new PeftParser({ validate: false });
  return parser;
}
