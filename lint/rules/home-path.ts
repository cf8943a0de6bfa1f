/**
 * @file PEFT1303: a path begins with ~, which only a shell understands.
 */
import { pathsOf } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1303',
  name: 'home-path',
  level: 'warning',
  on: 'experiment',
  summary: 'a path begins with ~, which only a shell understands',
  why: 'A shell makes the home folder of `~`; a file that is read does not. The path is one below a folder that is really called `~`.',
  bad: { text: experiment({ data: 'train: tsv("~/train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) =>
    pathsOf(c).flatMap(({ path, span }) =>
      /^~/.test(path) ? [{ span, message: `${path} is below a folder called ~`, help: 'write the path from the folder of this file' }] : [],
    ),
};
