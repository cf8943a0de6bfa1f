/**
 * @file PEFT1523: a tensor of a definition is used by nothing in it.
 */
import { definitionsOf } from '../../compiler/elaborate/library.js';
import { isBroken, namesUsed } from '../names-used.js';
import type { StorageKind } from '../../grammar/ast.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

const kept: readonly StorageKind[] = ['train', 'frozen', 'state'];

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1523',
  name: 'unused-tensor',
  level: 'warning',
  on: 'file',
  summary: 'a tensor of a definition is used by nothing in it',
  why: 'A trained tensor that no formula names has a gradient of zero: it is counted, saved and kept in the state of the optimiser, and never changes. Fields that are read by nothing are a known trap (axolotl issue 3546).',
  bad: {
    text: experiment({
      imports: '',
      before:
        '/// A row for each output.\nadapter rows() on linear(in, out) {\n  train a: [out] = zeros() as "a"\n  train c: [in] = zeros() as "c"\n  delta_bias = a\n}',
      targets: 'adapt attention with rows()\ntrain head',
    }),
  },
  good: {
    text: experiment({
      imports: '',
      before: '/// A row for each output.\nadapter rows() on linear(in, out) {\n  train a: [out] = zeros() as "a"\n  delta_bias = a\n}',
      targets: 'adapt attention with rows()\ntrain head',
    }),
  },
  check: ({ file }) =>
    isBroken(file)
      ? []
      : definitionsOf(file).flatMap((d) =>
          (d.body.kind === 'block' ? d.body.members : []).flatMap((m) =>
            // One without a type is a tensor of the site.
            m.kind !== 'storage' || !kept.includes(m.storage) || (m.type === undefined && m.storage !== 'state')
              ? []
              : namesUsed({ ...d, doc: '' }, m).has(m.name.text)
                ? []
                : [
                    {
                      span: m.name.span,
                      message: `${m.name.text} is ${m.storage === 'train' ? 'trained' : 'kept'} and used by nothing`,
                      help: 'use it, or take it out',
                    },
                  ],
          ),
        ),
};
