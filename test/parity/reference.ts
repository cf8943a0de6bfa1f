/**
 * @file A reference case (format: `README.md` beside the cases) as an experiment: the text comes from the importer, the batches
 * and the expected numbers from the case's files.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { checkExperiment, type Resolved } from '../../compiler/spec/check.js';
import type { Facts } from '../../compiler/spec/facts.js';
import type { Json } from '../../compiler/spec/spec.js';
import { experimentsOf } from '../../compiler/spec/statements.js';
import type { Library } from '../../compiler/elaborate/library.js';
import { tensorFacts } from '../../cli/facts.js';
import { importAdapter } from '../../cli/import-adapter.js';
import { parseFile } from '../../grammar/parse.js';
import { openAdapter, type AdapterFolder } from '../../runtime/weights/adapter-folder.js';
import { openCheckpoint, type Checkpoint } from '../../runtime/weights/checkpoint.js';
import { readHeader, type WeightsFile } from '../../runtime/weights/header.js';
import { readIntTensor, readTensor } from '../../runtime/weights/stream.js';

type JsonObject = { readonly [key: string]: Json };

export interface Case {
  readonly name: string;
  readonly resolved: Resolved;
  readonly base: Checkpoint;
  readonly adapter: AdapterFolder;
  readonly steps: number;
  readonly rows: number;
  readonly tokens: number;
  /** Batch `step` of each input of the task. */
  readonly batch: (step: number) => ReadonlyMap<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;
  readonly expected: WeightsFile;
  readonly read: (name: string) => Promise<Float32Array | undefined>;
}

/** Folders of cases below the given folders, or those folders themselves. */
export function caseFolders(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    existsSync(join(folder, 'case.json'))
      ? [folder]
      : readdirSync(folder, { withFileTypes: true })
          .filter((e) => e.isDirectory() && existsSync(join(folder, e.name, 'case.json')))
          .map((e) => join(folder, e.name))
          .sort(),
  );
}

const json = (path: string): JsonObject => JSON.parse(readFileSync(path, 'utf8')) as JsonObject;

async function must<T>(
  result: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: { readonly message: string } }>,
): Promise<T> {
  const done = await result;
  if (!done.ok) throw new Error(done.error.message);
  return done.value;
}

/** Opens a case; `unsupported` says what the standard library lacks for it. */
export async function openCase(folder: string, library: Library): Promise<{ readonly case: Case } | { readonly unsupported: string }> {
  const info = json(join(folder, 'case.json'));
  const baseFolder = existsSync(join(folder, 'base'))
    ? join(folder, 'base')
    : resolve(dirname(resolve(folder)), '..', String(info['base']));
  const config = json(join(baseFolder, 'config.json'));
  const adapter = await must(openAdapter(join(folder, 'adapter')));
  const batches = await must(readHeader(join(folder, 'batches.safetensors')));
  const expected = await must(readHeader(join(folder, 'expected.safetensors')));
  const base = await must(openCheckpoint(baseFolder));
  const [steps, rows, tokens] = batches.tensors.get('input_ids')?.shape as [number, number, number];
  const head = [...adapter.weights.tensors].find(([key]) => /\.(classifier|score)\.(out_proj\.)?weight$/.test(key));
  const labels = head?.[1].shape[0] ?? Object.keys((config['id2label'] as JsonObject | undefined) ?? { 0: '', 1: '' }).length;
  const o = info['optimizer'] as {
    readonly name: string;
    readonly lr: number;
    readonly betas?: readonly number[];
    readonly eps?: number;
    readonly weight_decay: number;
    readonly max_grad_norm: number;
    readonly schedule: string;
    readonly warmup_steps?: number;
  };
  const betas = o.betas ? `, beta1: ${o.betas[0]}, beta2: ${o.betas[1]}` : '';
  const imported = importAdapter({
    library,
    name: 'reference',
    config: adapter.config as JsonObject,
    baseConfig: config,
    source: JSON.stringify(baseFolder),
    labels,
    sections: [
      'data { train: tsv("batches") text: "text" label: "label" }',
      `tune { optimizer: ${o.name}(lr: ${o.lr}${betas}${o.eps === undefined ? '' : `, eps: ${o.eps}`}, weight_decay: ${o.weight_decay}) schedule: ${o.schedule}(${o.warmup_steps === undefined ? '' : `warmup: ${o.warmup_steps} steps`}) clip: ${o.max_grad_norm} batch: ${rows} max_steps: ${steps} steps seed: 0 }`,
    ],
  });
  if (!imported.ok) return { unsupported: imported.reasons.join('; ') };
  const labelled = ['SEQ_CLS', 'TOKEN_CLS'].some((type) => type === adapter.config['task_type']);
  const parsed = parseFile(labelled ? imported.text : imported.text.replace(' label: "label"', ''), basename(folder));
  const experiment = experimentsOf(parsed.value)[0];
  if (experiment === undefined || parsed.diagnostics.length > 0)
    throw new Error(`the imported text does not parse: ${parsed.diagnostics.map((d) => d.message).join('; ')}\n${imported.text}`);
  const tensors = await tensorFacts(base);
  if (!tensors.ok) throw new Error(tensors.message);
  const facts: Facts = {
    base: () => ({
      ok: true,
      value: { configName: 'config.json', config, tensors: tensors.value, tokenizer: { ok: true, value: { vocabulary: 0 } } },
    }),
    table: () => ({ ok: true, value: { columns: ['text', 'label'], rows: rows * steps } }),
  };
  const checked = checkExperiment(parsed.value, experiment, library, facts);
  if (checked.value === undefined) return { unsupported: checked.diagnostics.map((d) => d.message).join('; ') };
  const ids = await must(readIntTensor(batches, 'input_ids'));
  const mask = await must(readIntTensor(batches, 'attention_mask'));
  const fields = checked.value.batch;
  const target = fields.some((f) => f.recipe === 'number')
    ? await must(readTensor(batches, 'labels'))
    : await must(readIntTensor(batches, 'labels'));
  const part = (all: Int32Array | Float32Array, step: number, size: number): Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> =>
    all.slice(step * size, (step + 1) * size);
  return {
    case: {
      name: basename(folder),
      resolved: checked.value,
      base,
      adapter,
      steps,
      rows,
      tokens,
      expected,
      batch: (step) =>
        new Map(
          fields.map((f) => {
            switch (f.recipe) {
              case 'tokens':
                return [f.name, part(ids, step, rows * tokens)] as const;
              case 'token_mask':
                return [f.name, part(mask, step, rows * tokens)] as const;
              case 'targets':
              case 'tags':
                return [f.name, part(target, step, rows * tokens)] as const;
              case 'class':
              case 'number':
                return [f.name, part(target, step, rows)] as const;
              default:
                return f.recipe satisfies never;
            }
          }),
        ),
      read: async (name) => (expected.tensors.has(name) ? must(readTensor(expected, name)) : undefined),
    },
  };
}

/** Relative L2 error of a against b. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i += 1) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    size += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / Math.max(size, 1e-30));
}

/** Cosine between the updates a - start and b - start. */
export function updateCosine(a: ArrayLike<number>, b: ArrayLike<number>, start: ArrayLike<number>): number {
  let dot = 0;
  let na = 0;
  let nb = 0;
  for (let i = 0; i < b.length; i += 1) {
    const x = (a[i] as number) - (start[i] as number);
    const y = (b[i] as number) - (start[i] as number);
    dot += x * y;
    na += x * x;
    nb += y * y;
  }
  return na === 0 && nb === 0 ? 1 : dot / Math.sqrt(na * nb);
}
