/**
 * @file Explanation: what a code of the parser, the checker or the planner means, for `peft explain` and the pages of `docs/errors/`.
 * Its examples are the cases of `test/errors/`, so that what they say is what the compiler says.
 */
import type { Severity } from '../../grammar/diagnostics.js';

/** One code. */
export interface Explanation {
  /** `PEFT0nnn`, never used for anything else. */
  readonly code: string;
  /** One line, lower case, without a final stop. */
  readonly title: string;
  readonly level: Severity;
  /** What is checked, and what would come of it otherwise. Markdown. */
  readonly why: string;
  /** What to write. Markdown. */
  readonly todo: string;
}

/** An entry of a table of explanations; errors are the rule. */
export const explain = (code: string, title: string, why: string, todo: string, level: Severity = 'error'): Explanation => ({
  code,
  title,
  level,
  why,
  todo,
});
