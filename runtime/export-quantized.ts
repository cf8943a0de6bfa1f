/**
 * @file Writes a base with weights in 4 bits, as bitsandbytes and transformers read it: every other tensor as it is, shard by shard, the
 * configuration with its `quantization_config`, the tokenizer beside it. Host memory: one weight at a time.
 */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail, ok, systemFailure, type Result } from './data/result.js';
import type { EncodedParts } from './init.js';
import { nestedBlocksize, writeQuantized, type QuantLayout, type QuantType } from './weights/bitsandbytes.js';
import { readCheckpointTensor, type Checkpoint } from './weights/checkpoint.js';
import { readRaw } from './weights/raw.js';
import { writeFileAtomically, writeWeights, type TensorSource } from './weights/writer.js';

/** How one weight is to be stored. */
export interface QuantizedWeight {
  /** Its key in the checkpoint. */
  readonly key: string;
  readonly type: QuantType;
  readonly blocksize: number;
  readonly double: boolean;
  readonly encode: (values: Float32Array) => EncodedParts;
}

/** What is written. */
export interface QuantizeRequest {
  readonly folder: string;
  readonly base: Checkpoint;
  readonly weights: readonly QuantizedWeight[];
  /** Modules of the kind that is quantised which stay as they are. */
  readonly skipped: readonly string[];
}

const types = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** Writes the base; answers with the names of its files and the bytes of its tensors. */
export async function exportQuantized(
  request: QuantizeRequest,
): Promise<Result<{ readonly files: readonly string[]; readonly bytes: number }>> {
  const { folder, base } = request;
  const wanted = new Map(request.weights.map((w) => [w.key, w] as const));
  const first = request.weights[0];
  if (first === undefined) return fail(folder, 'no weight of this experiment is quantised', 'write quantize SELECTOR as FORMAT');
  const other = request.weights.find((w) => w.type !== first.type || w.double !== first.double);
  if (other !== undefined)
    return fail(
      folder,
      `${first.key} is ${first.type}${first.double ? ' with' : ' without'} double quantisation and ${other.key} is not, but the configuration of transformers has one type for all`,
      'use one format for all modules',
    );
  const files: string[] = [];
  const index: Record<string, string> = {};
  let bytes = 0;
  try {
    await mkdir(folder, { recursive: true });
    for (const file of base.files) {
      const shard = basename(file.path);
      const sources: TensorSource[] = [];
      for (const [key, record] of file.tensors) {
        const weight = wanted.get(key);
        if (weight === undefined) sources.push({ name: key, dtype: record.dtype, shape: record.shape, data: readRaw(file, key) });
        else {
          const made = await quantized(base, weight, record.dtype, record.shape);
          if (!made.ok) return made;
          sources.push(...made.value);
        }
      }
      for (const source of sources) index[source.name] = shard;
      const done = await writeWeights(join(folder, shard), sources);
      if (!done.ok) return done;
      bytes += done.value;
      files.push(shard);
    }
    const text = (name: string, value: unknown): Promise<Result<number>> =>
      writeFileAtomically(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
    if (base.files.length > 1) {
      const name = 'model.safetensors.index.json';
      const done = await text(name, { metadata: { total_size: bytes }, weight_map: index });
      if (!done.ok) return done;
      files.push(name);
    }
    const config = await text('config.json', {
      ...base.config,
      quantization_config: {
        quant_method: 'bitsandbytes',
        load_in_4bit: true,
        load_in_8bit: false,
        bnb_4bit_quant_type: first.type,
        bnb_4bit_use_double_quant: first.double,
        bnb_4bit_compute_dtype: 'float32',
        bnb_4bit_quant_storage: 'uint8',
        llm_int8_skip_modules: request.skipped,
      },
    });
    if (!config.ok) return config;
    files.push('config.json');
    const beside = (await readdir(base.folder)).filter((name) => /\.(json|model|jinja|txt)$/.test(name) && !files.includes(name));
    const kept = beside.filter((name) => name !== 'model.safetensors.index.json');
    for (const name of kept) await copyFile(join(base.folder, name), join(folder, name));
    return ok({ files: [...files, ...kept], bytes });
  } catch (error) {
    return systemFailure(error, folder, 'output folder');
  }
}

async function quantized(
  base: Checkpoint,
  weight: QuantizedWeight,
  stored: string,
  shape: readonly number[],
): Promise<Result<readonly TensorSource[]>> {
  if (stored !== 'F32' && stored !== 'F16' && stored !== 'BF16')
    return fail(base.folder, `tensor ${weight.key} is ${stored} and cannot be quantised`);
  const read = await readCheckpointTensor(base, weight.key);
  if (!read.ok) return read;
  const elements = shape.reduce((a, b) => a * b, 1);
  const blocks = Math.ceil(elements / weight.blocksize);
  const layout: QuantLayout = {
    quantType: weight.type,
    blocksize: weight.blocksize,
    dtype: types[stored],
    shape,
    ...(weight.double ? { nested: { blocksize: nestedBlocksize } } : {}),
  };
  // In memory a weight ends with its last block, in the file with its last element.
  const lengths: Readonly<Record<string, number>> = {
    weight: Math.ceil(elements / 8),
    absmax: weight.double ? Math.ceil(blocks / 4) : blocks,
  };
  const parts = new Map([...weight.encode(read.value)].map(([part, values]) => [part, values.subarray(0, lengths[part])] as const));
  return writeQuantized(weight.key, layout, parts);
}
