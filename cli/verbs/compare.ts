/**
 * @file `peft compare`: methods side by side over seeds.
 */
import { chosen, compareMethods, methodsOf, quantitiesOf, type CompareOptions } from '../comparison.js';
import { comparisonCsv, comparisonJson, comparisonMarkdown, comparisonText } from '../comparison-text.js';
import { exitCodes, UserError } from '../exit.js';
import { readRuns } from '../runs.js';
import type { Verb } from '../verb.js';

/** Options that `compare` and `report` share. */
export const compareOptions = [
  { flags: '--by <quantities>', help: 'what is compared, separated by commas: accuracy,time,memory (default: everything)' },
  { flags: '--baseline <method>', help: 'what differences are taken to (default: the first)' },
  { flags: '--confidence <share>', help: 'of the intervals', default: '0.95' },
  { flags: '--threshold <difference>', help: 'smaller mean differences are noise', default: '0' },
] as const;

/** What the options of a comparison say. */
type Given = Readonly<Record<string, string | boolean | undefined>>;

/** How to compare, as the options say. */
export function compareSettings(options: Given): CompareOptions {
  const confidence = Number(options['confidence']);
  const threshold = Number(options['threshold']);
  if (!(confidence > 0 && confidence < 1)) throw new UserError(`--confidence must be between 0 and 1, not ${options['confidence']}`);
  if (!(threshold >= 0)) throw new UserError(`--threshold must be a number of at least 0, not ${options['threshold']}`);
  return { baseline: options['baseline'] as string | undefined, confidence, threshold };
}

/** Names of the quantities that are asked for; undefined for all. */
export const quantityNames = (options: Given): readonly string[] | undefined =>
  (options['by'] as string | undefined)?.split(',').map((name) => name.trim());

/** Reads runs and compares them as the options say. */
export function comparisonOf(names: readonly string[], options: Given, cwd: string) {
  const settings = compareSettings(options);
  const runs = readRuns(names, cwd);
  const all = quantitiesOf(runs);
  const by = quantityNames(options);
  return { runs, comparison: compareMethods(methodsOf(runs), by === undefined ? all : chosen(all, by), settings) };
}

/** `peft compare RUN…` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'compare finished runs: methods side by side over seeds',
  details:
    'Runs that differ in the seed alone are one method. Differences are paired by seed; a verdict is given where two seeds or more are in common.',
  args: [{ syntax: '<runs...>', help: 'folders of runs, or folders that hold such folders' }],
  options: [
    ...compareOptions,
    { flags: '--format <format>', help: 'how the result is written', choices: ['text', 'md', 'csv', 'json'], default: 'text' },
  ],
  examples: [
    { command: 'peft compare runs/', help: 'everything that was run' },
    { command: 'peft compare runs/lora_* runs/dora_* --by accuracy,time,trainable --baseline lora', help: 'two methods' },
  ],
  run: ({ args, options }, context) => {
    const { comparison } = comparisonOf(args, options, context.cwd);
    switch (options['format']) {
      case 'md':
        context.out(comparisonMarkdown(comparison));
        break;
      case 'csv':
        context.out(comparisonCsv(comparison));
        break;
      case 'json':
        context.out(`${JSON.stringify(comparisonJson(comparison), null, 2)}\n`);
        break;
      default:
        context.out(comparisonText(comparison));
    }
    return Promise.resolve(exitCodes.ok);
  },
};
