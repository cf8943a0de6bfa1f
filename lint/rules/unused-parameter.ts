/**
 * @file PEFT1510: a definition does not use one of its parameters.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { isBroken, namesUsed } from '../names-used.js';
import type { DefinitionKind } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

// What a module, a model or a task is given is also for others to read: adapters, and models that do the task.
const closed: readonly DefinitionKind[] = ['def', 'schedule', 'adapter', 'optimizer', 'format'];

// Read by the host before each step.
const rateName = 'lr';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1510',
  name: 'unused-parameter',
  level: 'warning',
  on: 'file',
  summary: 'a definition does not use one of its parameters',
  why: 'A parameter that is read by nothing can be set, checked and put into a sweep, and changes no number: four flags that were validated, documented and read by nothing were found in one tool alone (Soup 0.73.3, axolotl issue 3546).',
  bad: { text: experiment({ before: '/// Twice.\ndef twice(x, scale = 3) = 2 * x', tune: 'epochs: twice(2)' }) },
  good: { text: experiment({ before: '/// Twice.\ndef twice(x, scale = 2) = scale * x', tune: 'epochs: twice(2)' }) },
  check: ({ file }) =>
    isBroken(file)
      ? []
      : definitionsOf(file)
          .filter((d) => closed.includes(d.what) && !(d.body.kind === 'expr' && d.body.expr.kind === 'none'))
          .flatMap((d) =>
            d.params
              .filter((p) => !namesUsed({ ...d, doc: '' }, p).has(p.name.text) && !(d.what === 'optimizer' && p.name.text === rateName))
              .map((p) => ({
                span: p.name.span,
                message: `${d.what} ${d.name.text} does not use its parameter ${p.name.text}`,
                help: 'use it, or take it out',
              })),
          ),
};
