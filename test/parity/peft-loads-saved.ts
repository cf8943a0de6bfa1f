/**
 * @file What PEFT saves of an adapter that it has loaded, as we read it: its configuration, with all that PEFT writes into one, becomes an
 * experiment, and its tensors are those that this experiment asks for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importAdapter } from '../../cli/import-adapter.js';
import { adapterFiles } from '../../compiler/driver/adapter-files.js';
import { saveGraph } from '../../compiler/driver/graphs.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { readHeader } from '../../runtime/weights/header.js';
import { resolveLast } from '../spec/experiments.js';
import { configs, libraryOf, type JsonObject } from '../spec/world.js';
import { must, type Experiment } from './peft-loads-cases.js';

const library = libraryOf();
const taskTypes = { causal: 'CAUSAL_LM', classify: 'SEQ_CLS' } as const;

/** What is wrong with reading the folder that PEFT saved for an experiment. */
export async function problemsOfSaved(e: Experiment, folder: string): Promise<readonly string[]> {
  const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as JsonObject;
  const label = e.task === 'classify' ? 'label: "label"' : '';
  const imported = importAdapter({
    library,
    name: 'test',
    // An adapted head has no task there.
    config: { ...config, task_type: config['task_type'] ?? taskTypes[e.task] },
    baseConfig: configs.get(e.model) ?? {},
    source: `"models/${e.model}"`,
    labels: 3,
    sections: [`data { train: tsv("train.tsv") text: "text" ${label} max_length: 6 tokens }`, 'tune { optimizer: adamw(lr: 1e-3) }'],
  });
  if (!imported.ok) return imported.reasons;
  const resolved = resolveLast(imported.text);
  const layout = layoutOf(resolved);
  const files = adapterFiles(resolved, layout, saveGraph(resolved)?.saved ?? []);
  const { tensors } = await must(readHeader(join(folder, 'adapter_model.safetensors')));
  // PEFT does not store what was drawn and left alone.
  const trained = new Set(layout.trainables.map((t) => t.name));
  const drawn = (name: string): boolean => resolved.bindings.get(name)?.kind === 'fresh' && !trained.has(name);
  const wanted = files.flatMap((f) => [
    ...f.tensors.filter((t) => !t.replaced),
    ...f.saved.map((s) => ({ ...s, name: s.key, also: [], optional: false })),
  ]);
  const keyOf = new Map(wanted.flatMap((t) => [t.key, ...t.also].map((key) => [key, t] as const)));
  return [
    ...(files.length === 1 ? [] : [`${files.length} adapters`]),
    ...[...tensors.keys()].filter((key) => !keyOf.has(key) && !key.includes('.base_layer.')).map((key) => `${key} is not known`),
    ...wanted
      .filter((t) => !t.optional && !drawn(t.name) && ![t.key, ...t.also].some((key) => tensors.has(key)))
      .map((t) => `${t.key} is not there`),
    ...[...tensors]
      .filter(([key, t]) => keyOf.has(key) && keyOf.get(key)?.shape.join() !== t.shape.join())
      .map(([key]) => `${key} has another shape`),
  ];
}
