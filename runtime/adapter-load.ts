/**
 * @file Reads a trained adapter back into a session: one of ours, or one that PEFT made for the same modules. Every tensor must
 * be there with its shape, and nothing else may be.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package } from '../compiler/plan/program.js';
import { fail, ok, suggestNames, type Result } from './data/result.js';
import type { Session } from './execute.js';
import { adapterWeightsFile } from './weights/adapter-folder.js';
import { readHeader } from './weights/header.js';
import { readTensor } from './weights/stream.js';

/** Writes the trained tensors of a run's folder into a session. */
export async function loadAdapter(folder: string, session: Session, run: Package): Promise<Result<void>> {
  const whole = run.adapterConfig === null;
  const path = join(folder, whole ? 'model.safetensors' : adapterWeightsFile);
  if (!(await stat(path).then((s) => s.isFile(), () => false))) return fail(folder, `there is no ${whole ? 'model' : 'adapter'} in ${folder}: ${path} does not exist`, 'run the experiment first, or name the folder with --adapter');
  const file = await readHeader(path);
  if (!file.ok) return file;
  const wanted = new Map([...run.trained, ...(whole ? [] : run.drawn)].map((t) => [whole ? t.name : t.key, t] as const));
  const drawn = new Set(run.drawn.map((t) => t.key));
  const extra = whole ? undefined : [...file.value.tensors.keys()].find((key) => !wanted.has(key));
  if (extra !== undefined) return fail(path, `${path} has a tensor ${extra} that this experiment does not train`, suggestNames(extra, [...wanted.keys()]));
  for (const [key, t] of wanted) {
    const found = file.value.tensors.get(key);
    if (found === undefined && drawn.has(key)) return fail(path, `${path} has no tensor ${key}, which the base lacks as well`, 'its author must say from which seed it was drawn, or store it');
    if (found === undefined) return fail(path, `${path} has no tensor ${key}`, suggestNames(key, [...file.value.tensors.keys()]));
    if (found.shape.join() !== t.shape.join()) return fail(path, `${key} in ${path} has shape [${found.shape.join(', ')}], but this experiment makes it [${t.shape.join(', ')}]`);
    const data = await readTensor(file.value, key);
    if (!data.ok) return data;
    session.write(t.name, data.value as Float32Array<ArrayBuffer>);
  }
  return ok(undefined);
}
