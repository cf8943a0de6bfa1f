/**
 * @file PEFT1403: a tensor is larger than what a device has to bind at once.
 */
import { showBytes } from '../../compiler/elaborate/value.js';
import { bindingLimit, bytesOf, elementsOf } from '../memory.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1403',
  name: 'large-tensor',
  level: 'warning',
  on: 'experiment',
  summary: 'a tensor is larger than what a device has to bind at once',
  why: 'WebGPU promises 128 MiB in one binding (`maxStorageBufferBindingSize`). Frozen tables are cut into parts of fewer rows; what is trained, and what stands in fewer bits, is not. Devices that bind no more cannot run the experiment.',
  bad: {
    text: experiment({
      base: 'base bert from "models/large" for classify(labels: 2)',
      targets: 'train embeddings.word\ntrain head',
      imports: '',
    }),
    config: {
      model_type: 'bert',
      vocab_size: 1000000,
      hidden_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
      max_position_embeddings: 128,
    },
  },
  good: {
    text: experiment({ base: 'base bert from "models/large" for classify(labels: 2)' }),
    config: {
      model_type: 'bert',
      vocab_size: 1000000,
      hidden_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
      max_position_embeddings: 128,
    },
  },
  check: (c) => {
    const { persistent, trainables } = c.layout();
    const span = c.experiment.name.span;
    const help = 'run it on a device that binds more; peft doctor shows how much one does';
    const tensors = [
      ...trainables.map((t) => ({ name: t.name, bytes: 4 * t.elements, why: 'it is trained' })),
      ...persistent.flatMap((p) => {
        const row = elementsOf(p.shape.slice(1)) * 4;
        const whole = p.shape.length !== 2 || row > bindingLimit;
        const kept = p.kind === 'weights' ? whole : p.kind === 'adapter' && p.within === undefined && p.shape.length > 1;
        return kept ? [{ name: p.name, bytes: bytesOf(p), why: 'it is not cut by rows' }] : [];
      }),
    ];
    return tensors
      .filter((t) => t.bytes > bindingLimit)
      .slice(0, 1)
      .map((t) => ({
        span,
        message: `${t.name} takes ${showBytes(t.bytes)} at once, above ${showBytes(bindingLimit)}, and ${t.why}`,
        help,
      }));
  },
};
