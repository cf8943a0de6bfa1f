/**
 * @file PEFT1511: a value is named by let and not used.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { isBroken, namesUsed, partsOfKind } from '../names-used.js';
import { removal } from '../places.js';
import type { Definition, Member } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1511',
  name: 'unused-let',
  level: 'warning',
  on: 'file',
  summary: 'a value is named by let and not used',
  why: 'A value that nothing uses changes nothing. Mostly the name that was meant stands where another one is written.',
  bad: { text: experiment({ before: '/// Twice.\ndef twice(x) {\n  let y = 3 * x\n  2 * x\n}', tune: 'epochs: twice(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x) {\n  let y = 2 * x\n  y\n}', tune: 'epochs: twice(2)' }) },
  check: ({ file, text }) =>
    isBroken(file)
      ? []
      : definitionsOf(file).flatMap((d) =>
          letsOf(d)
            .filter((m) => !namesUsed({ ...d, doc: '' }, m).has(m.name.text))
            .map((m) => ({
              span: m.name.span,
              message: `${m.name.text} is not used`,
              help: 'use it, or take it out',
              // A type checks and binds axes.
              ...(m.type === undefined ? { fix: removal(text, m.span, `take ${m.name.text} out`) } : {}),
            })),
        ),
};

type Let = Extract<Member, { kind: 'let' }>;

/** Values that can be used inside the definition alone: members of modules, models and tasks are read by others. */
function letsOf(d: Definition): readonly Let[] {
  const open = d.what === 'module' || d.what === 'model' || d.what === 'task';
  return partsOfKind(open ? partsOfKind(d, 'function') : d, 'let') as readonly Let[];
}
