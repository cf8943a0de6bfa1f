/**
 * @file Writes a base with adapters folded in: every tensor of the checkpoint in its own element type and shard, the changed ones with
 * their new values, under the names that the architecture has; what the checkpoint lacks comes last. Configuration and tokenizer
 * are copied.
 */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ok, systemFailure, type Result } from './data/result.js';
import { quantizedOf } from './weights/bitsandbytes.js';
import type { Checkpoint } from './weights/checkpoint.js';
import { encodeElements } from './weights/element.js';
import { readRaw } from './weights/raw.js';
import { writeFileAtomically, writeWeights, type TensorSource } from './weights/writer.js';

/** A tensor with its new value. */
export interface MergedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly value: Float32Array;
}

/** What is written. */
export interface MergeRequest {
  readonly folder: string;
  readonly base: Checkpoint;
  readonly merged: readonly MergedTensor[];
  /** The architecture's name of each tensor of the checkpoint that it uses. */
  readonly names: ReadonlyMap<string, string>;
  /** Keys of `config.json` that the task gives: the number of classes. */
  readonly config: Readonly<Record<string, unknown>>;
}

type FloatType = 'F32' | 'F16' | 'BF16';
const isFloat = (type: string): type is FloatType => type === 'F32' || type === 'F16' || type === 'BF16';

/** Writes the merged base; answers with the names of its files. */
export async function exportMerged(request: MergeRequest): Promise<Result<readonly string[]>> {
  const { folder, base, names } = request;
  const merged = new Map(request.merged.map((t) => [t.name, t] as const));
  const usual = mostCommon(base);
  const quantized = [...base.tensors.keys()].filter((key) => quantizedOf(base.tensors, key) !== undefined);
  // The scales and tables of weights in 4 bits go with them.
  const belongs = new Set([...base.tensors.keys()].filter((key) => quantized.some((q) => key.startsWith(`${q}.`))));
  const { quantization_config: _, ...kept } = base.config;
  const written: string[] = [];
  const index: Record<string, string> = {};
  let bytes = 0;
  try {
    await mkdir(folder, { recursive: true });
    for (const [i, file] of base.files.entries()) {
      const sources: TensorSource[] = [];
      const shard = basename(file.path);
      for (const [key, record] of file.tensors) {
        if (belongs.has(key)) continue;
        const name = names.get(key) ?? key;
        const changed = merged.get(name);
        merged.delete(name);
        const dtype = isFloat(record.dtype) ? record.dtype : usual;
        if (changed !== undefined) sources.push({ name, dtype, shape: changed.shape, data: encodeElements(changed.value, dtype) });
        else sources.push({ name, dtype: record.dtype, shape: record.shape, data: readRaw(file, key) });
        index[name] = shard;
      }
      if (i === base.files.length - 1) {
        for (const t of merged.values()) {
          sources.push({ name: t.name, dtype: usual, shape: t.shape, data: encodeElements(t.value, usual) });
          index[t.name] = shard;
        }
      }
      const done = await writeWeights(join(folder, shard), sources);
      if (!done.ok) return done;
      bytes += done.value;
      written.push(shard);
    }
    if (base.files.length > 1) {
      const file = 'model.safetensors.index.json';
      const done = await writeFileAtomically(
        join(folder, file),
        `${JSON.stringify({ metadata: { total_size: bytes }, weight_map: Object.fromEntries(Object.entries(index).sort(([a], [b]) => (a < b ? -1 : 1))) }, null, 2)}\n`,
      );
      if (!done.ok) return done;
      written.push(file);
    }
    const config = await writeFileAtomically(
      join(folder, 'config.json'),
      `${JSON.stringify({ ...(quantized.length > 0 ? kept : base.config), ...request.config }, null, 2)}\n`,
    );
    if (!config.ok) return config;
    written.push('config.json');
    const beside = (await readdir(base.folder)).filter((name) =>
      /^(tokenizer.*|special_tokens_map|generation_config|added_tokens|chat_template)\.(json|model|jinja)$|^(vocab\.(txt|json)|merges\.txt)$/.test(
        name,
      ),
    );
    for (const name of beside) await copyFile(join(base.folder, name), join(folder, name));
    return ok([...written, ...beside]);
  } catch (error) {
    return systemFailure(error, folder, 'output folder');
  }
}

/** The element type that most tensors of a base have. */
function mostCommon(base: Checkpoint): FloatType {
  const counts = new Map<FloatType, number>();
  for (const { dtype } of base.tensors.values()) if (isFloat(dtype)) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'F32';
}
