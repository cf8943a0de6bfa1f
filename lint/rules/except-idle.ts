/**
 * @file PEFT1007: an exception excludes nothing.
 */
import type { Selector } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { ExperimentContext, Finding, Rule } from '../rule.js';
import { selected, selectorOf } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1007',
  name: 'except-idle',
  level: 'warning',
  on: 'experiment',
  summary: 'an exception excludes nothing',
  why: 'An exception from something that does not contain it looks like protection and is none. In PEFT a wrong name in a list of targets is ignored as long as another one matches (PEFT issues 1959 and 3693); an exception here may match something and still exclude nothing.',
  bad: { text: experiment({ targets: 'adapt attention except mlp with lora(rank: 2, alpha: 4)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention except attention.output with lora(rank: 2, alpha: 4)\ntrain head' }) },
  check: (c) =>
    c.resolved.matches.flatMap((match) => {
      const selector = selectorOf(c, match);
      return selector === undefined ? [] : idle(c, selector);
    }),
};

function idle(c: ExperimentContext, selector: Selector): Finding[] {
  if (selector.kind !== 'select-binary') return [];
  const inside = [...idle(c, selector.left), ...idle(c, selector.right)];
  if (selector.op !== 'except') return inside;
  const { left, right } = selector;
  const without = new Set(selected(c, right));
  if (selected(c, left).some((m) => without.has(m))) return inside;
  const span = { ...right.span, start: left.span.end };
  const plain = /^\s*except\s*$/.test(c.text.slice(left.span.end, right.span.start));
  return [
    ...inside,
    {
      span: right.span,
      message: 'what stands before except contains none of this',
      help: 'leave it out, or except what you mean',
      ...(plain ? { fix: { title: 'leave the exception out', edits: [{ span, text: '' }] } } : {}),
    },
  ];
}
