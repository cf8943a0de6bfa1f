/**
 * @file PEFT1503: a derived experiment sets a field to the value that it takes over.
 */
import { experimentsOf, flatten } from '../../compiler/spec/statements.js';
import { fieldRemoval, ownFields, sameValue } from '../written-values.js';
import type { Field } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1503',
  name: 'redundant-field',
  level: 'info',
  on: 'experiment',
  summary: 'a derived experiment sets a field to the value that it takes over',
  why: 'What a derived experiment writes is what makes it another experiment. A field that is the same hides those that are not.',
  bad: {
    text: experiment({
      after: 'experiment second = review {\n  tune {\n    optimizer: adamw(lr: 2e-4)\n    epochs: 3\n  }\n  data { label: "label" }\n}',
    }),
  },
  good: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 3 }\n}' }) },
  check: (c) => {
    const { from } = c.experiment;
    const parent = from && experimentsOf(c.file).find((x) => x.name.text === from.text);
    const before = parent && flatten(c.file, parent, []);
    if (parent === undefined || before === undefined) return [];
    return ownFields(c.experiment).flatMap(({ section, field }) => {
      const taken = (f: Field): Field | undefined => before.sections.get(section.name.text)?.fields.get(f.name.text);
      const same = (f: Field): boolean => {
        const other = taken(f);
        return other !== undefined && sameValue(other.value, f.value);
      };
      const first = taken(field);
      return first === undefined || !same(field)
        ? []
        : [
            {
              span: field.span,
              message: `${field.name.text} is that in ${parent.name.text} already`,
              notes: [{ message: 'it is taken over from here', span: first.span }],
              fix: fieldRemoval(c.text, section, field, same),
            },
          ];
    });
  },
};
