/**
 * @file Writes a whole model after training without adapters: every tensor of the Program's base under its own name, with the
 * base's configuration and tokenizer beside it, so that the folder is a base itself.
 */
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package } from '../compiler/plan/program.js';
import { ok, systemFailure, type Result } from './data/result.js';
import type { Session } from './execute.js';
import type { TrainedValues } from './export-adapter.js';
import type { Checkpoint } from './weights/checkpoint.js';
import { writeWeights, type TensorSource } from './weights/writer.js';

const copied = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'generation_config.json', 'vocab.txt'];

/** Writes `model.safetensors` and what belongs to it. */
export async function exportModel(
  folder: string,
  run: Package,
  base: Checkpoint,
  session: Session,
  values: TrainedValues,
): Promise<Result<readonly string[]>> {
  const tensors: TensorSource[] = [];
  for (const [name, data] of values)
    tensors.push(f32(name, run.trained.find((t) => t.name === name)?.shape ?? [data.length], data as Float32Array));
  for (const t of run.program.tensors) {
    if (run.program.buffers[t.buffer]?.kind !== 'weights' || values.has(t.name)) continue;
    tensors.push(f32(t.name, t.shape, (await session.read(t.name)) as Float32Array));
  }
  const written = await writeWeights(join(folder, 'model.safetensors'), tensors);
  if (!written.ok) return written;
  try {
    const present = await readdir(base.folder);
    const files = copied.filter((name) => present.includes(name));
    for (const name of files) await copyFile(join(base.folder, name), join(folder, name));
    return ok(['model.safetensors', ...files]);
  } catch (error) {
    return systemFailure(error, folder, 'output folder');
  }
}

const f32 = (name: string, shape: readonly number[], data: Float32Array): TensorSource => ({
  name,
  dtype: 'F32',
  shape,
  data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});
