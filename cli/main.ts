#!/usr/bin/env node
/**
 * @file The program `peft`: hands the process to the command line and its answer to the shell. The process ends by itself when
 * nothing is left to do, so that output is never cut off.
 */
import { processIo } from './io.js';
import { runCommandLine } from './program.js';

process.exitCode = await runCommandLine(process.argv.slice(2), processIo());
