/**
 * @file PEFT1005: an adapter sits on one side of a tied weight.
 */
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { elaborateTask } from '../../compiler/elaborate/task-graph.js';
import { attempt } from '../../compiler/elaborate/stop.js';
import { createGraph } from '../../compiler/graph/builder.js';
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { placed } from '../sites.js';

const data = 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"  max_length: 9 tokens';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1005',
  name: 'tied-embeddings-adapted',
  level: 'warning',
  on: 'experiment',
  summary: 'an adapter sits on embeddings that are the output layer too, where it does nothing',
  why: 'With tied embeddings one table is read at the input and at the output. An adapter on the table changes what is read at the input alone; merged, it would change both, so it cannot be merged (PEFT issue 2018 and pull request 2025, LlamaFactory issue 6749, unsloth issue 9331). Training the table in full changes both sides.',
  bad: {
    text: experiment({
      imports: 'import std.adapters.{lora, lora_embedding}',
      base: 'base gpt2 from "models/gpt2" for causal()',
      data,
      targets: 'adapt attention with lora(rank: 2, alpha: 4)\nadapt embeddings.word with lora_embedding(rank: 2, alpha: 4)',
    }),
  },
  good: {
    text: experiment({
      base: 'base gpt2 from "models/gpt2" for causal()',
      data,
      targets: 'adapt attention with lora(rank: 2, alpha: 4)\ntrain embeddings.word',
    }),
  },
  check: (c) => {
    const { model, adapters, formats, task, batch } = c.resolved;
    // What others read is a table of embeddings; to see whether they do, the whole task is worked out.
    if (![...adapters.keys()].some((site) => site.kinds.some((kind) => kind.name === 'embedding'))) return [];
    const e = createElaboration(createGraph(), { training: false, adapters, formats });
    if (attempt([], () => elaborateTask(e, model, task, batch, { rows: 1, tokens: 4 })) === undefined) return [];
    return placed(c).flatMap(({ span, adapters: those }): Finding[] => {
      const tied = those.find((a) => e.borrowed.has(a.site) && a.own.length === 0);
      if (tied === undefined) return [];
      return [
        {
          span,
          message: `the weight of ${tied.site.path} is read elsewhere too, where this adapter changes nothing, so it cannot be merged`,
          help: `write train ${JSON.stringify(tied.site.path)} to change both, or leave the adapter out`,
        },
      ];
    });
  },
};
