/**
 * @file Explanations of `PEFT04nn` and `PEFT05nn`: selectors, methods and formats on their sites; the base and its checkpoint.
 */
import { explain, type Explanation } from './explanation.js';

/** Codes of selectors, adapters and bases. */
export const selectorExplanations: readonly Explanation[] = [
  explain(
    'PEFT0401',
    'a role that no module of this base has',
    'Every name in a selector must match something in this base. A name that is ignored because another one matches is how half of a model stays untrained unnoticed.',
    'Write the role that is suggested. `docs/models.md` lists the roles of every model, `peft plan FILE` what each selector matched.',
  ),
  explain(
    'PEFT0402',
    'a name of the checkpoint that nothing has',
    'A text in a selector is compared with the names of modules in the checkpoint, from the beginning and up to a dot; `*` stands for anything between dots, `**` for anything. This one fits none.',
    'Write the pattern that is suggested, or a role, which is the same for all models.',
  ),
  explain(
    'PEFT0403',
    'a selector that means nothing',
    'Each part of the selector matches, but together they leave no module.',
    'Take the exception or the intersection out, or make it smaller.',
  ),
  explain(
    'PEFT0404',
    'an index that is not there',
    'Layers count from 0, both ends of a range are included, and this base has fewer, or the name has no index at all.',
    'Write a range within the one that the message names: `layers[0..11]`.',
  ),
  explain(
    'PEFT0405',
    'a method on modules that it does not act on',
    'A method says which kind of module it is for, and the selector matches none of that kind.',
    'Select other modules, or choose a method for these; `docs/adapters.md` says what each acts on.',
  ),
  explain(
    'PEFT0406',
    'a module that is both adapted and trained in full',
    'If the whole weight is trained, what an adapter adds to it is redundant, and the saved adapter would not hold the change.',
    'Choose one of the two, or write `except` in one of the selectors.',
  ),
  explain(
    'PEFT0407',
    'nothing is trained',
    'The experiment has neither `adapt` nor `train`: the run would only measure.',
    'Write `adapt SELECTOR with METHOD`, `train SELECTOR`, or both.',
  ),
  explain(
    'PEFT0408',
    'a new head that is not trained',
    'The checkpoint need not have this part: it may be newly made, from random numbers. If it is frozen as well, the model answers at random however long the rest is trained.',
    'Write `train head`.',
    'warning',
  ),
  explain(
    'PEFT0409',
    'a shared tensor with two shapes',
    'The method has one tensor for all its sites, and two sites would give it different shapes.',
    'Give every site the same arguments, or adapt modules of one size.',
  ),
  explain(
    'PEFT0410',
    'a method that finds nothing to train',
    'The modules that are matched have no tensor that this method trains, such as a bias where there is none.',
    'Select modules that have one.',
  ),
  explain(
    'PEFT0411',
    'a format on modules whose weights it cannot hold',
    'A format says which kind of module’s weight it holds; formats without that are for the state of optimisers.',
    'Select modules of that kind, or choose another format.',
  ),
  explain(
    'PEFT0412',
    'a format on what is trained in full',
    'Weights in fewer bits are frozen: a step of training is smaller than the distance between two of their values. What is trained in full stays in f32. Where nothing is left of the statement, this is an error.',
    'Write `except` and the role of what is trained.',
    'warning',
  ),
  explain(
    'PEFT0413',
    'a quantised tensor that is to be trained',
    'The base itself stores this weight in fewer bits, and it cannot be trained so.',
    'Use a base that stores it as floats, or adapt it instead.',
  ),
  explain(
    'PEFT0414',
    'a base in a format that is not known',
    'A weight of the checkpoint is stored in a format that no definition here reads.',
    'Use the base in one of the formats that the message lists, or as floats.',
  ),
  explain(
    'PEFT0415',
    'a weight that would be quantised twice',
    'The base stores the weight in one format, and the experiment asks for another. Quantising it again would add a second error on top of the first.',
    'Leave the statement out, or write the format that the base has.',
  ),
  explain(
    'PEFT0501',
    'a key that config.json lacks',
    'The model needs this number, and has no default for it. It is asked before a weight is read.',
    'Use the `config.json` that belongs to the checkpoint, or give the value with `with (key: value)`.',
  ),
  explain(
    'PEFT0502',
    'a value in config.json of the wrong type',
    'The model declares a type for the key, and the file has another.',
    'Correct the file, or override the key with `with (key: value)`.',
  ),
  explain(
    'PEFT0503',
    'a task that the model cannot do',
    'A model says how it does each task; a decoder does not fill masks, an encoder does not continue texts.',
    'Choose a task of the list, or another model; see the table in `docs/models.md`.',
  ),
  explain(
    'PEFT0504',
    'a model for another kind of checkpoint',
    '`model_type` in `config.json` says which architecture the weights belong to. With another one, names and shapes would not fit.',
    'Write the model that is suggested.',
  ),
  explain(
    'PEFT0505',
    'a base that cannot be read',
    'The folder does not exist, has no `config.json` or no weights, or its files are damaged.',
    'Correct the path, which starts at the folder of the `.peft` file, or download the base again.',
  ),
  explain(
    'PEFT0506',
    'a tensor of another shape than the configuration says',
    'The header of the checkpoint and `config.json` contradict each other. They are of different models, or the vocabulary was resized in one of them only.',
    'Use a `config.json` and weights that belong together.',
  ),
  explain(
    'PEFT0507',
    'a tensor of a type that is not supported',
    'Weights are read as 32-bit and 16-bit floats, and in the formats of quantised checkpoints; this tensor is stored as something else.',
    'Convert the base to one of the types that the message lists.',
  ),
  explain(
    'PEFT0508',
    'tensors that the checkpoint lacks',
    'The model needs them and may not make them anew: only heads may be new. Mostly the checkpoint is of another architecture, or a shard is missing.',
    'Compare the name with the nearest one that the message gives, and use the checkpoint that belongs to the model.',
  ),
  explain(
    'PEFT0509',
    'a base without a tokenizer',
    'Texts are cut into the tokens that the base was trained with; there is no other right way.',
    'Put `tokenizer.json` (the fast form) beside the weights.',
  ),
];
