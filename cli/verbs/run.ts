/**
 * @file `peft run`: trains an experiment, evaluates it, and writes the adapter.
 */
import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { plannedBytes, trainedParameters, allParameters } from '../../compiler/driver/budget.js';
import { showBytes } from '../../compiler/elaborate/value.js';
import { codecOf } from '../../compiler/driver/codec.js';
import { exitCodes, UserError } from '../exit.js';
import { openOne } from '../experiment.js';
import { compileExperiment, folderOfBase, loadDatasets, trainSettings } from '../prepare.js';
import { startEnergy } from '../energy.js';
import { writeWhole } from '../output.js';
import { createProgress } from '../progress.js';
import { groupHash, type Measured, type RunResult } from '../runs.js';
import { consequencesOf } from '../consequences.js';
import { lockFacts, refuseDrift } from '../lock.js';
import { openPlan, readPlan, refuseChange } from '../plan-file.js';
import { openRehearsal } from '../rehearsal.js';
import type { Verb } from '../verb.js';

/** `peft run FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'train an experiment, evaluate it and write the adapter',
  details:
    'Takes a .peft file, or a plan that peft plan -o wrote: then exactly that is run, or what has changed is told (code 3).\nWrites runs/NAME/ with the adapter in the layout of Hugging Face PEFT, metrics.jsonl and spec.lock.json. Ctrl-C writes a checkpoint to go on from with --resume.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '-o, --out <folder>', help: 'output folder (default: runs/NAME)' },
    { flags: '-a, --adapter <folder>', help: 'start from this adapter, ours or one made by PEFT' },
    { flags: '--live <port>', help: 'serve a report of the run while it goes, on this machine only; 0: any free port' },
    { flags: '--resume', help: 'go on from the checkpoint of an interrupted run' },
    { flags: '--overwrite', help: 'replace an earlier run in the folder' },
    { flags: '--dump <folder>', help: 'write every intermediate form of the compilation' },
    { flags: '--format <format>', help: 'how the result is written', choices: ['text', 'json'], default: 'text' },
  ],
  examples: [
    { command: 'peft run review.peft', help: 'train the experiment of the file' },
    { command: 'peft run nsmc.peft -e nsmc_lora --resume', help: 'go on with an interrupted run' },
    { command: 'peft run more.peft --adapter runs/first', help: 'train an adapter further' },
  ],
  run: async ({ args, options }, context) => {
    const reviewed = await readPlan(args[0] as string, context.cwd);
    const found =
      reviewed === undefined
        ? await openOne(args[0] as string, options['experiment'] as string | undefined, context)
        : await openPlan(reviewed, context.cwd);
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    const locked = await lockFacts(resolved, opened);
    if (reviewed === undefined) await refuseDrift(resolved, opened, locked);
    const folder = resolve(context.cwd, (options['out'] as string | undefined) ?? join('runs', resolved.spec.name));
    const shown = relative(context.cwd, folder) || folder;
    if (options['resume'] === true && options['adapter'] !== undefined)
      throw new UserError('--resume and --adapter exclude each other', 'a resumed run goes on from its own checkpoint');
    if (options['resume'] === true && options['overwrite'] === true) throw new UserError('--resume and --overwrite exclude each other');
    const mode = options['resume'] === true ? 'resume' : options['overwrite'] === true ? 'overwrite' : 'new';
    const { runPackage, prepareFolder } = await import('../../runtime/run.js');
    const ready = await prepareFolder(folder, mode);
    if (!ready.ok) throw new UserError(ready.error.message, ready.error.help);
    const port = options['live'] === undefined ? undefined : Number(options['live']);
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65536))
      throw new UserError(`--live must be a port from 0 to 65535, not ${options['live']}`);
    const signal = context.interruption();
    const data = await loadDatasets(resolved, opened);
    const { openDevice } = await import('../../runtime/device.js');
    const { openCheckpoint } = await import('../../runtime/weights/checkpoint.js');
    const device = await openDevice();
    const rehearsal = openRehearsal(context);
    let live: { readonly close: () => Promise<void> } | undefined;
    try {
      if (port !== undefined) {
        const { serveLive } = await import('../report/live.js');
        const served = await serveLive({ folders: [folder], cwd: context.cwd, port });
        live = served;
        context.err(`live report: ${served.url}\n`);
      }
      const made = compileExperiment(
        resolved,
        opened,
        device.describe().target,
        data.lengths,
        context,
        options['dump'] as string | undefined,
        rehearsal?.watchKernels,
      );
      if (typeof made === 'number') return made;
      if (reviewed !== undefined)
        refuseChange(reviewed.plan, args[0] as string, { lock: locked, program: made.run.program, device: device.describe().name });
      const base = await openCheckpoint(await folderOfBase(resolved, opened), {
        weights: resolved.base.tensors === undefined ? 'optional' : 'required',
      });
      if (!base.ok) throw new UserError(base.error.message, base.error.help);
      const progress = createProgress(context);
      const source = resolved.spec.base.source;
      const { train } = data;
      if (train === undefined) throw new UserError('there is nothing to train on');
      progress.start(resolved.spec.name, device.describe().name, plannedBytes(made.run.program));
      const joules = startEnergy();
      const done = await runPackage({
        folder,
        mode: mode === 'new' ? 'overwrite' : mode,
        start: options['adapter'] === undefined ? undefined : resolve(context.cwd, options['adapter'] as string),
        run: made.run,
        device,
        base: base.value,
        codec: codecOf(resolved.formats.values()),
        data,
        settings: trainSettings(resolved.spec, train.size),
        lock: {
          ...locked,
          node: process.version,
          device: device.describe().name,
          consequences: consequencesOf(resolved, made, data),
        },
        card: {
          name: resolved.spec.name,
          base: source.kind === 'hub' ? source.repo : source.path,
          task: resolved.spec.base.task.name,
          source: opened.source.text,
          trainable: trainedParameters(made.layout),
          parameters: allParameters(made.layout),
        },
        signal,
        rehearse: rehearsal && ((session) => rehearsal.run(session, made.run, data)),
        onEvent: progress.onEvent,
      });
      progress.stop();
      if (!done.ok) throw new UserError(done.error.message, done.error.help);
      const { result, allocatedBytes, bestStep } = done.value;
      const files = [...done.value.files];
      if (result.interrupted) {
        context.err(
          `interrupted at step ${result.steps} of ${result.total}; go on with: peft run ${args[0]} --resume${options['out'] === undefined ? '' : ` --out ${shown}`}\n`,
        );
        return exitCodes.interrupted;
      }
      const kept = bestStep === undefined ? result.after : (result.best ?? result.after);
      const measured = (e: typeof result.after): Measured | null => (e === undefined ? null : { loss: e.loss, ...e.metrics });
      const record: RunResult = {
        format: 'peft-result',
        version: 1,
        experiment: resolved.spec.name,
        hash: made.run.hash,
        group: groupHash(resolved.spec),
        seed: resolved.spec.tune.seed,
        steps: result.steps,
        seconds: Number(result.seconds.toFixed(3)),
        tokens: result.tokens,
        trainable: trainedParameters(made.layout),
        parameters: allParameters(made.layout),
        adapterBytes: weightBytes(folder, files),
        plannedBytes: plannedBytes(made.run.program),
        allocatedBytes,
        hostBytes: process.resourceUsage().maxRSS * 1024,
        joules: joules(),
        device: device.describe().name,
        best: resolved.spec.tune.best,
        bestStep: bestStep ?? null,
        before: measured(result.before),
        after: measured(result.after),
        kept: measured(kept),
        finished: new Date().toISOString(),
      };
      writeWhole(join(folder, 'result.json'), `${JSON.stringify(record, null, 2)}\n`, join(shown, 'result.json'));
      files.push('result.json');
      const summary = {
        experiment: resolved.spec.name,
        folder: shown,
        files,
        steps: result.steps,
        seconds: Number(result.seconds.toFixed(2)),
        tokensPerSecond: Math.round(result.tokens / result.seconds),
        trainable: trainedParameters(made.layout),
        parameters: allParameters(made.layout),
        bytes: allocatedBytes,
        device: device.describe().name,
        before: result.before && { loss: result.before.loss, ...result.before.metrics },
        after: result.after && { loss: result.after.loss, ...result.after.metrics },
        bestStep: bestStep ?? null,
      };
      if (options['format'] === 'json') context.out(`${JSON.stringify(summary, null, 2)}\n`);
      else {
        const metrics = (e: typeof result.after): string =>
          e === undefined
            ? ''
            : [`loss ${e.loss.toFixed(4)}`, ...Object.entries(e.metrics).map(([k, v]) => `${k} ${v.toFixed(4)}`)].join('  ');
        context.out(
          [
            `trained    ${summary.trainable.toLocaleString('en')} of ${summary.parameters.toLocaleString('en')} parameters, ${result.steps} steps in ${result.seconds.toFixed(1)} s, ${summary.tokensPerSecond.toLocaleString('en')} tokens/s`,
            `memory     ${showBytes(allocatedBytes)} on ${summary.device}`,
            ...(result.before ? [`before     ${metrics(result.before)}`] : []),
            ...(result.after ? [`after      ${metrics(result.after)}`] : []),
            ...(bestStep === undefined || bestStep === result.steps
              ? []
              : [`kept       step ${bestStep}, the best ${resolved.spec.tune.best}`]),
            `written    ${shown}/ (${files.join(', ')})`,
            '',
          ].join('\n'),
        );
      }
      return exitCodes.ok;
    } finally {
      await live?.close();
      device.close();
    }
  },
};

/** Bytes of the weights that were written. */
const weightBytes = (folder: string, files: readonly string[]): number =>
  files.filter((name) => name.endsWith('.safetensors')).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
