/**
 * @file PEFT1519: a name is imported under itself.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1519',
  name: 'alias-of-itself',
  level: 'info',
  on: 'file',
  summary: 'a name is imported under itself',
  why: '`as` gives another name; the same one is no other.',
  bad: { text: experiment({ imports: 'import std.adapters.{lora as lora}' }) },
  good: { text: experiment({}) },
  check: ({ file }) =>
    file.imports.flatMap((one) =>
      one.names.flatMap(({ name, as }) =>
        as?.text !== name.text
          ? []
          : [
              {
                span: as.span,
                message: `${name.text} is called that already`,
                fix: {
                  title: `take as ${as.text} out`,
                  edits: [{ span: { ...as.span, start: name.span.end }, text: '' }],
                },
              },
            ],
      ),
    ),
};
