/**
 * @file Parser of what stands in an experiment: sections, statements, and the selectors that say which modules one is about.
 */
import { ExpressionParser } from './expression-parser.js';
import { catches, throws } from './recovery.js';
import { contextual as word, Identifier, NumberLiteral, reserved, signs, StringLiteral } from './tokens.js';

/** Rules of sections, statements and selectors. */
export abstract class StatementParser extends ExpressionParser {
  section = this.RULE(
    'section',
    () => {
      this.CONSUME(Identifier);
      this.CONSUME(signs.LCurly);
      this.MANY(() => this.SUBRULE(this.field));
      this.CONSUME(signs.RCurly);
    },
    throws,
  );

  field = this.RULE(
    'field',
    () => {
      this.CONSUME(Identifier);
      this.CONSUME(signs.Colon);
      this.SUBRULE(this.expression);
      this.OPTION(() => this.CONSUME(signs.Comma));
    },
    catches,
  );

  statement = this.RULE(
    'statement',
    () => {
      const plain = this.LA(2).tokenType !== signs.LCurly || this.LA(4).tokenType === signs.Comma || this.LA(4).tokenType === signs.RCurly;
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          { GATE: () => plain, ALT: () => this.SUBRULE(this.baseStatement) },
          { GATE: () => plain, ALT: () => this.SUBRULE(this.adaptStatement) },
          { GATE: () => plain, ALT: () => this.SUBRULE(this.quantizeStatement) },
          { GATE: () => plain, ALT: () => this.SUBRULE(this.trainStatement) },
          { ALT: () => this.SUBRULE(this.section) },
        ],
      });
    },
    catches,
  );

  sweep = this.RULE(
    'sweep',
    () => {
      this.CONSUME(word.Sweep);
      this.CONSUME(Identifier, { LABEL: 'name' });
      this.CONSUME(word.Over);
      this.AT_LEAST_ONE_SEP({ SEP: signs.Comma, DEF: () => this.CONSUME2(Identifier, { LABEL: 'over' }) });
      this.CONSUME(signs.LCurly);
      this.MANY(() => this.SUBRULE(this.sweepMember));
      this.CONSUME(signs.RCurly);
    },
    catches,
  );

  sweepMember = this.RULE(
    'sweepMember',
    () => {
      const varies = [word.In, signs.Assign, signs.Comma, signs.Dot].includes(this.LA(2).tokenType);
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          {
            GATE: () => !varies,
            ALT: () => {
              this.CONSUME(word.Require);
              this.SUBRULE(this.expression, { LABEL: 'required' });
            },
          },
          {
            GATE: () => !varies,
            ALT: () => {
              this.CONSUME(word.Take);
              this.SUBRULE2(this.expression, { LABEL: 'count' });
              this.OPTION(() => {
                this.CONSUME(word.Seed);
                this.SUBRULE3(this.expression, { LABEL: 'seed' });
              });
            },
          },
          { ALT: () => this.SUBRULE(this.axis) },
        ],
      });
    },
    catches,
  );

  axis = this.RULE(
    'axis',
    () => {
      this.AT_LEAST_ONE_SEP({ SEP: signs.Comma, DEF: () => this.SUBRULE(this.knob) });
      this.OR([
        { ALT: () => this.CONSUME(word.In, { LABEL: 'operator' }) },
        { ALT: () => this.CONSUME(signs.Assign, { LABEL: 'operator' }) },
      ]);
      this.SUBRULE(this.expression, { LABEL: 'values' });
      this.OPTION(() => {
        this.CONSUME(word.When);
        this.SUBRULE2(this.expression, { LABEL: 'condition' });
      });
    },
    throws,
  );

  knob = this.RULE(
    'knob',
    () => {
      this.CONSUME(Identifier);
      this.OPTION(() => {
        this.CONSUME(signs.Dot);
        this.CONSUME2(Identifier);
      });
    },
    throws,
  );

  baseStatement = this.RULE(
    'baseStatement',
    () => {
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
    },
    throws,
  );

  adaptStatement = this.RULE(
    'adaptStatement',
    () => {
      this.CONSUME(word.Adapt);
      this.SUBRULE(this.selector);
      this.CONSUME(word.With);
      this.SUBRULE(this.expression);
    },
    throws,
  );

  quantizeStatement = this.RULE(
    'quantizeStatement',
    () => {
      this.CONSUME(word.Quantize);
      this.SUBRULE(this.selector);
      this.CONSUME(word.As);
      this.SUBRULE(this.expression);
    },
    throws,
  );

  trainStatement = this.RULE(
    'trainStatement',
    () => {
      this.CONSUME(word.Train);
      this.SUBRULE(this.selector);
    },
    throws,
  );

  selector = this.RULE(
    'selector',
    () => {
      this.SUBRULE(this.selectorTerm);
      this.MANY(() => {
        this.OR([
          { ALT: () => this.CONSUME(signs.Plus, { LABEL: 'operator' }) },
          { ALT: () => this.CONSUME(reserved.Except, { LABEL: 'operator' }) },
          { ALT: () => this.CONSUME(reserved.And, { LABEL: 'operator' }) },
        ]);
        this.SUBRULE2(this.selectorTerm);
      });
    },
    throws,
  );

  selectorTerm = this.RULE(
    'selectorTerm',
    () => {
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
    },
    throws,
  );

  modulePath = this.RULE(
    'modulePath',
    () => {
      this.SUBRULE(this.pathStep);
      this.MANY(() => {
        this.CONSUME(signs.Dot);
        this.SUBRULE2(this.pathStep);
      });
    },
    throws,
  );

  pathStep = this.RULE(
    'pathStep',
    () => {
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
    },
    throws,
  );

  layerRange = this.RULE(
    'layerRange',
    () => {
      this.CONSUME(NumberLiteral);
      this.OPTION(() => {
        this.CONSUME(signs.Range);
        this.CONSUME2(NumberLiteral);
      });
    },
    throws,
  );
}
