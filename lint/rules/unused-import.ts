/**
 * @file PEFT1501: a name is imported and not used.
 */
import type { Experiment, Import } from '../../grammar/ast.js';
import type { Fix } from '../../grammar/diagnostics.js';
import { isBroken, namesUsed } from '../names-used.js';
import { removal } from '../places.js';
import type { FileContext } from '../rule.js';
import { listWithout } from '../written-values.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1501',
  name: 'unused-import',
  level: 'warning',
  on: 'file',
  summary: 'a name is imported and not used',
  why: 'An import that nothing uses says that a method takes part which does not.',
  bad: { text: experiment({ imports: 'import std.adapters.{lora, dora}\nimport std.adapters.vera' }) },
  good: {
    text: experiment({
      imports: 'import std.adapters.{lora, dora as weighted}',
      targets: 'adapt attention.query with lora(rank: 2)\nadapt attention.value with weighted(rank: 2)\ntrain head',
    }),
  },
  check: (c) => {
    if (isBroken(c.file)) return [];
    const used = namesUsed(c.file.items);
    // What does not pass the check may mean another name than it says.
    const sure = c.experiments.length === c.file.items.filter((i): i is Experiment => i.kind === 'experiment').length;
    return c.file.imports.flatMap((one) => {
      const unused = one.names.filter(({ name, as }) => !used.has((as ?? name).text));
      const fix = sure && unused.length > 0 ? fixOf(c, one, used) : undefined;
      return unused.map(({ name, as }) => ({
        span: (as ?? name).span,
        message: `${(as ?? name).text} is imported and not used`,
        help: 'take it out of the import',
        ...(fix === undefined ? {} : { fix }),
      }));
    });
  },
};

/** One edit for all names of an import that are not used. */
function fixOf({ text }: FileContext, one: Import, used: ReadonlySet<string>): Fix | undefined {
  const stays = (i: number): boolean => used.has((one.names[i]?.as ?? one.names[i]?.name)?.text ?? '');
  if (!one.names.some((_, i) => stays(i))) return removal(text, one.span, 'take the import out');
  const parts = one.names.map(({ name, as }) => ({ ...name.span, end: (as ?? name).span.end }));
  const edit = listWithout(text, parts, stays);
  return edit && { title: 'import what is used', edits: [edit] };
}
