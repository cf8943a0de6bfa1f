/**
 * @file `npm run demo`: the way of an experiment from text to a trained adapter, on the example of the project. Each step is a
 * command as a user would type it, and is shown before it runs; the first that fails ends the demo with its exit code.
 */
import { join } from 'node:path';
import { root, runNode } from './project.mjs';

/** The example, and where its results go. */
const file = 'examples/quickstart/quickstart.peft';

/** The commands, in order. */
const steps = [
  ['check', file],
  ['plan', file],
  ['run', file],
  ['eval', file],
];

for (const step of steps) {
  process.stderr.write(`\n$ peft ${step.join(' ')}\n`);
  const code = await runNode([join(root, 'dist', 'cli.js'), ...step]);
  if (code !== 0) {
    process.stderr.write(`peft ${step[0]} ended with ${code}\n`);
    process.exitCode = code;
    break;
  }
}
