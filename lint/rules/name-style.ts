/**
 * @file PEFT1508: a name is not in lower case with underscores.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1508',
  name: 'name-style',
  level: 'info',
  on: 'file',
  summary: 'a name is not in lower case with underscores',
  why: 'Names of the standard library, of folders of runs and of adapters are lower case with underscores. File systems that do not tell cases apart make one folder of `Review` and `review`.',
  bad: { text: experiment({ name: 'ReviewOne' }) },
  good: { text: experiment({}) },
  check: ({ file }) =>
    file.items.flatMap((item) => {
      if (item.kind === 'error' || /^[a-z][a-z0-9_]*$/.test(item.name.text)) return [];
      const better = item.name.text
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replace(/^_+/, '')
        .toLowerCase();
      return [
        {
          span: item.name.span,
          message: `the name ${item.name.text} is not in lower case with underscores`,
          help: better === '' ? 'write a name that begins with a letter' : `write ${better}`,
        },
      ];
    }),
};
