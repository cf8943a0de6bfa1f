/**
 * @file A pre-trained base on disk: `config.json` and one or more safetensors files, opened without reading weights.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, readJsonObject, type JsonObject } from '../data/json-file.js';
import { fail, ok, suggestNames, systemFailure, type Result } from '../data/result.js';
import { readHeader, type TensorRecord, type WeightsFile } from './header.js';
import { readTensor, streamTensor, type ChunkSink, type StreamOptions } from './stream.js';

/** A tensor of a checkpoint and the file it lies in. */
export interface CheckpointTensor extends TensorRecord {
  readonly file: WeightsFile;
}

/** An opened base. */
export interface Checkpoint {
  readonly folder: string;
  /** `config.json` as it stands. */
  readonly config: JsonObject;
  /** Every tensor of every shard, in the order of their names. Empty where weights were optional and absent. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly files: readonly WeightsFile[];
}

/** How a base is opened. */
export interface CheckpointOptions {
  /** `optional`: a folder with nothing but `config.json` will do (for plans without weights). Default `required`. */
  readonly weights?: 'required' | 'optional';
}

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

/** Opens a base in a folder of Hugging Face layout. */
export async function openCheckpoint(folder: string, options: CheckpointOptions = {}): Promise<Result<Checkpoint>> {
  const names = await listFolder(folder, 'base');
  if (!names.ok) return names;
  const present = new Set(names.value);
  if (!present.has('config.json')) return noConfiguration(folder, present);
  const config = await readJsonObject(join(folder, 'config.json'), 'configuration');
  if (!config.ok) return config;
  const files = await openWeights(folder, present, options.weights ?? 'required');
  if (!files.ok) return files;
  const tensors = mergeTensors(folder, files.value);
  if (!tensors.ok) return tensors;
  return ok({ folder, config: config.value, tensors: tensors.value, files: files.value });
}

/** The first of `keys` that the checkpoint holds. */
export function findTensor(
  checkpoint: Checkpoint,
  keys: readonly string[],
): Result<{ readonly name: string; readonly tensor: CheckpointTensor }> {
  for (const name of keys) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor !== undefined) return ok({ name, tensor });
  }
  const wanted = keys[0] ?? '';
  return fail(
    checkpoint.folder,
    `base ${checkpoint.folder} has no tensor ${keys.join(' or ')}`,
    suggestNames(wanted, [...checkpoint.tensors.keys()]),
  );
}

/** Streams one tensor of a checkpoint from whichever shard holds it. */
export async function streamCheckpointTensor(
  checkpoint: Checkpoint,
  name: string,
  onChunk: ChunkSink,
  options: StreamOptions = {},
): Promise<Result<void>> {
  const found = findTensor(checkpoint, [name]);
  return found.ok ? streamTensor(found.value.tensor.file, name, onChunk, options) : found;
}

/** Reads one tensor of a checkpoint whole as f32. */
export async function readCheckpointTensor(
  checkpoint: Checkpoint,
  name: string,
  options: Omit<StreamOptions, 'as'> = {},
): Promise<Result<Float32Array>> {
  const found = findTensor(checkpoint, [name]);
  return found.ok ? readTensor(found.value.tensor.file, name, options) : found;
}

/** The names in a folder, sorted; `what` names the folder in messages. */
export async function listFolder(folder: string, what: string): Promise<Result<readonly string[]>> {
  try {
    if (!(await stat(folder)).isDirectory()) return fail(folder, `${what} ${folder} is a file, not a folder`);
    return ok((await readdir(folder)).sort());
  } catch (error) {
    return systemFailure(error, folder, what);
  }
}

function noConfiguration(folder: string, present: ReadonlySet<string>): Result<never> {
  if (present.has('adapter_config.json'))
    return fail(folder, `${folder} holds an adapter, not a base`, 'name the folder of the base that it was trained on');
  const gguf = [...present].find((name) => name.endsWith('.gguf'));
  return fail(
    folder,
    `base ${folder} has no config.json`,
    gguf === undefined
      ? 'name a folder in the layout of Hugging Face'
      : `${gguf} is in another format; name a folder in the layout of Hugging Face`,
  );
}

async function openWeights(
  folder: string,
  present: ReadonlySet<string>,
  need: 'required' | 'optional',
): Promise<Result<readonly WeightsFile[]>> {
  if (present.has(singleFile)) {
    const file = await readHeader(join(folder, singleFile));
    return file.ok ? ok([file.value]) : file;
  }
  if (present.has(indexFile)) return openShards(folder, present);
  if (need === 'optional') return ok([]);
  const pickled = [...present].find((name) => /\.(bin|pt|pth)$/.test(name));
  if (pickled !== undefined)
    return fail(
      folder,
      `base ${folder} has its weights only as ${pickled}, which is not read`,
      'convert it to safetensors: load it with transformers and call save_pretrained',
    );
  const other = [...present].find((name) => name.endsWith('.safetensors'));
  return fail(
    folder,
    `base ${folder} has no ${singleFile}`,
    other === undefined
      ? 'put the weights there; a plan needs none, since peft plan reads sizes from config.json'
      : `${other} is there; rename it when it holds the weights`,
  );
}

async function openShards(folder: string, present: ReadonlySet<string>): Promise<Result<readonly WeightsFile[]>> {
  const path = join(folder, indexFile);
  const index = await readJsonObject(path, 'weights index');
  if (!index.ok) return index;
  const map = index.value['weight_map'];
  if (!isJsonObject(map) || Object.keys(map).length === 0) return fail(path, `weights index ${path} has no weight_map`);
  const shards = new Map<string, string[]>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || shard === '' || /[\\/]/.test(shard) || shard === '..')
      return fail(path, `weights index ${path} gives tensor ${tensor} no valid file name`);
    const list = shards.get(shard);
    if (list === undefined) shards.set(shard, [tensor]);
    else list.push(tensor);
  }
  const missing = [...shards.keys()].filter((shard) => !present.has(shard)).sort();
  if (missing.length > 0) {
    const rest = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    return fail(
      join(folder, missing[0]!),
      `shard ${missing[0]}${rest} of base ${folder} is missing`,
      `${indexFile} names ${shards.size} shards; download the missing ones`,
    );
  }
  const files: WeightsFile[] = [];
  for (const shard of [...shards.keys()].sort()) {
    const file = await readHeader(join(folder, shard));
    if (!file.ok) return file;
    const absent = shards.get(shard)!.find((tensor) => !file.value.tensors.has(tensor));
    if (absent !== undefined)
      return fail(file.value.path, `shard ${shard} of base ${folder} lacks tensor ${absent}, which ${indexFile} places there`);
    files.push(file.value);
  }
  return ok(files);
}

function mergeTensors(folder: string, files: readonly WeightsFile[]): Result<ReadonlyMap<string, CheckpointTensor>> {
  const all: [string, CheckpointTensor][] = [];
  const seen = new Map<string, string>();
  for (const file of files) {
    for (const [name, record] of file.tensors) {
      const first = seen.get(name);
      if (first !== undefined) return fail(folder, `tensor ${name} of base ${folder} stands in both ${first} and ${file.path}`);
      seen.set(name, file.path);
      all.push([name, { ...record, file }]);
    }
  }
  return ok(new Map(all.sort(([a], [b]) => (a < b ? -1 : 1))));
}
