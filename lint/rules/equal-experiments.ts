/**
 * @file PEFT1504: two experiments of a file mean the same.
 */
import { canonical, meaning } from '../../compiler/spec/spec.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1504',
  name: 'equal-experiments',
  level: 'warning',
  on: 'file',
  summary: 'two experiments of a file mean the same',
  why: 'Two experiments that mean the same give the same numbers to the last bit: comparing them is comparing nothing. Mostly one of them lacks the line that was to tell them apart.',
  bad: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 1 }\n}' }) },
  good: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 3 }\n}' }) },
  check: ({ experiments }) => {
    const first = new Map<string, (typeof experiments)[number]['experiment']>();
    return experiments.flatMap(({ experiment, resolved }) => {
      const key = canonical(meaning({ ...resolved.spec, name: '' }));
      const known = first.get(key);
      if (known === undefined) first.set(key, experiment);
      // One that writes nothing is another rule's.
      return known === undefined || experiment.statements.length === 0
        ? []
        : [
            {
              span: experiment.name.span,
              message: `${experiment.name.text} means the same as ${known.name.text}`,
              notes: [{ message: 'it is here', span: known.name.span }],
              help: 'write what tells them apart, or take one out; another seed is another experiment',
            },
          ];
    });
  },
};
