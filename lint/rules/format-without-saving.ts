/**
 * @file PEFT1416: a weight takes as many bytes in its format as it does in f32.
 */
import { showBytes } from '../../compiler/elaborate/value.js';
import { bitsOf, elementsOf } from '../memory.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1416',
  name: 'format-without-saving',
  level: 'warning',
  on: 'experiment',
  summary: 'a weight takes as many bytes in its format as it does in f32',
  why: 'A format cuts a weight into blocks and fills the last one with zeros. Where the blocks are larger than the weight, what is filled in and the scales take more than the bits save, and the weight is less exact for it.',
  bad: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize attention as nf4(block: 4096)\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  good: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize attention as nf4(block: 64)\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) => {
    const statement = c.statements.formats.at(-1);
    const dear = [...c.resolved.formats.values()].filter((f) => bitsOf(f) >= 32);
    const [first] = dear;
    if (statement === undefined || first === undefined) return [];
    const elements = elementsOf(first.weight.shape);
    return [
      {
        span: statement.format.span,
        message: `${first.site?.path ?? first.weight.name} takes ${showBytes((bitsOf(first) * elements) / 8)} in ${first.definition.name.text} and ${showBytes(4 * elements)} in f32${dear.length > 1 ? `, and ${dear.length - 1} more are like it` : ''}`,
        help: `take smaller blocks than ${first.blockSize}, or leave it in f32`,
      },
    ];
  },
};
