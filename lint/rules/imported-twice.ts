/**
 * @file PEFT1518: a name is imported twice.
 */
import type { Import } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1518',
  name: 'imported-twice',
  level: 'warning',
  on: 'file',
  summary: 'a name is imported twice',
  why: 'Of two imports under one name the later one holds. Where they come from different files, what the name means depends on the order of the lines.',
  bad: { text: experiment({ imports: 'import std.adapters.lora\nimport std.adapters.{lora, dora}' }) },
  good: { text: experiment({}) },
  check: ({ file }) => {
    const first = new Map<string, Import['names'][number]['name']['span']>();
    return file.imports.flatMap((one) =>
      one.names.flatMap(({ name, as }) => {
        const { text, span } = as ?? name;
        const known = first.get(text);
        if (known === undefined) first.set(text, span);
        return known === undefined
          ? []
          : [
              {
                span,
                message: `${text} is imported already`,
                notes: [{ message: 'it is here', span: known }],
                help: 'take one of them out',
              },
            ];
      }),
    );
  },
};
