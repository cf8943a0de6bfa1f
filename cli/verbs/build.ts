/**
 * @file `peft build`: compiles an experiment to a Package on disk, which runs without the compiler.
 */
import { resolve } from 'node:path';
import { plannedBytes } from '../../compiler/driver/budget.js';
import { showBytes } from '../../compiler/elaborate/value.js';
import { exitCodes } from '../exit.js';
import { openOne } from '../experiment.js';
import { writeWhole } from '../output.js';
import { compileExperiment, loadDatasets } from '../prepare.js';
import { planningTarget, targetNames } from '../target.js';
import type { Verb } from '../verb.js';

/** `peft build FILE` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'compile an experiment to a program on disk',
  details: 'The program holds every shader, buffer and step as JSON. The same experiment gives the same bytes.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '-o, --out <file>', help: 'file to write (default: NAME.program.json)' },
    { flags: '--target <target>', help: 'what to compile for', choices: targetNames, default: 'device' },
    { flags: '--dump <folder>', help: 'write every intermediate form of the compilation' },
  ],
  examples: [{ command: 'peft build review.peft -o review.program.json', help: 'compile for the device of this machine' }],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context, 'text', { weights: 'optional' });
    if (typeof found === 'number') return found;
    const { opened, resolved } = found;
    const { target } = await planningTarget(options['target'] as string);
    const lengths = resolved.base.tokenizer.ok ? (await loadDatasets(resolved, opened)).lengths : [resolved.spec.data.max_length];
    const made = compileExperiment(resolved, opened, target, lengths, context, options['dump'] as string | undefined);
    if (typeof made === 'number') return made;
    const name = (options['out'] as string | undefined) ?? `${resolved.spec.name}.program.json`;
    writeWhole(resolve(context.cwd, name), `${JSON.stringify(made.run)}\n`, name);
    const { program } = made.run;
    context.out(
      `written    ${name}: ${program.entries.length} entries, ${program.entries.reduce((n, e) => n + e.steps.length, 0)} dispatches, ${program.shaders.length} shaders, ${showBytes(plannedBytes(program))} on the device\n`,
    );
    return exitCodes.ok;
  },
};
