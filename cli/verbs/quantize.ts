/**
 * @file `peft quantize`: writes an experiment's base with the weights in the 4 bits that the experiment keeps them in.
 */
import { join, relative, resolve } from 'node:path';
import { codecOf } from '../../compiler/driver/codec.js';
import { allModules } from '../../compiler/elaborate/instance.js';
import { showBytes } from '../../compiler/elaborate/value.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { QuantizedWeight } from '../../runtime/export-quantized.js';
import { exitCodes, UserError } from '../exit.js';
import { openOne } from '../experiment.js';
import { folderOfBase } from '../prepare.js';
import { factsFormat, type Verb } from '../verb.js';

/** `peft quantize FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'write the base with its weights in 4 bits',
  details:
    'The result is what bitsandbytes writes for the same weights, byte for byte: transformers and PEFT load it, and so does peft. An adapter that was trained over it belongs beside it. Only the modules that the experiment quantises are changed.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '-o, --out <folder>', help: 'output folder (default: runs/NAME/quantized)' },
    factsFormat,
  ],
  examples: [{ command: 'peft quantize qlora.peft -e nf4_double --out base-nf4', help: 'the base as this experiment trains over it' }],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context);
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    const { openCheckpoint } = await import('../../runtime/weights/checkpoint.js');
    const { exportQuantized } = await import('../../runtime/export-quantized.js');
    const folder = resolve(context.cwd, (options['out'] as string | undefined) ?? join('runs', resolved.spec.name, 'quantized'));
    const baseFolder = await folderOfBase(resolved, opened);
    if (folder === resolve(baseFolder)) throw new UserError('the output folder is the base itself', 'choose another folder with --out');
    if (resolved.base.tensors === undefined) throw new UserError('the base of this experiment has no weights to quantise');
    const weights = weightsOf(resolved);
    const base = await openCheckpoint(baseFolder);
    if (!base.ok) throw new UserError(base.error.message, base.error.help);
    const done = await exportQuantized({ folder, base: base.value, weights, skipped: skippedModules(resolved) });
    if (!done.ok) throw new UserError(done.error.message, done.error.help);
    const shown = relative(context.cwd, folder) || folder;
    if (options['format'] === 'json')
      context.out(
        `${JSON.stringify({ formatVersion: 1, experiment: resolved.spec.name, folder: shown, quantized: weights.length, bytes: done.value.bytes, files: done.value.files }, null, 2)}\n`,
      );
    else
      context.out(
        `quantised  ${weights.length} weights; ${showBytes(done.value.bytes)} of tensors\nwritten    ${shown}/ (${done.value.files.join(', ')})\n`,
      );
    return exitCodes.ok;
  },
};

/** The weights that are quantised, with how; what the file format cannot hold is told. */
function weightsOf(resolved: Resolved): QuantizedWeight[] {
  const codec = codecOf(resolved.formats.values());
  return [...resolved.formats.values()].flatMap((f): QuantizedWeight[] => {
    const weight = f.weight.keys[0] as string;
    const binding = resolved.bindings.get(weight);
    // What the base lacks is made anew by each run, and cannot be written ahead of it.
    if (binding?.kind !== 'checkpoint') return [];
    const type = f.definition.foreign[0]?.value;
    const [block, double] = [f.params.get('block'), f.params.get('double')];
    if (binding.quantized !== undefined) throw new UserError(`${weight} of this base is stored as ${binding.quantized.format} already`);
    if ((type !== 'nf4' && type !== 'fp4') || block?.kind !== 'number' || double?.kind !== 'bool')
      throw new UserError(
        `${weight} is kept as ${f.definition.name.text}, which the checkpoints of bitsandbytes do not have`,
        'write as nf4() or as fp4()',
      );
    return [
      {
        key: binding.key,
        type,
        blocksize: block.value,
        double: double.value,
        encode: (values: Float32Array) => codec.encode(weight, values),
      },
    ];
  });
}

/** Modules of the kind that formats act on whose weight stays as it is, or is not there yet. */
function skippedModules(resolved: Resolved): string[] {
  const formats = [...resolved.formats.values()];
  const kinds = new Set(formats.map((f) => f.definition.on?.name.text));
  const quantized = new Set(
    formats.filter((f) => resolved.bindings.get(f.weight.keys[0] as string)?.kind === 'checkpoint').map((f) => f.site),
  );
  return allModules(resolved.model)
    .filter((m) => !quantized.has(m) && m.kinds.some((k) => kinds.has(k.name)))
    .map((m) => m.path);
}
