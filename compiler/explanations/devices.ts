/**
 * @file Explanations of `PEFT06nn`, `PEFT07nn` and `PEFT09nn`: rows, plan and budget, files.
 */
import { explain, type Explanation } from './explanation.js';

/** Codes of data, plans and files. */
export const deviceExplanations: readonly Explanation[] = [
  explain(
    'PEFT0601',
    'a table that cannot be read',
    'The file does not exist, or is not of the format that is named.',
    'Correct the path, which starts at the folder of the `.peft` file, or the format.',
  ),
  explain(
    'PEFT0602',
    'a column that a table does not have',
    'The names of columns are compared with the header of every table before the base is loaded, upper and lower case included.',
    'Write the column that is suggested. Tables without a header (`header: false`) have the columns `0`, `1`, …',
  ),
  explain(
    'PEFT0603',
    'a table without rows',
    'There is a header and nothing below it: a run would have no steps, or measure nothing.',
    'Use another file.',
  ),
  explain(
    'PEFT0604',
    'a best result by a metric that is not measured',
    'The task lists what it measures, and the best evaluation can only be chosen by one of these.',
    'Write one of the metrics that the message lists.',
  ),
  explain(
    'PEFT0605',
    'a best result without rows to evaluate',
    'Without rows to evaluate on nothing is ever measured, and there is no best.',
    'Write `eval:` in `data`, or leave `best` out.',
  ),
  explain(
    'PEFT0701',
    'a plan above the memory budget',
    'The plan knows every byte on the device, of training, evaluation and saving, at the longest batch. More than the budget is refused here and not after hours.',
    'Lower `batch` or `max_length`, adapt fewer modules, quantise the base, or write `checkpointing: auto` and `paging: auto`.',
  ),
  explain(
    'PEFT0702',
    'more trained parameters than the budget allows',
    'The share or number of trained parameters is above what `budget.trainable` says.',
    'Lower the rank, select fewer modules, or raise the budget.',
  ),
  explain(
    'PEFT0703',
    'a plan that the device cannot hold',
    'A single tensor or binding is larger than the device allows, whatever the budget is.',
    'Lower `tune.batch` or `data.max_length`, or choose a smaller base.',
  ),
  explain(
    'PEFT0704',
    'adapters that cannot be merged',
    'What the method does is no change of a weight, or no linear one, so no merged weight computes the same.',
    'Use the adapter beside its base, or another method; `docs/adapters.md` says which can be merged.',
  ),
  explain(
    'PEFT0705',
    'no 16-bit floats on this device',
    '`precision: f16` asks for half the bytes, and the device has no such type. It trains in f32, with a result at least as exact and more memory.',
    'Nothing needs to be done; leave the field out where the device is always this one.',
    'info',
  ),
  explain(
    'PEFT0900',
    'a file that is not UTF-8',
    'A byte does not belong to any character. The file is in another encoding, or no text at all.',
    'Save it as UTF-8.',
  ),
  explain(
    'PEFT0901',
    'a file that is not in canonical form',
    'There is one style, so that differences between files are differences in meaning.',
    'Run `peft fmt FILE`.',
    'warning',
  ),
];
