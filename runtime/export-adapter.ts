/**
 * @file Writes an adapter in the layout of Hugging Face PEFT: `adapter_model.safetensors`, `adapter_config.json` and a model
 * card. Tensors are float32; keys are those the Package says. Source: PEFT 0.21, `save_pretrained`.
 */
import { join } from 'node:path';
import type { Package } from '../compiler/plan/program.js';
import { ok, type Result } from './data/result.js';
import type { Evaluation } from './evaluate.js';
import { adapterConfigFile, adapterWeightsFile } from './weights/adapter-folder.js';
import { writeFileAtomically, writeWeights } from './weights/writer.js';

/** Values of the trained tensors, by their name in the Program. */
export type TrainedValues = ReadonlyMap<string, Float32Array>;

/** What a model card says beside the configuration. */
export interface CardFacts {
  readonly name: string;
  readonly base: string;
  readonly task: string;
  readonly source: string;
  readonly trainable: number;
  readonly parameters: number;
  readonly steps: number;
  readonly seconds: number;
  readonly device: string;
  readonly before: Evaluation | undefined;
  readonly after: Evaluation | undefined;
}

/** Writes the adapter's three files; answers with their names. */
export async function exportAdapter(folder: string, run: Package, values: TrainedValues, card: CardFacts): Promise<Result<readonly string[]>> {
  const weights = await writeWeights(
    join(folder, adapterWeightsFile),
    [...run.trained, ...run.drawn].map((t) => {
      const data = values.get(t.name) as Float32Array;
      return { name: t.key, dtype: 'F32' as const, shape: t.shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
    }),
  );
  if (!weights.ok) return weights;
  const config = await writeFileAtomically(join(folder, adapterConfigFile), `${JSON.stringify(run.adapterConfig, null, 2)}\n`);
  if (!config.ok) return config;
  const readme = await writeFileAtomically(join(folder, 'README.md'), modelCard(card));
  if (!readme.ok) return readme;
  return ok([adapterWeightsFile, adapterConfigFile, 'README.md']);
}

/** The model card: front matter that the hub reads, then what was done and measured. */
export function modelCard(card: CardFacts): string {
  const row = (name: string, e: Evaluation | undefined): string => (e === undefined ? '' : `| ${name} | ${e.loss.toFixed(4)} | ${Object.values(e.metrics).map((v) => v.toFixed(4)).join(' | ')} |\n`);
  const names = Object.keys(card.after?.metrics ?? card.before?.metrics ?? {});
  const results = card.after === undefined ? '' : `\nmodel-index:\n  - name: ${card.name}\n    results:\n      - task:\n          type: ${card.task}\n        metrics:\n${Object.entries(card.after.metrics).map(([k, v]) => `          - type: ${k}\n            value: ${Number(v.toFixed(6))}`).join('\n')}`;
  const table = card.after === undefined ? '' : `\n| | loss | ${names.join(' | ')} |\n| --- | ${'--- | '.repeat(names.length + 1).trim()}\n${row('before', card.before)}${row('after', card.after)}`;
  return `---
base_model: ${card.base}
library_name: peft
tags:
  - peft
  - peft-lang${results}
---

# ${card.name}

An adapter for \`${card.base}\`, trained with peft-lang.

- trained parameters: ${card.trainable.toLocaleString('en')} of ${card.parameters.toLocaleString('en')} (${((100 * card.trainable) / card.parameters).toFixed(4)} %)
- optimiser steps: ${card.steps}, in ${card.seconds.toFixed(1)} s on ${card.device}
${table}
Load it with PEFT:

\`\`\`python
from peft import PeftModel
model = PeftModel.from_pretrained(base, "PATH OF THIS FOLDER")
\`\`\`

The experiment:

\`\`\`
${card.source.trim()}
\`\`\`
`;
}
