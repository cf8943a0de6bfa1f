/**
 * @file Checkpoints of a run: trained tensors, optimiser state and the step, so that an interrupted run goes on exactly where
 * it stopped. One safetensors file, whose metadata hold the step and the hash of the experiment; written beside and renamed.
 */
import { join } from 'node:path';
import { rm, stat } from 'node:fs/promises';
import type { Package, TensorDecl } from '../compiler/plan/program.js';
import { fail, ok, type Result } from './data/result.js';
import type { Session } from './execute.js';
import type { Pager } from './pager.js';
import { readHeader } from './weights/header.js';
import { readIntTensor, readTensor } from './weights/stream.js';
import { writeWeights } from './weights/writer.js';

/** Name of the checkpoint in a run's folder. */
export const checkpointFile = 'checkpoint.safetensors';

/** Tensors that change while a run trains, except gradients, which are zero between steps. */
function changing(run: Package): readonly TensorDecl[] {
  const kinds = run.program.buffers;
  const own = run.program.tensors.filter((t) =>
    (run.pages.length > 0 ? ['adapter'] : ['adapter', 'optimizer']).includes(kinds[t.buffer]?.kind ?? ''),
  );
  // Tensors inside another one (each adapter tensor in the flat one) are saved with it.
  return own.filter(
    (t) =>
      !own.some(
        (o) => o !== t && o.buffer === t.buffer && o.offset <= t.offset && o.offset + o.bytes >= t.offset + t.bytes && o.bytes > t.bytes,
      ),
  );
}

/** Writes a checkpoint. */
export async function saveCheckpoint(folder: string, session: Session, run: Package, step: number, pager?: Pager): Promise<Result<string>> {
  const tensors = [];
  for (const t of changing(run)) {
    const data = await session.read(t.name);
    tensors.push({
      name: t.name,
      dtype: t.dtype === 'i32' ? ('I32' as const) : ('F32' as const),
      shape: t.shape,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
  }
  for (const [name, data] of pager?.state() ?? [])
    tensors.push({
      name,
      dtype: data instanceof Int32Array ? ('I32' as const) : ('F32' as const),
      shape: [data.length],
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
  const path = join(folder, checkpointFile);
  const written = await writeWeights(path, tensors, { format: 'peft-checkpoint', step: String(step), hash: run.hash });
  return written.ok ? ok(path) : written;
}

/** Restores a checkpoint and gives its step; a checkpoint of another experiment is refused. */
export async function resumeCheckpoint(folder: string, session: Session, run: Package, pager?: Pager): Promise<Result<number>> {
  const path = join(folder, checkpointFile);
  const file = await readHeader(path);
  if (!file.ok) return file;
  const { metadata } = file.value;
  if (metadata['hash'] !== run.hash)
    return fail(
      path,
      `checkpoint ${path} was written by another definition of this experiment`,
      'peft diff shows what changed; --overwrite starts anew',
    );
  for (const t of changing(run)) {
    const data = await (t.dtype === 'i32' ? readIntTensor(file.value, t.name) : readTensor(file.value, t.name));
    if (!data.ok) return data;
    session.write(t.name, data.value as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>);
  }
  for (const [name, kept] of pager?.state() ?? []) {
    const data = await (kept instanceof Int32Array ? readIntTensor(file.value, name) : readTensor(file.value, name));
    if (!data.ok) return data;
    pager?.restore(name, data.value as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>);
  }
  return ok(Number(metadata['step']));
}

/** Whether a folder holds a checkpoint. */
export const hasCheckpoint = (folder: string): Promise<boolean> =>
  stat(join(folder, checkpointFile)).then(
    () => true,
    () => false,
  );

/** Removes the checkpoint of a finished run. */
export const dropCheckpoint = (folder: string): Promise<void> => rm(join(folder, checkpointFile), { force: true });
