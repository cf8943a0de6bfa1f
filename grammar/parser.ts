/**
 * @file Parser: tokens → concrete syntax tree, by Chevrotain.
 *
 * The rules below are the grammar; `docs/grammar.ebnf` and `cst.d.ts` are generated from them. One token of lookahead
 * is enough almost everywhere; where it is not, a gate asks what stands beside the next token. Everything below a
 * member is in `expression-parser.ts`, what stands in an experiment in `statement-parser.ts`, going on after errors in
 * `recovery.ts`.
 *
 * Invariants: no rule or gate has a side effect; a node without `recoveredNode` is complete; recovery always moves on.
 */
import type { IToken, Rule, TokenType } from 'chevrotain';
import type { Lookahead } from './lookahead.js';
import { catches, throws, type ParserOptions } from './recovery.js';
import { StatementParser } from './statement-parser.js';
import { contextual as word, DefinitionWord, Identifier, placeOf, reserved, signs, StorageWord, StringLiteral } from './tokens.js';

/** What the member that begins at the next token is. */
type MemberShape = 'storage' | 'part' | 'for' | 'require' | 'use' | 'nested' | 'section' | 'function' | 'assign' | 'value';

/** The grammar of the language. */
export class PeftParser extends StatementParser {
  constructor(options: ParserOptions) {
    super(options);
    this.performSelfAnalysis();
  }

  private recorded: Record<string, Rule> | undefined;

  /** The rules as data. The engine asks for them where a text is wrong; a parser that was made without recording them has it done then. */
  override getGAstProductions(): Record<string, Rule> {
    const own = super.getGAstProductions();
    if (Object.keys(own).length > 0) return own;
    return (this.recorded ??= new PeftParser({ validate: false }).getGAstProductions());
  }

  // --- files -------------------------------------------------------------------------------------------------------

  file = this.RULE(
    'file',
    () => {
      this.MANY(() =>
        this.OR([
          { ALT: () => this.SUBRULE(this.importItem) },
          { ALT: () => this.SUBRULE(this.definition) },
          { ALT: () => this.SUBRULE(this.experiment) },
          { ALT: () => this.SUBRULE(this.sweep) },
        ]),
      );
    },
    catches,
  );

  importItem = this.RULE(
    'importItem',
    () => {
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
    },
    catches,
  );

  importName = this.RULE(
    'importName',
    () => {
      this.CONSUME(Identifier);
      this.OPTION(() => {
        this.CONSUME(word.As);
        this.CONSUME2(Identifier, { LABEL: 'alias' });
      });
    },
    throws,
  );

  // --- definitions -------------------------------------------------------------------------------------------------

  definition = this.RULE(
    'definition',
    () => {
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
    },
    catches,
  );

  site = this.RULE(
    'site',
    () => {
      this.CONSUME(word.On);
      this.CONSUME(Identifier);
      this.OPTION(() => {
        this.CONSUME(signs.LParen);
        this.MANY_SEP({ SEP: signs.Comma, DEF: () => this.CONSUME2(Identifier, { LABEL: 'bind' }) });
        this.CONSUME(signs.RParen);
      });
    },
    catches,
  );

  body = this.RULE(
    'body',
    () => {
      this.OR([
        {
          ALT: () => {
            this.CONSUME(signs.Assign);
            this.SUBRULE(this.expression);
          },
        },
        { ALT: () => this.SUBRULE(this.block) },
      ]);
    },
    throws,
  );

  // --- members -----------------------------------------------------------------------------------------------------

