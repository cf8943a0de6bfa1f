/**
 * @file `peft eval`: measures an experiment's adapter on its evaluation rows.
 */
import { join, relative, resolve } from 'node:path';
import { codecOf } from '../../compiler/driver/codec.js';
import { exitCodes, UserError } from '../exit.js';
import { openOne } from '../experiment.js';
import { refuseDrift } from '../lock.js';
import { compileExperiment, folderOfBase, loadDatasets } from '../prepare.js';
import { factsFormat, type Verb } from '../verb.js';

/** `peft eval FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'evaluate a trained adapter, or the base without one',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '-a, --adapter <folder>', help: 'folder of the adapter, ours or one made by PEFT (default: runs/NAME)' },
    { flags: '--untrained', help: 'evaluate as the run began: the base with fresh adapters' },
    factsFormat,
  ],
  examples: [
    { command: 'peft eval review.peft', help: 'evaluate what peft run wrote' },
    { command: 'peft eval review.peft --adapter other/folder', help: 'evaluate another adapter of the same shape' },
  ],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context);
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    await refuseDrift(resolved, opened);
    if (resolved.spec.data.eval === null)
      throw new UserError(`experiment ${resolved.spec.name} has no rows to evaluate on`, 'write eval: in its data section');
    const folder = resolve(context.cwd, (options['adapter'] as string | undefined) ?? join('runs', resolved.spec.name));
    const data = await loadDatasets(resolved, opened, { train: false, eval: true });
    const { openDevice } = await import('../../runtime/device.js');
    const { openCheckpoint } = await import('../../runtime/weights/checkpoint.js');
    const { openSession } = await import('../../runtime/execute.js');
    const { loadTensors } = await import('../../runtime/load.js');
    const { loadAdapter } = await import('../../runtime/adapter-load.js');
    const { evaluate } = await import('../../runtime/evaluate.js');
    const device = await openDevice();
    try {
      const made = compileExperiment(resolved, opened, device.describe().target, data.lengths, context, undefined);
      if (typeof made === 'number') return made;
      const base = await openCheckpoint(await folderOfBase(resolved, opened), {
        weights: resolved.base.tensors === undefined ? 'optional' : 'required',
      });
      if (!base.ok) throw new UserError(base.error.message, base.error.help);
      const session = await openSession(device, made.run.program, { stagingBytes: 2 ** 18 });
      try {
        const loaded = await loadTensors(session, base.value, resolved.spec.tune.seed, { codec: codecOf(resolved.formats.values()) });
        if (!loaded.ok) throw new UserError(loaded.error.message, loaded.error.help);
        if (options['untrained'] !== true) {
          const adapter = await loadAdapter(folder, session, made.run);
          if (!adapter.ok) throw new UserError(adapter.error.message, adapter.error.help);
        }
        if (data.eval === undefined) throw new UserError('there are no rows to evaluate on');
        const e = await evaluate(session, made.run, data.eval, data.fields, data.tokenizer.padId);
        const shown = options['untrained'] === true ? 'untrained' : relative(context.cwd, folder) || folder;
        if (options['format'] === 'json')
          context.out(
            `${JSON.stringify({ formatVersion: 1, experiment: resolved.spec.name, adapter: shown, loss: e.loss, ...e.metrics, examples: e.examples, seconds: e.seconds }, null, 2)}\n`,
          );
        else
          context.out(
            `${shown}  ${e.examples} examples  loss ${e.loss.toFixed(4)}${Object.entries(e.metrics)
              .map(([k, v]) => `  ${k} ${v.toFixed(4)}`)
              .join('')}  ${e.seconds.toFixed(1)} s\n`,
          );
        return exitCodes.ok;
      } finally {
        session.close();
      }
    } finally {
      device.close();
    }
  },
};
