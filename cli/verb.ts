/**
 * @file What a verb is: data for the help text, and one function. `cli/verbs/NAME.ts` exports `verb: Verb`; the file's name is
 * the verb's, and nothing else needs to know it. A verb's file imports what is heavy only inside `run`.
 */
import type { ExitCode } from './exit.js';
import type { Context } from './io.js';

/** Headings of the overview that `peft --help` prints, in this order. */
export const groups = ['Experiments', 'Files', 'Setup'] as const;

/** A heading of the overview. */
export type Group = (typeof groups)[number];

/** A positional argument: `<file>`, `[files...]`. */
export interface ArgumentSpec {
  readonly syntax: string;
  readonly help: string;
}

/** An option: `--check`, `-o, --out <folder>`. */
export interface OptionSpec {
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly default?: string;
}

/** One example of use in the help text. */
export interface Example {
  readonly command: string;
  readonly help: string;
}

/** What the user gave: positional arguments, flattened, and options by their camel-case name. */
export interface Input {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** One verb of the command line. */
export interface Verb {
  readonly group: Group;
  /** One line for the overview: lower case, no final stop. */
  readonly summary: string;
  /** What the verb's own help says below that line. */
  readonly details?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly Example[];
  readonly run: (input: Input, context: Context) => Promise<ExitCode>;
}

/** `--format` for verbs that report findings. */
export const findingsFormat: OptionSpec = {
  flags: '--format <format>',
  help: 'how findings are written',
  choices: ['text', 'json', 'sarif', 'github', 'junit'],
  default: 'text',
};

/** `--format` for verbs that report facts. */
export const factsFormat: OptionSpec = {
  flags: '--format <format>',
  help: 'how the result is written',
  choices: ['text', 'json'],
  default: 'text',
};
