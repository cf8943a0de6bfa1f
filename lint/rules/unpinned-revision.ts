/**
 * @file PEFT1301: a base of the hub has no full revision.
 */
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1301',
  name: 'unpinned-revision',
  level: 'warning',
  on: 'experiment',
  summary: 'a base of the hub has no full revision',
  why: "What a repository holds can change, and an adapter over another base is another model: size mismatches on load are many of PEFT's reports, and merging over another base than was trained on changes the answers silently (LlamaFactory issue 4664, PEFT issue 2321). Only the 40 digits of a commit stay.",
  bad: { text: experiment({ base: 'base bert from hub("owner/bert", revision: "main") for classify(labels: 2)' }) },
  good: {
    text: experiment({
      base: 'base bert from hub("owner/bert", revision: "77c8b3d6ab2b4a4c8f5b6f4e1d2c3b4a59687706") for classify(labels: 2)',
    }),
  },
  check: (c) => {
    const { source } = c.resolved.spec.base;
    if (source.kind !== 'hub' || /^[0-9a-f]{40}$/.test(source.revision ?? '')) return [];
    const short = /^[0-9a-f]{7,39}$/.test(source.revision ?? '');
    return [
      {
        span: placeOf(c, 'base.source'),
        message:
          source.revision === null
            ? `no revision of ${source.repo} is named, so that what it is can change`
            : short
              ? `the revision ${source.revision} is shortened`
              : `the revision ${source.revision} of ${source.repo} is a name, and what it names can change`,
        help: 'write revision: "…" with the 40 digits of a commit',
        ...(short ? { level: 'info' as const } : {}),
      },
    ];
  },
};
