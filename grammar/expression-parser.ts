/**
 * @file Rules for what stands inside a line: parameters, types, blocks, expressions. See `parser.ts`.
 *
 * Binary operators come out as flat lists and get their precedence in `build-expression.ts`.
 */
import type { CstNode, ParserMethod } from 'chevrotain';
import { catches, RecoveringParser, throws } from './recovery.js';
import {
  Arithmetic,
  Bound,
  contextual as word,
  Identifier,
  NumberLiteral,
  Operator,
  placeOf,
  reserved,
  signs,
  StringLiteral,
} from './tokens.js';

/** The rules below the level of a member. */
export abstract class ExpressionParser extends RecoveringParser {
  /** What stands in a block; its rule is in `parser.ts`. */
  abstract readonly member: ParserMethod<[], CstNode>;

  params = this.RULE(
    'params',
    () => {
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
    },
    catches,
  );

  param = this.RULE(
    'param',
    () => {
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
    },
    throws,
  );

  type = this.RULE(
    'type',
    () => {
      this.SUBRULE(this.typeOption);
      this.MANY(() => {
        this.CONSUME(signs.Bar);
        this.SUBRULE2(this.typeOption);
      });
    },
    throws,
  );

  typeOption = this.RULE(
    'typeOption',
    () => {
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
    },
    throws,
  );

  dims = this.RULE(
    'dims',
    () => {
      this.CONSUME(signs.LSquare);
      this.MANY_SEP({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.dim) });
      this.CONSUME(signs.RSquare);
    },
    throws,
  );

  dim = this.RULE(
    'dim',
    () => {
      this.OR([{ ALT: () => this.CONSUME(signs.Range) }, { ALT: () => this.SUBRULE(this.expression) }]);
    },
    throws,
  );

  block = this.RULE(
    'block',
    () => {
      this.CONSUME(signs.LCurly);
      this.MANY(() => this.SUBRULE(this.member));
      this.CONSUME(signs.RCurly);
    },
    throws,
  );

  // --- expressions -------------------------------------------------------------------------------------------------

  expression = this.RULE(
    'expression',
    () => {
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
            this.SUBRULE(this.operand);
            this.MANY({
              GATE: () => this.continues(),
              DEF: () => {
                this.CONSUME(Operator);
                this.SUBRULE2(this.operand);
              },
            });
          },
        },
      ]);
    },
    throws,
  );

  sum = this.RULE(
    'sum',
    () => {
      this.SUBRULE(this.operand);
      this.MANY({
        GATE: () => this.continues(),
        DEF: () => {
          this.CONSUME(Arithmetic);
          this.SUBRULE2(this.operand);
        },
      });
    },
    throws,
  );

  operand = this.RULE(
    'operand',
    () => {
      this.MANY(() =>
        this.OR([
          { ALT: () => this.CONSUME(signs.Minus, { LABEL: 'prefix' }) },
          { ALT: () => this.CONSUME(reserved.Not, { LABEL: 'prefix' }) },
        ]),
      );
      this.OR2([
        {
          ALT: () => {
            this.CONSUME(NumberLiteral);
            this.OPTION({
              GATE: () => this.isUnit(),
              DEF: () =>
                this.OR3([
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
      this.MANY2({
        GATE: () => this.LA(1).tokenType === signs.Dot || this.sameLine(1),
        DEF: () => this.SUBRULE(this.postfix),
      });
    },
    throws,
  );

  list = this.RULE(
    'list',
    () => {
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
    },
    throws,
  );

  postfix = this.RULE(
    'postfix',
    () => {
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
    },
    throws,
  );

  args = this.RULE(
    'args',
    () => {
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
    },
    throws,
  );

  argument = this.RULE(
    'argument',
    () => {
      this.OPTION({
        GATE: () => this.LA(2).tokenType === signs.Colon,
        DEF: () => {
          this.CONSUME(Identifier);
          this.CONSUME(signs.Colon);
        },
      });
      this.SUBRULE(this.expression);
    },
    throws,
  );

  indexItem = this.RULE(
    'indexItem',
    () => {
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
    },
    throws,
  );

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
    if (after === signs.Colon || after === signs.LParen || after === signs.LSquare || after === signs.LCurly || after === signs.Dot)
      return !this.sameLine(2);
    return after !== signs.Assign || placeOf(token)?.inParens === true;
  }
}
