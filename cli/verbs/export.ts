/**
 * @file `peft export`: what other tools read of an experiment, before anything is trained.
 */
import { resolve } from 'node:path';
import { adapterFiles } from '../../compiler/driver/adapter-files.js';
import { saveGraph } from '../../compiler/driver/graphs.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { exitCodes, UserError } from '../exit.js';
import { openOne } from '../experiment.js';
import { writeWhole } from '../output.js';
import type { Verb } from '../verb.js';

/** `peft export FILE --to FORMAT` */
export const verb: Verb = {
  group: 'Files',
  summary: "write PEFT's adapter_config.json, or the resolved experiment as JSON",
  details:
    'adapter_config is what Hugging Face PEFT would be given for this experiment; one document a method.\nspec is the resolved experiment: peft schema prints its JSON Schema.',
  args: [{ syntax: '<file>', help: 'a .peft file, or - for standard input' }],
  options: [
    { flags: '-e, --experiment <name>', help: 'which experiment of the file' },
    { flags: '--to <format>', help: 'what to write', choices: ['adapter_config', 'spec'], default: 'adapter_config' },
    { flags: '-o, --out <file>', help: 'where to write (default: standard output)' },
  ],
  examples: [
    { command: 'peft export review.peft', help: 'the configuration PEFT would be given' },
    { command: 'peft export review.peft --to spec -o review.json', help: 'the resolved experiment' },
  ],
  run: async ({ args, options }, context) => {
    const found = await openOne(args[0] as string, options['experiment'] as string | undefined, context, 'text', { weights: 'optional' });
    if (typeof found === 'number') return found;
    const { resolved } = found;
    let value: unknown = resolved.spec;
    if (options['to'] === 'adapter_config') {
      const files = adapterFiles(resolved, layoutOf(resolved), saveGraph(resolved)?.saved ?? []);
      if (files.length === 0)
        throw new UserError(`experiment ${resolved.spec.name} has no adapter`, 'what is trained in full is written as a model');
      value = files.length === 1 ? files[0]?.config : files.map((f) => f.config);
    }
    const text = `${JSON.stringify(value, null, 2)}\n`;
    const out = options['out'] as string | undefined;
    if (out === undefined) context.out(text);
    else writeWhole(resolve(context.cwd, out), text, out);
    return exitCodes.ok;
  },
};
