/**
 * @file `peft schema`: the JSON Schema of a resolved experiment.
 */
import { specSchema } from '../../compiler/spec/schema.js';
import { exitCodes } from '../exit.js';
import type { Verb } from '../verb.js';

/** `peft schema` */
export const verb: Verb = {
  group: 'Files',
  summary: 'print the JSON Schema of a resolved experiment',
  details: 'Of what peft export --to spec writes, and of "spec" in the spec.lock.json of a run.',
  examples: [{ command: 'peft schema > spec.schema.json', help: 'for other tools' }],
  run: (_, context) => {
    context.out(`${JSON.stringify(specSchema, null, 2)}\n`);
    return Promise.resolve(exitCodes.ok);
  },
};
