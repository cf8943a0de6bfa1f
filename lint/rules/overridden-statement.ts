/**
 * @file PEFT1008: every module of a statement is taken over by later statements.
 */
import { experiment } from '../example.js';
import { isOwn, removal } from '../places.js';
import type { Finding, Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1008',
  name: 'overridden-statement',
  level: 'warning',
  on: 'experiment',
  summary: 'later statements take over every module of this one',
  why: 'Where two statements reach the same module the later one wins, so a statement can be without effect. In PEFT the first key of `rank_pattern` that fits wins and the others are shadowed without a word (PEFT issues 2419 and 3582). Write what is general first and what is special after it.',
  bad: {
    text: experiment({
      targets: 'adapt attention.query with lora(rank: 4, alpha: 8)\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  good: {
    text: experiment({
      targets: 'adapt attention with lora(rank: 2, alpha: 4)\nadapt attention.query with lora(rank: 4, alpha: 8)\ntrain head',
    }),
  },
  check: (c) =>
    c.resolved.matches.flatMap((match, i): Finding[] => {
      if (!isOwn(c, match.span) || match.modules.length === 0) return [];
      const later = c.resolved.matches.slice(i + 1).filter((m) => m.text === match.text);
      const taken = new Set(later.flatMap((m) => m.modules));
      if (!match.modules.every((m) => taken.has(m))) return [];
      const by = later.filter((m) => m.modules.some((module) => match.modules.includes(module)));
      return [
        {
          span: match.span,
          message: `later statements take over ${match.modules.length === 1 ? 'the only module' : `all ${match.modules.length} modules`} of this one`,
          notes: by.map((m) => ({ message: 'this is one of them', span: m.span })),
          help: 'leave it out, or write it after the more general ones',
          fix: removal(c.text, match.span, 'leave the statement out'),
        },
      ];
    }),
};
