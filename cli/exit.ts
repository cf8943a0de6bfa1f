/**
 * @file How a command ends: its exit code, and what is said about an error.
 *
 * Three kinds of ending are kept apart. A verb returns a code. What the user can mend (a missing file, no device) is a
 * `UserError` or a `DeviceError`: one sentence and what to do. Everything else is a bug of ours: one line, and how to get the stack.
 */
import { DeviceError } from '../runtime/device-error.js';

/** What a command answers to the shell. */
export const exitCodes = {
  /** Nothing to complain about. */
  ok: 0,
  /** Findings, or differences. */
  findings: 1,
  /** Wrong use of the command, a problem of the surroundings, or a bug of ours. */
  failure: 2,
  /** What was locked is no longer what is there. */
  drift: 3,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A problem the user can mend: one sentence, lower case, without a final stop; `help` says what to do. */
export class UserError extends Error {
  readonly help: string | undefined;
  readonly code: ExitCode;

  constructor(message: string, help?: string, code: ExitCode = exitCodes.failure) {
    super(message);
    this.name = 'UserError';
    this.help = help;
    this.code = code;
  }
}

/** An error as it is shown, and the code it ends the command with. */
export interface Ending {
  readonly text: string;
  readonly code: ExitCode;
}

/** What to say about anything that was thrown. `debug` is the value of PEFT_DEBUG. */
export function endingOf(error: unknown, debug: string | undefined): Ending {
  const withStack = debug !== undefined && debug !== '' && debug !== '0';
  const stack = withStack && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : '';
  if (error instanceof UserError) return { text: stack + problem(error.message, error.help), code: error.code };
  if (error instanceof DeviceError && error.kind !== 'misuse')
    return { text: stack + problem(error.message, error.help), code: exitCodes.failure };
  const said = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
  const how = withStack ? 'please report it with the stack above' : 'please report it; PEFT_DEBUG=1 shows the stack';
  return {
    text: `${stack}internal error: ${said === '' ? 'without a message' : said}\n  this is a bug in peft, not in your file: ${how}\n`,
    code: exitCodes.failure,
  };
}

/** A problem in words: `error: …`, and below it what to do. */
export function problem(message: string, help?: string): string {
  return `error: ${message}\n${help === undefined ? '' : `  help: ${help}\n`}`;
}
