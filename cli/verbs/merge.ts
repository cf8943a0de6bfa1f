/**
 * @file `peft merge`: writes an experiment's base with its trained adapters folded in.
 */
import { join, relative, resolve } from 'node:path';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { compileMerge } from '../../compiler/driver/compile.js';
import { codecOf, type WeightCodec } from '../../compiler/driver/codec.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Checkpoint } from '../../runtime/weights/checkpoint.js';
import type { Context } from '../io.js';
import { exitCodes, UserError } from '../exit.js';
import { openOne } from '../experiment.js';
import { folderOfBase } from '../prepare.js';
import { renderFindings } from '../render.js';
import { factsFormat, type Verb } from '../verb.js';

/** `peft merge FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'write the base with a trained adapter folded in',
  details:
    'The result has the element types, shards, configuration and tokenizer of the base, and needs no adapter. What a method becomes as a weight follows from its definition; where it has none, merge says why.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '-a, --adapter <folder>', help: 'folder of the adapter, ours or one made by PEFT (default: runs/NAME)' },
    { flags: '-o, --out <folder>', help: 'output folder (default: runs/NAME/merged)' },
    {
      flags: '--into <weights>',
      help: 'over a quantised base: the weights that the adapter was trained over (dequantized), or those of the base before',
      choices: ['dequantized', 'original'],
    },
    factsFormat,
  ],
  examples: [
    { command: 'peft merge review.peft', help: 'fold in what peft run wrote' },
    { command: 'peft merge review.peft --adapter other/folder --out merged', help: 'fold in another adapter of the same shape' },
  ],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context);
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    if (resolved.base.tensors === undefined) throw new UserError('the base of this experiment has no weights to merge into');
    const adapter = resolve(context.cwd, (options['adapter'] as string | undefined) ?? join('runs', resolved.spec.name));
    const folder = resolve(context.cwd, (options['out'] as string | undefined) ?? join('runs', resolved.spec.name, 'merged'));
    const baseFolder = await folderOfBase(resolved, opened);
    if (folder === resolve(baseFolder)) throw new UserError('the output folder is the base itself', 'choose another folder with --out');
    const { openDevice } = await import('../../runtime/device.js');
    const { openCheckpoint } = await import('../../runtime/weights/checkpoint.js');
    const { openSession } = await import('../../runtime/execute.js');
    const { loadTensors } = await import('../../runtime/load.js');
    const { loadAdapter } = await import('../../runtime/adapter-load.js');
    const { exportMerged } = await import('../../runtime/export-merged.js');
    const base = await openCheckpoint(baseFolder);
    if (!base.ok) throw new UserError(base.error.message, base.error.help);
    const codec = codecOf(resolved.formats.values());
    const into = await intoWhich(options['into'] as string | undefined, resolved, base.value, codec, context);
    const merging = into === 'original' ? { ...resolved, formats: new Map<never, never>() } : resolved;
    const device = await openDevice();
    try {
      const diagnostics: Diagnostic[] = [];
      const made = compileMerge(merging, device.describe().target, diagnostics);
      if (made === undefined) {
        context.err(renderFindings(diagnostics, opened.texts, 'text', context.colour.err));
        return exitCodes.findings;
      }
      const session = await openSession(device, made.program, { stagingBytes: 2 ** 20 });
      try {
        const loaded = await loadTensors(session, base.value, resolved.spec.tune.seed, { codec });
        if (!loaded.ok) throw new UserError(loaded.error.message, loaded.error.help);
        const read = await loadAdapter(adapter, session, made);
        if (!read.ok) throw new UserError(read.error.message, read.error.help);
        session.run('merge', { seed: 0, step: 0, total: 1 });
        const merged = [];
        for (const t of made.tensors) merged.push({ ...t, value: (await session.read(`merged/${t.name}`, 'merge')) as Float32Array });
        const infinite = merged.find((t) => t.value.some((x) => !Number.isFinite(x)));
        if (infinite !== undefined) throw new UserError(`the merged ${infinite.name} is not finite`, 'the adapter did not train well');
        const names = new Map([...resolved.bindings].flatMap(([name, b]) => (b.kind === 'checkpoint' ? [[b.key, name] as const] : [])));
        const done = await exportMerged({
          folder,
          base: base.value,
          merged,
          names,
          config: classesOf(resolved.spec.base.task.args, base.value.config),
        });
        if (!done.ok) throw new UserError(done.error.message, done.error.help);
        const shown = relative(context.cwd, folder) || folder;
        if (options['format'] === 'json')
          context.out(
            `${JSON.stringify({ formatVersion: 1, experiment: resolved.spec.name, folder: shown, changed: made.tensors.length, files: done.value }, null, 2)}\n`,
          );
        else context.out(`merged     ${made.tensors.length} tensors\nwritten    ${shown}/ (${done.value.join(', ')})\n`);
        return exitCodes.ok;
      } finally {
        session.close();
      }
    } finally {
      device.close();
    }
  },
};

/**
 * Into which weights the adapter goes. One that was trained over a quantised base makes up for what quantising lost: in the weights
 * before, it computes something else. So that is only done where it is asked for, and never silently.
 */
