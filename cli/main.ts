#!/usr/bin/env node
/**
 * @file The program `peft`: hands the process to the command line and its answer to the shell. The process ends by itself when
 * nothing is left to do, so that output is never cut off.
 */
import { openQuick, runQuick } from './quick.js';

/** The verbs in `quick.js`; written by the build. */
declare const PEFT_QUICK_VERBS: readonly string[];

const args = process.argv.slice(2);
const quick = PEFT_QUICK_VERBS.includes(args[0] ?? '') ? openQuick(import.meta.url) : undefined;
const { processIo, runCommandLine } = quick === undefined ? await import('./command-line.js') : runQuick(quick, import.meta.url);
process.exitCode = await runCommandLine(args, processIo());
