/**
 * @file An adapter in the layout of Hugging Face PEFT: `adapter_config.json` and `adapter_model.safetensors`, as plain data.
 *
 * What the configuration's keys mean is for the importer to say; here only the files are checked.
 */
import { join } from 'node:path';
import { readJsonObject, type JsonObject } from '../data/json-file.js';
import { fail, ok, type Result } from '../data/result.js';
import { listFolder } from './checkpoint.js';
import { readHeader, type WeightsFile } from './header.js';

/** An adapter as it lies on disk. */
export interface AdapterFolder {
  readonly folder: string;
  /** `adapter_config.json` as it stands. */
  readonly config: JsonObject;
  /** Its `peft_type`, as in the file. */
  readonly method: string;
  readonly weights: WeightsFile;
}

/** The name of the configuration of an adapter. */
export const adapterConfigFile = 'adapter_config.json';
/** The name of the weights of an adapter. */
export const adapterWeightsFile = 'adapter_model.safetensors';

/** Opens an adapter folder. */
export async function openAdapter(folder: string): Promise<Result<AdapterFolder>> {
  const names = await listFolder(folder, 'adapter');
  if (!names.ok) return names;
  if (!names.value.includes(adapterConfigFile))
    return fail(folder, `no adapter in ${folder}: it has no ${adapterConfigFile}`, 'name the folder that a run or PEFT saved');
  const config = await readJsonObject(join(folder, adapterConfigFile), 'adapter configuration');
  if (!config.ok) return config;
  const method = config.value['peft_type'];
  if (typeof method !== 'string')
    return fail(join(folder, adapterConfigFile), `adapter configuration ${join(folder, adapterConfigFile)} has no peft_type`);
  if (!names.value.includes(adapterWeightsFile)) {
    const pickled = names.value.includes('adapter_model.bin');
    return fail(
      folder,
      pickled
        ? `adapter ${folder} has its weights only as adapter_model.bin, which is not read`
        : `adapter ${folder} has no ${adapterWeightsFile}`,
      pickled ? 'convert it: load it with PEFT and call save_pretrained' : undefined,
    );
  }
  const weights = await readHeader(join(folder, adapterWeightsFile));
  return weights.ok ? ok({ folder, config: config.value, method, weights: weights.value }) : weights;
}
