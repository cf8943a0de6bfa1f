/**
 * @file PEFT1516: an experiment derives from another by way of more than four.
 */
import { experimentsOf } from '../../compiler/spec/statements.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1516',
  name: 'long-derivation',
  level: 'info',
  on: 'experiment',
  summary: 'an experiment derives from another by way of more than four',
  why: 'To know what such an experiment is, one reads all that it derives from. Experiments that derive from one common one can be compared at a glance.',
  bad: {
    text: experiment({
      after: ['review', 'a', 'b', 'c', 'd', 'e']
        .slice(1)
        .map((name, i) => `experiment ${name} = ${['review', 'a', 'b', 'c', 'd'][i] ?? ''} {\n  tune { epochs: ${i + 2} }\n}`)
        .join('\n\n'),
    }),
  },
  good: { text: experiment({ after: 'experiment second = review {\n  tune { epochs: 3 }\n}' }) },
  check: (c) => {
    const all = experimentsOf(c.file);
    const chain: string[] = [];
    for (let x = c.experiment; x.from !== undefined && chain.length <= all.length;) {
      const name = x.from.text;
      chain.push(name);
      const next = all.find((one) => one.name.text === name);
      if (next === undefined) break;
      x = next;
    }
    return chain.length <= 4
      ? []
      : [
          {
            span: c.experiment.name.span,
            message: `${c.experiment.name.text} derives from ${chain.at(-1) ?? ''} in ${chain.length} steps`,
            notes: [{ message: `by way of ${chain.slice(0, -1).join(', ')}` }],
            help: 'derive from one that is nearer to the first',
          },
        ];
  },
};
