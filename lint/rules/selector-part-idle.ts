/**
 * @file PEFT1006: a part of a union matches nothing of its own.
 */
import type { Selector } from '../../grammar/ast.js';
import type { Fix } from '../../grammar/diagnostics.js';
import type { ModuleInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { ExperimentContext, Finding, Rule } from '../rule.js';
import { selected, selectorOf } from '../sites.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1006',
  name: 'selector-part-idle',
  level: 'warning',
  on: 'experiment',
  summary: 'a part of a union reaches nothing that the other parts do not reach',
  why: 'A part without effect is either a leftover or means something else than it says. PEFT ignores a wrong name in a list of targets as long as another one matches (PEFT issues 1959 and 3693), so lists grow names that do nothing.',
  bad: { text: experiment({ targets: 'adapt attention + attention.query with lora(rank: 2, alpha: 4)\ntrain head' }) },
  good: { text: experiment({ targets: 'adapt attention + mlp with lora(rank: 2, alpha: 4)\ntrain head' }) },
  check: (c) =>
    c.resolved.matches.flatMap((match): Finding[] => {
      const selector = selectorOf(c, match);
      const parts = selector === undefined ? [] : unionOf(selector);
      if (parts.length < 2) return [];
      const reached = parts.map((part) => selected(c, part).filter((m) => match.modules.includes(m)));
      return idle(reached).map((i) => {
        const part = parts[i] as Selector;
        const none = reached[i]?.length === 0;
        return {
          span: part.span,
          message: none
            ? `this part reaches nothing that ${match.method ?? 'training'} acts on`
            : 'this part reaches nothing that the other parts do not reach',
          help: 'leave it out',
          ...fixOf(c, parts, i),
        };
      });
    }),
};

/** The parts of a union as it is written from left to right. */
const unionOf = (selector: Selector): Selector[] =>
  selector.kind === 'select-binary' && selector.op === '+' ? [...unionOf(selector.left), selector.right] : [selector];

/** Which parts the others make superfluous; of two that are the same, the later. */
function idle(reached: readonly (readonly ModuleInstance[])[]): number[] {
  const found: number[] = [];
  for (let i = reached.length - 1; i >= 0; i -= 1) {
    const others = new Set(reached.flatMap((modules, k) => (k === i || found.includes(k) ? [] : modules)));
    if (reached[i]?.every((m) => others.has(m)) === true) found.push(i);
  }
  return found.reverse();
}

/** Takes a part out with its `+`, where no parenthesis stands in between. */
function fixOf({ text }: ExperimentContext, parts: readonly Selector[], i: number): { readonly fix?: Fix } {
  const { span } = parts[i] as Selector;
  const neighbour = (parts[i - 1] ?? parts[i + 1]) as Selector;
  const [start, end] = i > 0 ? [neighbour.span.end, span.start] : [span.end, neighbour.span.start];
  if (!/^\s*\+\s*$/.test(text.slice(start, end))) return {};
  const whole = i > 0 ? { ...span, start } : { ...span, end };
  return { fix: { title: 'leave this part out', edits: [{ span: whole, text: '' }] } };
}
