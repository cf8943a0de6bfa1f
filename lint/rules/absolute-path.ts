/**
 * @file PEFT1302: a path is of this machine alone.
 */
import { pathsOf } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1302',
  name: 'absolute-path',
  level: 'info',
  on: 'experiment',
  summary: 'a path is of this machine alone',
  why: 'A path from the root of a file system is right on one machine. Paths of an experiment start at its own file, so that a folder can be moved, shared and run elsewhere.',
  bad: { text: experiment({ data: 'train: tsv("/home/me/train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) =>
    pathsOf(c).flatMap(({ path, span }) =>
      /^(\/|\\\\|[A-Za-z]:[\\/])/.test(path)
        ? [{ span, message: `${path} is a path of this machine`, help: 'write the path from the folder of this file' }]
        : [],
    ),
};
