/**
 * @file PEFT1407: less than a tenth of the base is kept in fewer bits.
 */
import { percent, whole } from '../figures.js';
import { elementsOf } from '../memory.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1407',
  name: 'quantised-little',
  level: 'info',
  on: 'experiment',
  summary: 'less than a tenth of the base is kept in fewer bits',
  why: 'Fewer bits save memory in proportion to what they hold. A selector that matches a few modules where all linear layers were meant leaves the rest in f32, and nothing says so: partial matches are the most reported fault of their kind (PEFT issues 1959 and 3693).',
  bad: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize attention.query as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  good: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize linears except head as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) => {
    const statement = c.statements.formats.at(-1);
    const held = [...c.resolved.formats.keys()].reduce((sum, s) => sum + elementsOf(s.shape), 0);
    const all = c.layout().baseElements;
    return statement === undefined || held === 0 || 10 * held >= all
      ? []
      : [
          {
            span: statement.selector.span,
            message: `${whole(held)} of ${whole(all)} elements of the base (${percent(held / all)}) are kept in fewer bits`,
            help: 'write linears except head, or leave the statement out',
          },
        ];
  },
};
