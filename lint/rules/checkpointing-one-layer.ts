/**
 * @file PEFT1406: what is kept is where layers begin, and the model has only one.
 */
import { allModules } from '../../compiler/elaborate/instance.js';
import { placeOf } from '../places.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1406',
  name: 'checkpointing-one-layer',
  level: 'info',
  on: 'experiment',
  summary: 'what is kept is where layers begin, and the model has only one',
  why: '`checkpointing: layers` keeps what goes into each layer and computes the rest again. With one layer nearly the whole forward pass is computed twice, and what is alive at once stays as much.',
  bad: { text: experiment({ tune: 'checkpointing: layers' }), config: { num_hidden_layers: 1 } },
  good: { text: experiment({ tune: 'checkpointing: layers' }) },
  check: (c) => {
    if (c.resolved.spec.tune.checkpointing !== 'layers') return [];
    const layers = allModules(c.resolved.model).filter((m) =>
      m.roles.some((role) => role.at(-1)?.index !== undefined && role.filter((part) => part.index !== undefined).length === 1),
    ).length;
    return layers > 1
      ? []
      : [
          {
            span: placeOf(c, 'tune.checkpointing'),
            message: `the model has ${layers === 1 ? 'only one layer' : 'no layers'}`,
            help: 'leave checkpointing out, or lower the batch',
          },
        ];
  },
};
