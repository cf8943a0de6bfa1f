/**
 * @file `npm run demo`: the way of an experiment from text to a trained adapter, on the example of the project. Each step is a
 * command as a user would type it, and is shown before it runs; the first that fails ends the demo with its exit code.
 */
import { join } from 'node:path';
import { root, runNode } from './project.mjs';

/** The example, and what it is compared with: the same with nothing but a head trained. */
const file = 'examples/quickstart/quickstart.peft';
const other = 'examples/quickstart/head-only.peft';

/** The commands, in order, and the exit code that is right for each: `diff --exit-code` ends with 1 where something differs. */
const steps = [
  { args: ['check', file], ends: 0 },
  { args: ['plan', file], ends: 0 },
  { args: ['diff', other, file, '--exit-code'], ends: 1 },
  { args: ['run', other, '--overwrite'], ends: 0 },
  { args: ['run', file, '--overwrite'], ends: 0 },
  { args: ['eval', file], ends: 0 },
];

for (const { args, ends } of steps) {
  process.stderr.write(`\n$ peft ${args.join(' ')}\n`);
  const code = await runNode([join(root, 'dist', 'cli.js'), ...args]);
  if (code !== ends) {
    process.stderr.write(`peft ${args[0]} ended with ${code}\n`);
    process.exitCode = code === 0 ? 1 : code;
    break;
  }
}
