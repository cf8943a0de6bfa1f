/**
 * @file Reads a trained adapter back into a session: one of ours, or one that PEFT made for the same modules. Every tensor must
 * be there with its shape, and nothing else may be.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package, StoredTensor } from '../compiler/plan/program.js';
import { fail, ok, suggestNames, type Result } from './data/result.js';
import type { Session } from './execute.js';
import { adapterWeightsFile } from './weights/adapter-folder.js';
import { readHeader, type WeightsFile } from './weights/header.js';
import { readIntTensor, readTensor } from './weights/stream.js';

/** The trained tensors as the experiment has them, where the adapter's file holds others that are computed from them. */
export const stateFile = 'trained.safetensors';

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isFile(),
    () => false,
  );

/** Writes the trained tensors of a run's folder into a session. */
export async function loadAdapter(folder: string, session: Session, run: Pick<Package, 'adapters' | 'trained'>): Promise<Result<void>> {
  if (run.adapters.length === 0) {
    const path = join(folder, 'model.safetensors');
    if (!(await isFile(path)))
      return fail(
        folder,
        `there is no model in ${folder}: ${path} does not exist`,
        'run the experiment first, or name the folder with --adapter',
      );
    return loadFile(
      path,
      session,
      run.trained.map((t) => ({ ...t, key: t.name, also: [], dtype: 'f32', optional: false, replaced: false })),
      true,
    );
  }
  const computed = run.adapters.find((a) => a.saved.length > 0);
  if (computed !== undefined) {
    const path = join(folder, stateFile);
    if (!(await isFile(path)))
      return fail(
        folder,
        `${folder} has no ${stateFile}: what ${String(computed.config['peft_type'])} writes for PEFT is computed from what is trained, and cannot be read back`,
        'run the experiment first, or name the folder of a run',
      );
    return loadFile(path, session, stateTensors(run), false);
  }
  for (const adapter of run.adapters) {
    const path = join(folder, adapter.folder, adapterWeightsFile);
    if (!(await isFile(path)))
      return fail(
        folder,
        `there is no adapter in ${folder}: ${path} does not exist`,
        'run the experiment first, or name the folder with --adapter',
      );
    const loaded = await loadFile(path, session, adapter.tensors, false);
    if (!loaded.ok) return loaded;
  }
  return ok(undefined);
}

/** Every tensor of the adapters under its name in the Program. */
export const stateTensors = (run: Pick<Package, 'adapters'>): StoredTensor[] =>
  run.adapters.flatMap((a) => a.tensors.map((t) => ({ ...t, key: t.name, also: [] })));

async function loadFile(path: string, session: Session, wanted: readonly StoredTensor[], extraAllowed: boolean): Promise<Result<void>> {
  const file = await readHeader(path);
  if (!file.ok) return file;
  const keys = new Map(wanted.flatMap((t) => [t.key, ...t.also].map((key) => [key, t] as const)));
  const extra = extraAllowed ? undefined : [...file.value.tensors.keys()].find((key) => !keys.has(key) && !isCopy(key, session));
  if (extra !== undefined)
    return fail(path, `${path} has a tensor ${extra} that this experiment does not train`, suggestNames(extra, [...keys.keys()]));
  for (const t of wanted) {
    const key = [t.key, ...t.also].find((k) => file.value.tensors.has(k));
    if (key === undefined && t.optional) continue;
    if (key === undefined) return fail(path, `${path} has no tensor ${t.key}`, suggestNames(t.key, [...file.value.tensors.keys()]));
    const loaded = await loadTensor(path, file.value, key, t, session);
    if (!loaded.ok) return loaded;
  }
  return ok(undefined);
}

/** PEFT saves the embeddings of the base beside an adapter that acts on them; they are what the base has. */
const isCopy = (key: string, session: Session): boolean => {
  const name = /^base_model\.model\.(.*)\.base_layer\.(.*)$/.exec(key);
  return name !== null && session.program.tensors.some((t) => t.name === `${name[1]}.${name[2]}`);
};

async function loadTensor(path: string, file: WeightsFile, key: string, t: StoredTensor, session: Session): Promise<Result<void>> {
  const found = file.tensors.get(key);
  if (found?.shape.join() !== t.shape.join())
    return fail(
      path,
      `${key} in ${path} has shape [${found?.shape.join(', ') ?? ''}], but this experiment makes it [${t.shape.join(', ')}]`,
    );
  const data = await (t.dtype === 'i32' ? readIntTensor(file, key) : readTensor(file, key));
  if (!data.ok) return data;
  session.write(t.name, data.value as Float32Array<ArrayBuffer>);
  return ok(undefined);
}
