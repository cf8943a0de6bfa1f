/**
 * @file The JSON Schema of the Spec holds for what is resolved, and lets nothing else through.
 */
import Ajv2020 from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { specSchema } from '../../compiler/spec/schema.js';
import type { Spec } from '../../compiler/spec/spec.js';
import { resolveAll } from './experiments.js';

const validate = new Ajv2020.default({ strict: true, allowUnionTypes: true }).compile(specSchema);
const texts = [
  `import std.adapters.lora
experiment one {
  base bert from "models/bert" with (hidden_dropout_prob: 0%) for classify(labels: 2)
  adapt attention with lora(rank: 2, alpha: 4)
  train head
  data { train: tsv("train.tsv", take: 10) eval: csv("test.csv") text: "text" label: "label" }
  tune { optimizer: adamw(lr: 1e-3) schedule: cosine(warmup: 6%) max_steps: 9 steps best: "accuracy" clip: none save_every: none }
  budget { gpu_memory: 1 GiB trainable: 30% }
}
experiment two = one { tune { schedule: linear(warmup: 3 steps) eval_every: 5 steps precision: f16 } budget { trainable: 900000 } }`,
  `import std.adapters.lora
import std.formats.nf4
experiment hub {
  base llama from scratch("models/llama") for causal()
  adapt layers with lora(rank: 2)
  data { train: jsonl("train.jsonl") text: "text" max_length: 8 tokens }
  tune { optimizer: adamw(lr: 1e-3) }
}`,
];
const specs: Spec[] = texts.flatMap((text) => [...resolveAll(text).values()].map((r) => JSON.parse(JSON.stringify(r.spec)) as Spec));

describe('the schema of the Spec', () => {
  it('holds for experiments', () => {
    expect(specs).toHaveLength(3);
    for (const spec of specs) expect(validate(spec) ? [] : validate.errors).toEqual([]);
  });

  it('knows every field', () => {
    // A field that is taken out is missed, so the schema names each.
    const one = specs[0] as unknown as Record<string, unknown>;
    for (const key of Object.keys(one)) {
      const { [key]: _gone, ...rest } = one;
      expect(validate(rest), key).toBe(false);
      const inner = one[key];
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner) || key === 'origins') continue;
      for (const field of Object.keys(inner)) {
        const { [field]: _field, ...others } = inner as Record<string, unknown>;
        expect(validate({ ...one, [key]: others }), `${key}.${field}`).toBe(false);
        expect(validate({ ...one, [key]: { ...inner, [`${field}x`]: 1 } }), `${key}.${field}x`).toBe(false);
      }
    }
  });
});
