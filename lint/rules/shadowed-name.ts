/**
 * @file PEFT1509: a definition hides one that every file sees, or one that is imported.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { qualified } from '../../compiler/elaborate/scope.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1509',
  name: 'shadowed-name',
  level: 'warning',
  on: 'file',
  summary: 'a definition hides one that every file sees, or one that is imported',
  why: 'Functions, models, optimisers, schedules and tasks of the standard library are visible everywhere. A definition of the same name takes their place in this file alone: what is written elsewhere, or was copied from the documentation, then means something else here.',
  bad: { text: experiment({ before: '/// Twice.\ndef mean(x) = 2 * x', tune: 'epochs: mean(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x) = 2 * x', tune: 'epochs: twice(2)' }) },
  check: ({ file, library }) => {
    const everywhere = library.scopeOf({ kind: 'file', imports: [], items: [], tail: [], span: file.span }, []);
    const imported = new Map(file.imports.flatMap((i) => i.names.map(({ name, as }) => [(as ?? name).text, (as ?? name).span] as const)));
    return definitionsOf(file).flatMap(({ what, name }) => {
      const place = imported.get(name.text);
      const builtin = everywhere.lookup(name.text)?.kind === 'builtin';
      const known = everywhere.lookup(qualified(what, name.text));
      // The standard library is what everyone sees.
      if (known?.kind === 'definition' && known.definition.name.span.start === name.span.start) return [];
      return place === undefined && !builtin && known === undefined
        ? []
        : [
            {
              span: name.span,
              message:
                place === undefined
                  ? `${name.text} hides the ${builtin ? 'builtin function' : what} of that name`
                  : `${name.text} hides what is imported under that name`,
              ...(place === undefined ? {} : { notes: [{ message: 'it is imported here', span: place }] }),
              help: 'give it another name',
            },
          ];
    });
  },
};
