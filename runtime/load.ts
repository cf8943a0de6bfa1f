/**
 * @file Fills the persistent tensors of a session from a base checkpoint and the counter-based generator.
 */
import { fail, ok, type Failure, type Result } from './data/result.js';
import { DeviceError } from './device-error.js';
import type { Session } from './execute.js';
import { initialise, type InitOptions, type InitReport } from './init.js';
import { findTensor, streamCheckpointTensor, type Checkpoint } from './weights/checkpoint.js';

/** Loads and draws everything a session needs before its first step. Peak host memory is one chunk. */
export async function loadTensors(
  session: Session,
  base: Checkpoint,
  seed: number,
  draw?: InitOptions['draw'],
): Promise<Result<InitReport>> {
  let failure: Failure | undefined;
  try {
    const report = await initialise(session, {
      seed,
      ...(draw === undefined ? {} : { draw }),
      checkpoint: async ({ keys, rows }, write) => {
        const found = findTensor(base, keys);
        if (!found.ok) return false;
        const streamed = await streamCheckpointTensor(
          base,
          found.value.name,
          (offset, bytes) => write(offset, bytes as Uint8Array<ArrayBuffer>),
          rows === undefined ? {} : { rows },
        );
        if (streamed.ok) return true;
        failure = streamed.error;
        throw new Stopped();
      },
    });
    return ok(report);
  } catch (error) {
    if (failure !== undefined) return { ok: false, error: failure };
    if (error instanceof DeviceError && error.kind === 'unavailable') return fail(base.folder, error.message, error.help);
    throw error;
  }
}

/** Ends the initialisation where a tensor could not be read. */
class Stopped extends Error {}
