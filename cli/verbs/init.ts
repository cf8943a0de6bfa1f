/**
 * @file `peft init`: writes a commented `.peft` file to start from. It never overwrites anything.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { exitCodes, UserError } from '../exit.js';
import { writeWhole } from '../output.js';
import { type Verb } from '../verb.js';

/** The verb. */
export const verb: Verb = {
  group: 'Setup',
  summary: 'write a commented .peft file to start from',
  details: 'The name of the file becomes the name of the experiment. An existing file is never overwritten.',
  args: [{ syntax: '[file]', help: 'the file to write, or - for standard output (default: experiment.peft)' }],
  options: [
    {
      flags: '--template <name>',
      help: 'what the experiment learns: classify texts, or continue them',
      choices: ['classify', 'causal'],
      default: 'classify',
    },
  ],
  examples: [
    { command: 'peft init reviews.peft', help: 'an experiment that classifies texts' },
    { command: 'peft init stories.peft --template causal', help: 'an experiment that continues texts' },
  ],
  async run({ args, options }, context) {
    const file = args[0] ?? 'experiment.peft';
    const text = starterText(options['template'] as Template, experimentName(file));
    if (file === '-') {
      context.out(text);
      return exitCodes.ok;
    }
    const path = resolve(context.cwd, file);
    if (!file.endsWith('.peft')) throw new UserError(`${file} does not end in .peft`, `peft init ${file}.peft`);
    if (existsSync(path)) throw new UserError(`${file} exists already and is left as it is`, 'name another file, or remove this one first');
    writeWhole(path, text, file);
    context.err(`wrote ${file}\nnext: put your data and base model into it, then: peft check ${file}\n`);
    return exitCodes.ok;
  },
};

/** What a starter file is for. */
export type Template = 'classify' | 'causal';

/** A name the language takes, made of the file's name. */
function experimentName(file: string): string {
  const name = basename(file, '.peft')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? 'experiment_1' : /^[0-9]/.test(name) ? `run_${name}` : name;
}

/** The text of a starter file. */
export function starterText(template: Template, name: string): string {
  switch (template) {
    case 'classify':
      return classify(name);
    case 'causal':
      return causal(name);
    default:
      return template satisfies never;
  }
}

function classify(name: string): string {
  return `import std.adapters.lora

/// Which of two classes a text belongs to.
experiment ${name} {
  // The base model: a folder with config.json, tokenizer.json and safetensors, or hub("owner/name").
  base bert from hub("klue/bert-base", revision: "77c8b3d") for classify(labels: 2)

  // Which modules carry an adapter, and which adapter. \`peft plan\` shows what this matches, layer by layer.
  adapt attention.{query, value} with lora(rank: 8, alpha: 16, dropout: 10%)

  // Modules that are trained in full: a new head always is one.
  train head

  data {
    train: tsv("train.tsv")
    eval: tsv("test.tsv")
    // The columns of the table that hold the text and its class (0 or 1).
    text: "document"
    label: "label"
    // Longer texts are cut here.
    max_length: 128 tokens
  }

  tune {
    epochs: 3
    batch: 16
    optimizer: adamw(lr: 2e-4, weight_decay: 0.01)
    schedule: linear(warmup: 6%)
    // The evaluation that is kept as the result.
    best: "accuracy"
    seed: 42
  }

  // A plan that needs more than this is an error before anything is loaded.
  budget { gpu_memory: 8 GiB  trainable: 2% }
}
`;
}

function causal(name: string): string {
  return `import std.adapters.lora

/// Continues a text as the training texts do.
experiment ${name} {
  // The base model: a folder with config.json, tokenizer.json and safetensors, or hub("owner/name").
  base llama from "models/my-base" for causal()

  // Which modules carry an adapter, and which adapter. \`peft plan\` shows what this matches, layer by layer.
  adapt attention + mlp with lora(rank: 16, alpha: 32)

  data {
    train: jsonl("train.jsonl")
    eval: jsonl("test.jsonl")
    // The field that holds the text.
    text: "text"
    // Longer texts are cut here.
    max_length: 512 tokens
  }

  tune {
    epochs: 1
    batch: 4
    // Four batches are added up before the optimiser takes a step.
    accumulate: 4
    optimizer: adamw(lr: 1e-4)
    schedule: cosine(warmup: 3%)
    // The evaluation that is kept as the result.
    best: "perplexity"
    seed: 42
  }

  // A plan that needs more than this is an error before anything is loaded.
  budget { gpu_memory: 16 GiB }
}
`;
}
