/**
 * @file Writes an adapter in the layout of Hugging Face PEFT: `adapter_model.safetensors`, `adapter_config.json` and a model
 * card. Tensors are float32; keys are those the Package says. Source: PEFT 0.21, `save_pretrained`.
 */
import { join } from 'node:path';
import type { AdapterFile, Package } from '../compiler/plan/program.js';
import { stateFile, stateTensors } from './adapter-load.js';
import { ok, type Result } from './data/result.js';
import type { Evaluation } from './evaluate.js';
import { adapterConfigFile, adapterWeightsFile } from './weights/adapter-folder.js';
import { writeFileAtomically, writeWeights, type TensorSource } from './weights/writer.js';
import { DeviceError } from './device-error.js';

/** Values of the trained tensors, by their name in the Program, and of those that the entry `save` computes, by its outputs. */
export type TrainedValues = ReadonlyMap<string, Float32Array | Int32Array>;

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

/** Writes each adapter's three files, below the folder where there are several; answers with their names. */
export async function exportAdapter(
  folder: string,
  run: Package,
  values: TrainedValues,
  card: CardFacts,
): Promise<Result<readonly string[]>> {
  const files: string[] = [];
  for (const adapter of run.adapters) {
    const written = await exportOne(
      join(folder, adapter.folder),
      adapter,
      values,
      modelCard(card, loadOrder(run.adapters), adapter.folder),
    );
    if (!written.ok) return written;
    files.push(...written.value.map((file) => join(adapter.folder, file)));
  }
  if (!run.adapters.some((a) => a.saved.length > 0)) return ok(files);
  const state = await writeWeights(
    join(folder, stateFile),
    stateTensors(run).map((t) => tensorOf(t.name, t.dtype, t.shape, values.get(t.name))),
  );
  return state.ok ? ok([...files, stateFile]) : state;
}

async function exportOne(folder: string, adapter: AdapterFile, values: TrainedValues, card: string): Promise<Result<readonly string[]>> {
  const computed = new Set(adapter.saved.map((s) => s.key));
  const weights = await writeWeights(join(folder, adapterWeightsFile), [
    ...adapter.tensors.filter((t) => !t.replaced && !computed.has(t.key)).map((t) => tensorOf(t.key, t.dtype, t.shape, values.get(t.name))),
    ...adapter.saved.map((s) => tensorOf(s.key, s.dtype, s.shape, values.get(s.output))),
  ]);
  if (!weights.ok) return weights;
  const config = await writeFileAtomically(join(folder, adapterConfigFile), `${JSON.stringify(adapter.config, null, 2)}\n`);
  if (!config.ok) return config;
  const readme = await writeFileAtomically(join(folder, 'README.md'), card);
  if (!readme.ok) return readme;
  return ok([adapterWeightsFile, adapterConfigFile, 'README.md']);
}

function tensorOf(
  name: string,
  dtype: 'f32' | 'i32',
  shape: readonly number[],
  value: Float32Array | Int32Array | undefined,
): TensorSource {
  if (value === undefined) throw new DeviceError('misuse', `there is no value of ${name} to write`);
  return { name, dtype: dtype === 'i32' ? 'I32' : 'F32', shape, data: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) };
}

/** The folders of adapters that were trained together, in an order in which PEFT can fold one after the other into the base: what has no
 * modules there cannot be folded in. */
const loadOrder = (adapters: readonly AdapterFile[]): readonly string[] =>
  [...adapters].sort((a, b) => Number(!('target_modules' in a.config)) - Number(!('target_modules' in b.config))).map((a) => a.folder);

/** How PEFT loads what was trained: an adapter by itself, or several in turn. */
const loading = (folders: readonly string[]): string =>
  folders.length === 1
    ? `Load it with PEFT:

\`\`\`python
from peft import PeftModel
model = PeftModel.from_pretrained(base, "PATH OF THIS FOLDER")
\`\`\``
    : `Load all of them with PEFT, each folded into the base before the next:

\`\`\`python
from peft import PeftModel
model = base
for name in ${JSON.stringify(folders.slice(0, -1))}:
    model = PeftModel.from_pretrained(model, f"PATH OF THE RUN/{name}").merge_and_unload()
model = PeftModel.from_pretrained(model, "PATH OF THE RUN/${folders.at(-1) ?? ''}")
\`\`\``;

/** The model card: front matter that the hub reads, then what was done and measured. Several adapters are measured together, so each
 * one's card names all of them and claims no result for itself. */
export function modelCard(card: CardFacts, folders: readonly string[] = [''], own = ''): string {
  const alone = folders.length === 1;
  const row = (name: string, e: Evaluation | undefined): string =>
    e === undefined
      ? ''
      : `| ${name} | ${e.loss.toFixed(4)} | ${Object.values(e.metrics)
          .map((v) => v.toFixed(4))
          .join(' | ')} |\n`;
  const names = Object.keys(card.after?.metrics ?? card.before?.metrics ?? {});
  const results =
    card.after === undefined || !alone
      ? ''
      : `\nmodel-index:\n  - name: ${card.name}\n    results:\n      - task:\n          type: ${card.task}\n        metrics:\n${Object.entries(
          card.after.metrics,
        )
          .map(([k, v]) => `          - type: ${k}\n            value: ${Number(v.toFixed(6))}`)
          .join('\n')}`;
  const table =
    card.after === undefined
      ? ''
      : `\n| | loss | ${names.join(' | ')} |\n| --- | ${'--- | '.repeat(names.length + 1).trim()}\n${row('before', card.before)}${row('after', card.after)}`;
  return `---
base_model: ${card.base}
library_name: peft
tags:
  - peft
  - peft-lang${results}
---

# ${alone ? card.name : `${card.name}: ${own}`}

${alone ? `An adapter for \`${card.base}\`, trained with peft-lang.` : `One of ${folders.length} adapters for \`${card.base}\` that were trained together with peft-lang: ${folders.join(', ')}. The numbers are those of all of them at once.`}

- trained parameters: ${card.trainable.toLocaleString('en')} of ${card.parameters.toLocaleString('en')} (${((100 * card.trainable) / card.parameters).toFixed(4)} %)
- optimiser steps: ${card.steps}, in ${card.seconds.toFixed(1)} s on ${card.device}
${table}
${loading(folders)}

The experiment:

\`\`\`
${card.source.trim()}
\`\`\`
`;
}