  member = this.RULE(
    'member',
    () => {
      const shape = this.memberShape();
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          { GATE: () => shape === 'storage', ALT: () => this.SUBRULE(this.storage) },
          { GATE: () => shape === 'part', ALT: () => this.SUBRULE(this.part) },
          { GATE: () => shape === 'for', ALT: () => this.SUBRULE(this.forMember) },
          { GATE: () => shape === 'require', ALT: () => this.SUBRULE(this.require) },
          {
            GATE: () => shape === 'use',
            ALT: () => {
              this.CONSUME(word.Use);
              this.SUBRULE(this.expression);
            },
          },
          { GATE: () => shape === 'nested', ALT: () => this.SUBRULE(this.nested) },
          { GATE: () => shape === 'section', ALT: () => this.SUBRULE(this.section) },
          { GATE: () => shape === 'function', ALT: () => this.SUBRULE(this.functionMember) },
          { GATE: () => shape === 'assign', ALT: () => this.SUBRULE(this.assign) },
          { GATE: () => shape === 'value', ALT: () => this.SUBRULE2(this.expression) },
        ],
      });
    },
    catches,
  );

  storage = this.RULE(
    'storage',
    () => {
      this.OPTION5({ GATE: () => this.LA(2).tokenType.CATEGORIES?.includes(StorageWord) === true, DEF: () => this.CONSUME(word.Shared) });
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
      this.OPTION3({
        GATE: () => this.isClause(),
        DEF: () => {
          this.CONSUME(word.As);
          this.OR({
            IGNORE_AMBIGUITIES: true,
            DEF: [{ ALT: () => this.SUBRULE(this.foreignNames) }, { ALT: () => this.SUBRULE(this.operand, { LABEL: 'format' }) }],
          });
        },
      });
      this.OPTION4({
        GATE: () => this.sameLine(1),
        DEF: () => {
          this.CONSUME(reserved.If);
          this.SUBRULE2(this.expression, { LABEL: 'when' });
        },
      });
    },
    throws,
  );

  part = this.RULE(
    'part',
    () => {
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
      this.OPTION2({
        GATE: () => this.isClause(),
        DEF: () => {
          this.CONSUME(word.As);
          this.CONSUME(StringLiteral);
        },
      });
      this.OPTION3({
        GATE: () => this.isClause(),
        DEF: () => {
          this.CONSUME(word.Role);
          this.SUBRULE(this.modulePath);
        },
      });
      this.OPTION4({ GATE: () => this.sameLine(1), DEF: () => this.CONSUME(word.Fresh) });
      this.OPTION5({
        GATE: () => this.sameLine(1),
        DEF: () => {
          this.CONSUME(reserved.If);
          this.SUBRULE3(this.expression, { LABEL: 'when' });
        },
      });
    },
    throws,
  );

  foreignNames = this.RULE(
    'foreignNames',
    () => {
      this.AT_LEAST_ONE_SEP({ SEP: reserved.Or, DEF: () => this.CONSUME(StringLiteral) });
    },
    throws,
  );

  forMember = this.RULE(
    'forMember',
    () => {
      this.CONSUME(word.For);
      this.CONSUME(Identifier);
      this.CONSUME(word.In);
      this.SUBRULE(this.expression);
      this.SUBRULE(this.block);
    },
    throws,
  );

  require = this.RULE(
    'require',
    () => {
      this.CONSUME(word.Require);
      this.SUBRULE(this.expression);
      this.CONSUME(signs.Comma);
      this.CONSUME(StringLiteral);
    },
    throws,
  );

  nested = this.RULE(
    'nested',
    () => {
      this.CONSUME(Identifier, { LABEL: 'word' });
      this.CONSUME2(Identifier, { LABEL: 'name' });
      this.SUBRULE(this.block);
    },
    throws,
  );

  functionMember = this.RULE(
    'functionMember',
    () => {
      this.CONSUME(Identifier);
      this.SUBRULE(this.params);
      this.OPTION(() => {
        this.CONSUME(signs.Colon);
        this.SUBRULE(this.type);
      });
      this.SUBRULE(this.body);
    },
    throws,
  );

  assign = this.RULE(
    'assign',
    () => {
      this.OPTION({ GATE: () => this.isName(this.LA(2)), DEF: () => this.CONSUME(word.Let) });
      this.CONSUME(Identifier);
      this.OPTION2(() => {
        this.CONSUME(signs.Colon);
        this.SUBRULE(this.type);
      });
      this.CONSUME(signs.Assign);
      this.SUBRULE(this.expression);
    },
    throws,
  );

  // --- experiments -------------------------------------------------------------------------------------------------

  experiment = this.RULE(
    'experiment',
    () => {
      this.CONSUME(word.Experiment);
      this.CONSUME(Identifier, { LABEL: 'name' });
      this.OPTION(() => {
        this.CONSUME(signs.Assign);
        this.CONSUME2(Identifier, { LABEL: 'from' });
      });
      this.CONSUME(signs.LCurly);
      this.MANY(() => this.SUBRULE(this.statement));
      this.CONSUME(signs.RCurly);
    },
    catches,
  );

  // --- gates -------------------------------------------------------------------------------------------------------

  /** Whether the word ahead goes on with its member, and is not the name of the next one. */
  private isClause(): boolean {
    const after: TokenType = this.LA(2).tokenType;
    return !this.startsLine() || (after !== signs.Assign && after !== signs.Colon && after !== signs.LParen && after !== signs.LCurly);
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
    if (!this.isName(second)) return 'value';
    // `let in = …` declares a name; `let in xs` asks whether one is among others.
    const third = this.LA(3).tokenType;
    const declares = third === signs.Assign || third === signs.Colon || (first.tokenType === word.For && third === word.In);
    if (type === word.In && !declares) return 'value';
    switch (first.tokenType) {
      case word.Part:
        return 'part';
      case word.Let:
        return 'assign';
      case word.For:
        return 'for';
      case word.Use:
        return 'use';
      case word.Shared:
        return second.tokenType.CATEGORIES?.includes(StorageWord) === true ? 'storage' : 'value';
      default:
        if (first.tokenType.CATEGORIES?.includes(StorageWord) === true) return 'storage';
        return third === signs.LCurly && this.sameLine(3) ? 'nested' : 'value';
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

/** The build writes the lookahead into the bundle, as JSON; run from source, the parser works it out. */
declare const PEFT_LOOKAHEAD: string | undefined;

let parser: PeftParser | undefined;

/** The one parser of a process, built when it is first needed. */
export function sharedParser(): PeftParser {
  parser ??= new PeftParser({
    validate: false,
    lookahead: typeof PEFT_LOOKAHEAD === 'undefined' ? undefined : (JSON.parse(PEFT_LOOKAHEAD) as Lookahead),
  });
  return parser;
}
