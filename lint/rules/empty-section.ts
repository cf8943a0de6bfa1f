/**
 * @file PEFT1517: a section has no fields.
 */
import { removal } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1517',
  name: 'empty-section',
  level: 'info',
  on: 'experiment',
  summary: 'a section has no fields',
  why: 'A section without fields says nothing.',
  bad: { text: experiment({ budget: '' }) },
  good: { text: experiment({ budget: 'gpu_memory: 200 KiB' }) },
  check: (c) =>
    c.experiment.statements.flatMap((s) =>
      s.kind !== 'section' || s.section.fields.length > 0 || s.section.tail.length > 0
        ? []
        : [
            {
              span: s.span,
              message: `${s.section.name.text} is empty`,
              fix: removal(c.text, s.span, `take ${s.section.name.text} out`),
            },
          ],
    ),
};
