/**
 * @file Explanations of `PEFT01nn`: names, imports, statements, and the points of sweeps.
 */
import { explain, type Explanation } from './explanation.js';

/** Codes of names and statements. */
export const nameExplanations: readonly Explanation[] = [
  explain(
    'PEFT0101',
    'a name that is not defined',
    'Every name in a definition or a value is looked up before anything runs, in definitions that no experiment uses as well. A misspelt one is therefore found here and not in the middle of a run.',
    'Write the name that is suggested, define it (`let`, a parameter), or import it. A text needs double quotes.',
  ),
  explain(
    'PEFT0102',
    'a name that is given twice',
    'Two definitions of one kind, two experiments, two members of a definition or two tensors of a format have the same name, and it would not be clear which of them is meant.',
    'Give one of them another name. The note shows the first.',
  ),
  explain(
    'PEFT0103',
    'a file that imports itself',
    'The file is being read already, and imports itself, directly or by way of another. Nothing could be known first.',
    'Move what both files need into a third one.',
  ),
  explain(
    'PEFT0104',
    'an imported file that cannot be read',
    'A quoted import names a file beside the one it stands in. There is none at this path, it is a folder, or it may not be read.',
    'Correct the path: it starts at the folder of the file that imports.',
  ),
  explain(
    'PEFT0105',
    'an imported name that is not there',
    'The file or the part of the library that is imported from does not define this name. Nothing is imported by chance: each name must be there.',
    'Write the name that is suggested, or look at what the library has in `docs/adapters.md` and `docs/models.md`.',
  ),
  explain(
    'PEFT0106',
    'a library that does not exist',
    'There is one library, `std`. Files of your own are imported by their path, in double quotes.',
    'Write `import std.PART.NAME` or `import "./FILE.peft".{NAME}`.',
  ),
  explain(
    'PEFT0107',
    'a part of the library that does not exist',
    'The standard library is divided into parts, such as `std.adapters` and `std.formats`, and has none of this name.',
    'Write one of the parts that the message names.',
  ),
  explain(
    'PEFT0110',
    'a source that is none',
    'A base comes from a folder, `local("…")`, `hub("…")` or `scratch("…")`; rows come from `tsv`, `csv`, `jsonl` or `parquet`. The file format is said and never guessed from the name, so that the same text always reads the same way.',
    'Write one of these calls, with the path as its first argument.',
  ),
  explain(
    'PEFT0111',
    'an experiment that derives from one that is not there',
    '`experiment b = a { … }` takes over every statement of `a`, which must stand in the same file.',
    'Write the name of an experiment of this file.',
  ),
  explain(
    'PEFT0112',
    'an experiment that derives from itself',
    'Following the names behind `=` leads back to where it began. What the experiments have in common would then be nowhere.',
    'Let one of them stand by itself, with a base of its own.',
  ),
  explain(
    'PEFT0113',
    'a second base',
    'An experiment trains one model on one set of weights. A second `base` in the same experiment is a copy that was left over. (In a derived experiment a `base` replaces the one that is taken over.)',
    'Take one of the two out.',
  ),
  explain(
    'PEFT0114',
    'a section that experiments do not have',
    'Experiments have the sections `data`, `tune` and `budget`. A section that nobody reads would hold settings that do nothing.',
    'Write one of the three.',
  ),
  explain(
    'PEFT0115',
    'a section that is given twice',
    'With two sections of one name it would depend on their order which value of a field counts.',
    'Write all fields in one of them.',
  ),
  explain(
    'PEFT0116',
    'an experiment without a base',
    'Nothing says which model is trained and where its weights are.',
    'Write `base MODEL from "FOLDER" for TASK`, or derive from an experiment that has one.',
  ),
  explain(
    'PEFT0117',
    'a model that does not exist',
    'The architecture of a base is a definition in the language, and the library has none of this name. `docs/models.md` lists them with the `model_type` of the checkpoints that each reads.',
    'Write the name that is suggested, or define a `model` of your own and import it.',
  ),
  explain(
    'PEFT0118',
    'a base without a task',
    'The task says what the model computes, what its loss is and which columns the rows must have. It cannot be told from the weights.',
    'Write `for TASK` behind the source: `for classify(labels: 2)`, `for causal()`.',
  ),
  explain(
    'PEFT0119',
    'a method, format, optimiser, schedule or task that is not there',
    'Methods and formats must be imported by name; the others are visible everywhere. The name is not known, is not imported, or is the name of something else.',
    'Write the name that is suggested, or add the import that the message shows.',
  ),
  explain(
    'PEFT0120',
    'something else where a name with parameters is needed',
    'A method, a format, an optimiser, a schedule or a task is named, with its parameters in parentheses where they differ from their defaults.',
    'Write `NAME(parameter: value)`, or the name alone.',
  ),
  explain(
    'PEFT0121',
    'a field that its section does not have',
    'The fields of `data`, `tune` and `budget` are known. An unknown one is refused, because a misspelt setting that is silently ignored is found out hours later, by its result.',
    'Write the field that is suggested. All fields with their types and defaults stand in `stdlib/experiment.peft`.',
  ),
  explain(
    'PEFT0122',
    'a word that a field does not know',
    'Some fields of `tune` take one of a few words.',
    'Write one of the words that the message lists.',
  ),
  explain(
    'PEFT0130',
    'a sweep without points',
    'An axis has an empty list, or every combination is left out by `require`: there would be nothing to run.',
    'Give every axis at least one value, and see whether the conditions can hold together.',
  ),
  explain(
    'PEFT0131',
    'a sweep that draws values without saying how many',
    'Between two bounds there are endlessly many values. How many points are drawn, and from which seed, is a part of the definition, so that the sweep is the same every time.',
    'Write `take 12 seed 0` in the sweep.',
  ),
  explain(
    'PEFT0132',
    'a sweep of too many points',
    'The axes multiply: five of ten values are 100,000 runs. This many are more likely a slip than a plan.',
    'Take values out, let axes vary together, or keep some of the points with `take`.',
  ),
  explain(
    'PEFT0133',
    'bounds between which nothing can be drawn',
    'Values are drawn between two numbers of which the first is smaller; on a logarithmic scale both must be above 0.',
    'Write the smaller number first.',
  ),
  explain(
    'PEFT0134',
    'an axis that is no list of values',
    'The values of an axis are a list; where several settings vary together, each value is itself a list with one entry for each of them.',
    'Write `[4, 8, 16]`, `[[1e-4, 8], [2e-4, 16]]` for two settings, or `uniform(a, b)` or `log_uniform(a, b)` with `take`.',
  ),
  explain(
    'PEFT0135',
    'an axis that could mean two settings',
    'The name is a field of a section and a parameter of a definition that the experiment uses. Which of them varies must be said.',
    'Write the section or the definition before it, with a dot.',
  ),
  explain(
    'PEFT0136',
    'an axis that varies nothing',
    'The experiment has no field and no parameter of this name, so that all points of the sweep would be the same run.',
    'Write the name that is suggested, or set the field in the experiment first.',
  ),
];
