/**
 * @file Fills the persistent tensors of a session from a base checkpoint and the counter-based generator.
 */
import { fail, ok, type Failure, type Result } from './data/result.js';
import { DeviceError } from './device-error.js';
import { openEncoder } from './encode-device.js';
import type { Session } from './execute.js';
import { initialise, type InitOptions, type InitReport } from './init.js';
import { dynamicMap, quantizedOf, readQuantized } from './weights/bitsandbytes.js';
import { findTensor, readCheckpointTensor, streamCheckpointTensor, type Checkpoint } from './weights/checkpoint.js';

/** Loads and draws everything a session needs before its first step. Peak host memory is one chunk, or where weights are kept in fewer
 * bits the largest of them. */
export async function loadTensors(
  session: Session,
  base: Checkpoint,
  seed: number,
  options: Pick<InitOptions, 'draw' | 'codec'> = {},
): Promise<Result<InitReport>> {
  let failure: Failure | undefined;
  const must = <T>(result: Result<T>): T => {
    if (result.ok) return result.value;
    failure = result.error;
    throw new Stopped();
  };
  const { codec } = options;
  const encoder = openEncoder(session.device);
  try {
    const report = await initialise(session, {
      seed,
      ...options,
      ...(codec === undefined ? {} : { onDevice: (weight: string, values: Float32Array) => encoder.encode(codec, weight, values) }),
      checkpoint: async ({ keys, rows }, write) => {
        const found = findTensor(base, keys);
        if (!found.ok) return false;
        must(
          await streamCheckpointTensor(
            base,
            found.value.name,
            (offset, bytes) => write(offset, bytes as Uint8Array<ArrayBuffer>),
            rows === undefined ? {} : { rows },
          ),
        );
        return true;
      },
      encoded: async (keys) => {
        const found = findTensor(base, keys);
        if (!found.ok) return undefined;
        const { name } = found.value;
        if (quantizedOf(base.tensors, name) === undefined) return must(await readCheckpointTensor(base, name));
        const { parts, nestedMap } = must(await readQuantized(base, name));
        const other = nestedMap === undefined ? -1 : dynamicMap(true).findIndex((x, i) => x !== nestedMap[i]);
        if (other >= 0)
          must(
            fail(
              base.folder,
              `the table that the magnitudes of ${name} are quantised with is not the usual one: its entry ${other} differs`,
              'quantise the base anew',
            ),
          );
        return parts;
      },
    });
    return ok(report);
  } catch (error) {
    if (failure !== undefined) return { ok: false, error: failure };
    if (error instanceof DeviceError && error.kind === 'unavailable') return fail(base.folder, error.message, error.help);
    throw error;
  } finally {
    encoder.close();
  }
}

/** Ends the initialisation where a tensor could not be read. */
class Stopped extends Error {}
