/**
 * @file What is wrong with suppressions themselves. They are judged after all rules, by what they suppressed.
 */
import type { Diagnostic } from '../grammar/diagnostics.js';
import { suggest } from '../compiler/elaborate/nearest.js';
import { removal } from './places.js';
import type { Rule } from './rule.js';
import type { Suppression } from './suppress.js';

/** The codes of this file, for the pages and for `peft explain`. */
export const suppressionCodes = {
  reason: { code: 'PEFT1901', name: 'allow-without-reason', summary: 'a suppression gives no reason' },
  unused: { code: 'PEFT1902', name: 'unused-allow', summary: 'a suppression suppresses nothing' },
  unknown: { code: 'PEFT1903', name: 'unknown-code', summary: 'a suppression names a code that does not exist' },
} as const;

/** Findings about suppressions. */
export function suppressionFindings(
  suppressions: readonly Suppression[],
  used: ReadonlySet<Suppression>,
  rules: readonly Rule[],
  text: string,
): Diagnostic[] {
  const known = new Set(rules.map((rule) => rule.code));
  return suppressions.flatMap((s): Diagnostic[] => {
    if (!known.has(s.code) && !/^PEFT0\d{3}$/.test(s.code))
      return [
        {
          code: suppressionCodes.unknown.code,
          severity: 'warning',
          span: s.span,
          message: s.code === '' ? 'the suppression names no code' : `there is no rule ${s.code}`,
          ...(s.code === ''
            ? { help: 'write // peft-allow CODE: why' }
            : { help: suggest(s.code, s.span, [...known], 'it is one of').help ?? '' }),
        },
      ];
    if (s.reason === '')
      return [
        {
          code: suppressionCodes.reason.code,
          severity: 'warning',
          span: s.span,
          message: `the suppression of ${s.code} gives no reason, and so has no effect`,
          help: `write // peft-allow ${s.code}: why`,
        },
      ];
    return used.has(s)
      ? []
      : [
          {
            code: suppressionCodes.unused.code,
            severity: 'warning',
            span: s.span,
            message: `there is no finding of ${s.code} here to suppress`,
            fix: removal(text, s.span, 'take the comment out'),
          },
        ];
  });
}
