/**
 * @file The command line: finds the verb, loads that verb's file and no other, parses its options with commander, runs it, and
 * turns what it throws into words and an exit code.
 *
 * The list of verbs is the list of files in `cli/verbs/`. The build writes it into the bundle as `PEFT_VERBS`; run from source
 * (the tests), the folder is read.
 */
import { Command, CommanderError, Option } from 'commander';
import { distance } from 'fastest-levenshtein';
import { readdirSync } from 'node:fs';
import { endingOf, exitCodes, problem, type ExitCode } from './exit.js';
import type { Io } from './io.js';
import { manifest } from './package.js';
import { groups, type Input, type Verb } from './verb.js';

declare const PEFT_VERBS: readonly string[] | undefined;

/** Names of all verbs, sorted. */
export const verbNames: readonly string[] =
  typeof PEFT_VERBS === 'undefined'
    ? readdirSync(new URL('./verbs/', import.meta.url))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => name.slice(0, -3))
        .sort()
    : PEFT_VERBS;

/** Loads one verb. The pattern is read by the bundler, which makes one lazily loaded file of each verb. */
export async function loadVerb(name: string): Promise<Verb> {
  const module = (await import(`./verbs/${name}.ts`)) as { readonly verb: Verb };
  return module.verb;
}

/** Runs the command line with the arguments after `peft`; never rejects. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.failure;
    const { text, code } = endingOf(error, io.env['PEFT_DEBUG']);
    io.err(text);
    return code;
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<ExitCode> {
  const words = verbWords(args);
  const [first, second] = words;
  const wanted = first === 'help' ? second : first;
  if (wanted !== undefined && !verbNames.includes(wanted)) {
    io.err(problem(`there is no command ${JSON.stringify(wanted)}`, suggestion(wanted)));
    return exitCodes.failure;
  }
  let ending: ExitCode = exitCodes.ok;
  const program = createProgram(io);
  const named = wanted === undefined ? (asksForVersion(args) ? [] : verbNames) : [wanted];
  const verbs = await Promise.all(named.map(async (name) => ({ name, verb: await loadVerb(name) })));
  // The overview lists groups in the order of their first verb.
  verbs.sort((a, b) => groups.indexOf(a.verb.group) - groups.indexOf(b.verb.group));
  for (const { name, verb } of verbs) {
    addVerb(program, name, verb, async (input) => {
      const when = program.opts<{ color: string }>().color;
      ending = await verb.run(input, { ...io, colour: { out: mayColour(when, io, 'out'), err: mayColour(when, io, 'err') } });
    });
  }
  if (args.length === 0) {
    io.err(program.helpInformation());
    return exitCodes.failure;
  }
  if (first === 'help') {
    io.out((wanted === undefined ? program : (program.commands.find((c) => c.name() === wanted) ?? program)).helpInformation());
    return exitCodes.ok;
  }
  await program.parseAsync(args, { from: 'user' });
  return ending;
}

/** The arguments that are neither options nor the value of `--color`, which may stand before the verb. */
function verbWords(args: readonly string[]): readonly string[] {
  return args.filter((word, i) => !word.startsWith('-') && args[i - 1] !== '--color');
}

function asksForVersion(args: readonly string[]): boolean {
  return args.includes('--version') || args.includes('-V');
}

function suggestion(name: string): string {
  const [nearest] = [...verbNames].sort((a, b) => distance(name, a) - distance(name, b));
  const near = nearest !== undefined && distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3));
  return near ? `did you mean ${JSON.stringify(nearest)}?` : `the commands are ${verbNames.join(', ')}; peft --help explains them`;
}

function createProgram(io: Io): Command {
  const program = new Command('peft')
    .description('Parameter-efficient fine-tuning as a language: check, plan and run .peft files on any GPU, or on none.')
    .version(manifest().version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addOption(new Option('--color <when>', 'colours in the output').choices(['auto', 'always', 'never']).default('auto'))
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .configureHelp({ showGlobalOptions: true });
  program.usage('[options] <command>');
  program.addHelpText(
    'after',
    '\nExit codes: 0 ok, 1 findings or differences, 2 wrong use or a failure, 3 drift from a lock, 130 interrupted.\n' +
      'Run "peft <command> --help" for options and examples.',
  );
  return program;
}

function addVerb(program: Command, name: string, verb: Verb, run: (input: Input) => Promise<void>): void {
  const command = program
    .command(name)
    .helpGroup(`${verb.group}:`)
    .summary(verb.summary)
    .description(verb.details === undefined ? verb.summary : `${verb.summary}\n\n${verb.details}`);
  for (const argument of verb.args ?? []) command.argument(argument.syntax, argument.help);
  for (const spec of verb.options ?? []) {
    const option = new Option(spec.flags, spec.help);
    if (spec.choices !== undefined) option.choices([...spec.choices]);
    if (spec.default !== undefined) option.default(spec.default);
    command.addOption(option);
  }
  const width = Math.max(...verb.examples.map((example) => example.command.length));
  const examples = verb.examples.map((example) => `  ${example.command.padEnd(width)}  ${example.help}`);
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  command.action(() => run({ args: command.args, options: command.opts() }));
}

/** Whether a stream may carry colours: the option, then NO_COLOR and FORCE_COLOR, then whether it is a terminal. */
function mayColour(when: string, io: Io, stream: 'out' | 'err'): boolean {
  if (when !== 'auto') return when === 'always';
  const no = io.env['NO_COLOR'];
  if (no !== undefined && no !== '') return false;
  const force = io.env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0';
  return io.terminal[stream] && io.env['TERM'] !== 'dumb';
}
