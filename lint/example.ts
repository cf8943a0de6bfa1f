/**
 * @file Examples of rules: an experiment with the usual parts, some of which are given.
 */

/** Parts of an experiment as text; what is left out is the usual. */
export interface Parts {
  /** Lines before the experiment. */
  readonly before?: string;
  readonly imports?: string;
  readonly name?: string;
  readonly base?: string;
  /** `adapt`, `train` and `quantize` statements. */
  readonly targets?: string;
  /** Fields of `data`; `train`, `eval`, `text` and `label` stand before them unless given. */
  readonly data?: string;
  /** Fields of `tune`; the optimiser stands before them unless given. */
  readonly tune?: string;
  readonly budget?: string;
  /** Lines after the experiment. */
  readonly after?: string;
}

const usualData = 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"';

/** A whole file. Its base is `models/bert` for two classes, its method LoRA on the attention. */
export function experiment(p: Parts): string {
  const data = p.data ?? '';
  const tune = p.tune ?? '';
  return [
    p.imports ?? 'import std.adapters.lora',
    '',
    ...(p.before === undefined ? [] : [p.before, '']),
    `experiment ${p.name ?? 'review'} {`,
    `  ${p.base ?? 'base bert from "models/bert" for classify(labels: 2)'}`,
    ...(p.targets ?? 'adapt attention with lora(rank: 2, alpha: 4)\ntrain head').split('\n').map((line) => `  ${line.trim()}`),
    `  data { ${/\btrain:/.test(data) ? data : `${usualData}  ${data}`.trim()} }`,
    `  tune { ${/\boptimizer:/.test(tune) ? tune : `optimizer: adamw(lr: 2e-4)  ${tune}`.trim()} }`,
    ...(p.budget === undefined ? [] : [`  budget { ${p.budget} }`]),
    '}',
    ...(p.after === undefined ? [] : ['', p.after]),
    '',
  ].join('\n');
}
