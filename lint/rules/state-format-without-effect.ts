/**
 * @file PEFT1404: the optimiser keeps nothing in fewer bits: every trained tensor is too small.
 */
import { optimizerState } from '../../compiler/elaborate/optimizer.js';
import { numberOf, whole } from '../figures.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1404',
  name: 'state-format-without-effect',
  level: 'info',
  on: 'experiment',
  summary: 'the optimiser keeps nothing in fewer bits: every trained tensor is too small',
  why: 'Optimisers with state in fewer bits leave small tensors in f32, as bitsandbytes does below 4,096 elements. The matrices of most methods are that small: the name of the optimiser then promises memory that it does not save.',
  bad: { text: experiment({ tune: 'optimizer: adamw8bit(lr: 2e-4)' }) },
  good: { text: experiment({}) },
  check: (c) => {
    const { optimizer } = c.resolved;
    const { groups, trainables } = c.layout();
    const promised = optimizerState(optimizer, 2 ** 31).some((s) => s.format !== undefined);
    if (!promised || trainables.length === 0 || groups.some((g) => g.state.some((s) => s.format !== undefined))) return [];
    const largest = Math.max(...trainables.map((t) => t.elements));
    return [
      {
        span: placeOf(c, 'tune.optimizer'),
        message: `the state of all ${numberOf(trainables.length, 'trained tensor')} stays in f32, for the largest has only ${whole(largest)} elements`,
        help: 'write the optimiser that keeps its state in f32',
      },
    ];
  },
};
