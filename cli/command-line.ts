/**
 * @file What the program `peft` loads to run a verb: the command line, and the surroundings of the process.
 */
export { processIo } from './io.js';
export { runCommandLine } from './program.js';
