/**
 * @file PEFT1507: a file has neither experiments nor definitions.
 */
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1507',
  name: 'nothing-in-file',
  level: 'warning',
  on: 'file',
  summary: 'a file has neither experiments nor definitions',
  why: 'Such a file can be checked without a fault, and does nothing.',
  bad: { text: 'import std.adapters.lora\n' },
  good: { text: experiment({}) },
  check: ({ file, text }) => {
    if (file.items.length > 0 || text.trim() === '') return [];
    const start = text.length - text.trimStart().length;
    return [
      {
        span: { file: file.span.file, start, end: text.trimEnd().length },
        message: 'there is no experiment and no definition in this file',
        help: 'write experiment NAME { … }',
      },
    ];
  },
};
