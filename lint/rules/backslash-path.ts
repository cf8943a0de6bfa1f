/**
 * @file PEFT1304: a path is written with backslashes.
 */
import { pathsOf } from '../tables.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1304',
  name: 'backslash-path',
  level: 'warning',
  on: 'experiment',
  summary: 'a path is written with backslashes',
  why: 'A backslash parts folders on Windows alone; elsewhere it is a character of a name, and the file is not found. A slash parts folders everywhere.',
  bad: { text: experiment({ data: 'train: tsv("data\\\\train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"' }) },
  good: { text: experiment({}) },
  check: (c) =>
    pathsOf(c).flatMap(({ path, span }) =>
      path.includes('\\')
        ? [{ span, message: `${path} is a path on Windows alone`, help: `write ${JSON.stringify(path.replaceAll('\\', '/'))}` }]
        : [],
    ),
};
