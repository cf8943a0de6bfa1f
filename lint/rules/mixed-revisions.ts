/**
 * @file PEFT1314: experiments of one file take different revisions of one base.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1314',
  name: 'mixed-revisions',
  level: 'warning',
  on: 'file',
  summary: 'experiments of one file take different revisions of one base',
  why: 'Experiments stand in one file to be compared. Over different bases what differs in their results may be the base and not the method (PEFT issue 2321, LlamaFactory issue 4664).',
  bad: {
    text: experiment({
      base: 'base bert from hub("owner/bert", revision: "77c8b3d6ab2b4a4c8f5b6f4e1d2c3b4a59687706") for classify(labels: 2)',
      after:
        'experiment later = review {\n  base bert from hub("owner/bert", revision: "0000000000000000000000000000000000000001") for classify(labels: 2)\n}',
    }),
  },
  good: {
    text: experiment({
      base: 'base bert from hub("owner/bert", revision: "77c8b3d6ab2b4a4c8f5b6f4e1d2c3b4a59687706") for classify(labels: 2)',
      after: 'experiment later = review {\n  tune { epochs: 3 }\n}',
    }),
  },
  check: ({ experiments }) => {
    const first = new Map<string, { readonly revision: string | null; readonly name: string; readonly span: Span }>();
    return experiments.flatMap((c) => {
      const { source } = c.resolved.spec.base;
      if (source.kind !== 'hub') return [];
      const span = placeOf(c, 'base.source');
      const known = first.get(source.repo);
      if (known === undefined) first.set(source.repo, { revision: source.revision, name: c.experiment.name.text, span });
      return known === undefined || known.revision === source.revision
        ? []
        : [
            {
              span,
              message: `${known.name} takes another revision of ${source.repo}`,
              notes: [{ message: 'it is named here', span: known.span }],
              help: 'take one revision in all of them',
            },
          ];
    });
  },
};
