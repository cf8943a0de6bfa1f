/**
 * @file `peft plan`: what a run would train and cost, from configuration, tensor names and data alone.
 */
import { resolve } from 'node:path';
import { countTokens, planBatches } from '../../runtime/data/batches.js';
import { totalSteps } from '../../runtime/train.js';
import { consequencesOf } from '../consequences.js';
import { exitCodes, UserError } from '../exit.js';
import { lockFacts } from '../lock.js';
import { openOne } from '../experiment.js';
import { planFacts, planText, type PlannedData } from '../plan-text.js';
import { compileExperiment, loadDatasets, trainSettings } from '../prepare.js';
import { planningTarget, targetNames } from '../target.js';
import { factsFormat, type Verb } from '../verb.js';

/** `peft plan FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'show what a run would train, and its parameters, FLOPs, dispatches and bytes',
  details:
    'Loads no weights: a base folder with nothing but config.json will do. Ends with 1 where the plan exceeds the budget or the device.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '--target <target>', help: 'what to plan for', choices: targetNames, default: 'device' },
    { flags: '-o, --out <file>', help: 'write the plan down, as a .json file that peft run takes' },
    { flags: '--dump <folder>', help: 'write every intermediate form of the compilation' },
    factsFormat,
  ],
  examples: [
    { command: 'peft plan review.peft', help: 'plan for the device of this machine' },
    { command: 'peft plan -o review.plan.json review.peft', help: 'then peft run review.plan.json runs exactly this' },
    { command: 'peft plan --target gpu --format json big.peft', help: 'plan for any GPU, as JSON' },
  ],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context, 'text', { weights: 'optional' });
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    const { spec } = resolved;
    const { target, name } = await planningTarget(options['target'] as string);
    const sets = resolved.base.tokenizer.ok ? await loadDatasets(resolved, opened) : undefined;
    const lengths = sets?.lengths ?? [spec.data.max_length];
    const made = compileExperiment(resolved, opened, target, lengths, context, options['dump'] as string | undefined);
    if (typeof made === 'number') return made;
    const train = sets?.train;
    if (sets !== undefined && train === undefined) throw new UserError('there is nothing to train on');
    const tokens =
      train === undefined
        ? undefined
        : countTokens(
            train.lengths,
            planBatches(train.lengths, { batch: spec.tune.batch, buckets: lengths, order: 'shuffled', seed: spec.tune.seed }),
            spec.tune.batch,
          );
    const data: PlannedData = {
      trainRows: train?.size ?? resolved.trainRows,
      evalRows: sets?.eval?.size ?? resolved.evalRows,
      lengths,
      realTokens: tokens?.real ?? null,
      paddedTokens: tokens?.padded ?? null,
      truncated: sets === undefined ? null : (train?.truncated ?? 0) + (sets.eval?.truncated ?? 0),
      steps: totalSteps(train?.size ?? resolved.trainRows, spec.tune.batch, trainSettings(spec, train?.size ?? resolved.trainRows)),
    };
    if (typeof options['out'] === 'string') {
      if (!options['out'].endsWith('.json')) throw new UserError(`a plan is a .json file, not ${options['out']}`);
      const { writePlan, programDigest } = await import('../plan-file.js');
      writePlan(resolve(context.cwd, options['out']), options['out'], opened, {
        experiment: spec.name,
        device: name,
        program: programDigest(made.run.program),
        consequences: consequencesOf(resolved, made, sets),
        lock: await lockFacts(resolved, opened),
      });
    }
    const text = (m: (typeof resolved.matches)[number]): string =>
      opened.texts.get(m.span.file)?.slice(m.span.start, m.span.end).replace(/\s+/g, ' ') ?? m.text;
    context.out(
      options['format'] === 'json'
        ? `${JSON.stringify(planFacts(resolved, made, data, name), null, 2)}\n`
        : planText(resolved, made, data, name, text),
    );
    return exitCodes.ok;
  },
};