async function intoWhich(
  asked: string | undefined,
  resolved: Resolved,
  base: Checkpoint,
  codec: WeightCodec,
  context: Context,
): Promise<'dequantized' | 'original'> {
  if (resolved.formats.size === 0) {
    if (asked !== undefined) throw new UserError('the base of this experiment is not quantised', 'leave --into out');
    return 'original';
  }
  const stored = [...resolved.bindings.values()].some((b) => b.kind === 'checkpoint' && b.quantized !== undefined);
  if (stored) {
    if (asked === 'original')
      throw new UserError('this base is stored quantised: the weights before are not there', 'write --into dequantized');
    return 'dequantized';
  }
  if (asked === 'dequantized') return asked;
  const { relative: share, worst, name } = await quantizationLoss(resolved, base, codec);
  const facts = `the weights that the adapter was trained over differ from those of the base by ${(100 * share).toPrecision(3)} % (relative L2 norm; at most ${(100 * worst).toPrecision(3)} %, of ${name})`;
  if (asked === 'original') {
    context.err(`warning: ${facts}; merged into the base before quantisation, the model computes something else than was trained\n`);
    return asked;
  }
  throw new UserError(
    `${facts}, so merging into the base before quantisation would change what was trained`,
    'exact are --into dequantized, which writes the weights the adapter saw, and the adapter beside the quantised base (peft quantize writes it); --into original merges nevertheless',
  );
}

/** How much the weights of a base change when they are quantised, relative to their norm: all together, and the one that changes most. */
async function quantizationLoss(
  resolved: Resolved,
  base: Checkpoint,
  codec: WeightCodec,
): Promise<{ readonly relative: number; readonly worst: number; readonly name: string }> {
  const { readCheckpointTensor } = await import('../../runtime/weights/checkpoint.js');
  let [lost, all, worst, name] = [0, 0, 0, ''];
  for (const f of resolved.formats.values()) {
    const weight = f.weight.keys[0] as string;
    const binding = resolved.bindings.get(weight);
    if (binding?.kind !== 'checkpoint') continue;
    const read = await readCheckpointTensor(base, binding.key);
    if (!read.ok) throw new UserError(read.error.message, read.error.help);
    const seen = codec.decode(weight, codec.encode(weight, read.value));
    let [d, n] = [0, 0];
    read.value.forEach((x, i) => {
      d += (x - (seen[i] as number)) ** 2;
      n += x * x;
    });
    lost += d;
    all += n;
    if (n > 0 && Math.sqrt(d / n) > worst) [worst, name] = [Math.sqrt(d / n), weight];
  }
  return { relative: all > 0 ? Math.sqrt(lost / all) : 0, worst, name };
}

/** The classes of a task, as `config.json` names them, where the base has another number of them. */
function classesOf(args: Readonly<Record<string, unknown>>, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const labels = args['labels'];
  const known = config['id2label'];
  if (typeof labels !== 'number' || (typeof known === 'object' && known !== null && Object.keys(known).length === labels)) return {};
  const names = Array.from({ length: labels }, (_, i) => `LABEL_${i}`);
  return {
    id2label: Object.fromEntries(names.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  };
}
