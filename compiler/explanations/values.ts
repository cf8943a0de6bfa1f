/**
 * @file Explanations of `PEFT02nn` and `PEFT03nn`: values, types, units and calls; shapes.
 */
import { explain, type Explanation } from './explanation.js';

const calls: readonly Explanation[] = [
  explain(
    'PEFT0201',
    'a tensor where only numbers are known',
    'Fields of experiments, shapes and conditions are worked out before there is a graph. A tensor cannot be computed there.',
    'Use numbers, texts and lists here, or move the expression into a member that is computed on the device.',
  ),
  explain(
    'PEFT0202',
    'the effective weight used as a plain tensor',
    'The weight of an adapted site is what the method makes of it, and the compiler chooses the order in which it is computed. It can be multiplied by an activation from the left or have rows gathered, and nothing else, because anything else would force it to be stored.',
    'Write `x @ W.T`, or use the tensors of the adapter instead.',
  ),
  explain(
    'PEFT0203',
    'something else where a tensor is needed',
    'The operation works on tensors, and got a text, a function, a module or a record.',
    'Give it a tensor, a number, or a list of numbers.',
  ),
  explain(
    'PEFT0204',
    'a nested list that is no array',
    'A list of lists becomes a tensor only if all rows have the same length and the same depth.',
    'Write rows of one length.',
  ),
  explain(
    'PEFT0205',
    'something else where a number is needed',
    'An index, a factor or an argument must be a number that is known now.',
    'Write a number, without a unit and without quotes.',
  ),
  explain(
    'PEFT0206',
    'tensors compared with == or !=',
    'A comparison gives one truth value, and tensors would give one for each element.',
    'Write `equal(a, b)` or `less(a, b)`, which give 1 and 0 for each element.',
  ),
  explain(
    'PEFT0207',
    'in without a list',
    '`x in xs` asks whether a value is among those of a list.',
    'Write a list on the right: `kind in ["a", "b"]`.',
  ),
  explain(
    'PEFT0208',
    'an operator that cannot stand here',
    'The operator does not work on these values: `..` is for layer ranges and slices, and numbers of the running step have only arithmetic and comparisons.',
    'Write the value with other operators, or as a function.',
  ),
  explain(
    'PEFT0209',
    'an operator between values that do not go together',
    'Arithmetic works between numbers and tensors; `+` also joins two texts.',
    'Convert one side, or leave the operation out.',
  ),
  explain(
    'PEFT0210',
    'arithmetic between different units',
    'A sum of steps and tokens, or of bytes and a bare number, means nothing. Units are types, so that such a slip is found.',
    'Give both sides the same unit.',
  ),
  explain(
    'PEFT0211',
    'a result that is not a finite number',
    'The calculation overflows, divides by 0, or takes a function outside its domain. Training would begin with `inf` or `nan`.',
    'Look at the numbers that the message names, and guard the case with `if` or `max`.',
  ),
  explain(
    'PEFT0212',
    'something else where true or false is needed',
    '`and`, `or` and `not` work on truth values; no number and no text stands for one.',
    'Write a comparison: `n > 0`, `name != none`.',
  ),
  explain(
    'PEFT0213',
    'a unit that does not exist',
    'A word directly behind a number is its unit, and units are types.',
    'Write one of `%`, `steps`, `epochs`, `tokens`, `B`, `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`.',
  ),
  explain(
    'PEFT0214',
    'a condition that is neither true nor false',
    '`if` and `require` decide while the program is made, so their condition is one truth value. A choice by element is something else.',
    'Write a comparison, or `select(condition, a, b)` for elements of tensors.',
  ),
  explain(
    'PEFT0215',
    'a loop over something that is no list',
    'A loop runs over a list whose length is known, so that it always ends.',
    'Write a list, or `range(n)`.',
  ),
  explain(
    'PEFT0216',
    'a member or a body where it cannot stand',
    'A function body holds `let`, assignments, loops, `require` and its result; kinds of definition other than functions and schedules have a block `{ … }`.',
    'Move the member to where it belongs, or write the body as a block.',
  ),
  explain(
    'PEFT0217',
    'a body without a result, or a value that is not used',
    'The last line of a body is its result. A value on any line before is computed for nothing, and is mostly an assignment whose name was forgotten.',
    'End the body with the value, and write `let NAME =` before the others.',
  ),
  explain(
    'PEFT0218',
    'a rule that does not hold',
    'Definitions say with `require` what must hold for their numbers: that heads divide the width, that a rank is not above the size of the weight, that texts are not longer than the base has positions. It is asked before a weight is read.',
    'The message says which numbers do not go together, and the note where the rule stands. Change the value that is pointed at.',
  ),
  explain(
    'PEFT0219',
    'something that cannot be called',
    'Only functions, modules with a `forward`, and definitions can be called.',
    'Leave the parentheses out, or write the function that was meant.',
  ),
  explain(
    'PEFT0220',
    'a value of the wrong type',
    'Parameters and fields have types, and units are types: a share is `10%`, a duration is `100 steps` or `3 epochs`. A bare `0.1` for a warm-up is read as steps by one tool and as a share by another; here it is neither.',
    'Write a value of the type that the message names. Where only one can be meant, there is a fix.',
  ),
  explain(
    'PEFT0221',
    'a value outside its bounds',
    'A parameter may have bounds (`rank: Int >= 1`), which are checked where its value is written.',
    'Write a value within the bounds; the note shows where they are declared.',
  ),
  explain(
    'PEFT0222',
    'a function that calls itself',
    'The language has no recursion, directly or by way of others: every program ends, and every shape is known.',
    'Write a loop over `range(n)`.',
  ),
  explain(
    'PEFT0223',
    'more arguments than parameters',
    'There is no parameter left for this argument, or no parameter of the module for this name after `on`.',
    'Take it out; the message lists the parameters.',
  ),
  explain(
    'PEFT0224',
    'an argument that its callee does not have',
    'What is called has no parameter of this name. Names of options in other tools are often different ones.',
    'Write the parameter that is suggested, or one of those that are listed.',
  ),
  explain(
    'PEFT0225',
    'a field or an argument that is given twice',
    'Which of the two values counts would depend on their order.',
    'Take one of them out.',
  ),
  explain(
    'PEFT0226',
    'a field or an argument that is missing',
    'It has no default, because none would be right for most: the rate of an optimiser, the rows to train on, the columns that the task reads.',
    'Write it: `name: value`.',
  ),
  explain(
    'PEFT0227',
    'a member that does not exist',
    'The module or value has no part, tensor, function or parameter of this name.',
    'Write the member that is suggested.',
  ),
  explain(
    'PEFT0228',
    'an index outside a list or an axis',
    'The position is not there, or the range holds nothing. Positions count from 0; negative ones from the end.',
    'Write a position that the size in the message allows.',
  ),
  explain(
    'PEFT0229',
    'a value that is defined by itself',
    'Its definition needs its own value, directly or by way of others.',
    'Give one of them a value that does not depend on it.',
  ),
];

const definitions: readonly Explanation[] = [
  explain(
    'PEFT0230',
    'something else where whole numbers are needed',
    'Sizes, axes, shapes and counts are whole numbers, and a range has a limited length.',
    'Write a whole number, or a list of them.',
  ),
  explain(
    'PEFT0231',
    'a part or a kind that is no module',
    '`part` places a module, and `is` says which module a module also is.',
    'Write the call of a module: `linear(in, out)`.',
  ),
  explain(
    'PEFT0232',
    'a tensor without its shape or its value',
    'A stored tensor needs a complete shape; one that is computed when a file is written, or kept in a format, needs its value.',
    'Write `NAME: [rows, columns] = …`, with every axis.',
  ),
  explain(
    'PEFT0233',
    'an initial value that is none',
    'A tensor begins as a distribution, as a value computed from what is known, or as one of the host’s decompositions and draws.',
    'Write one of those that the message lists, such as `zeros()` or `normal(std: 0.02)`.',
  ),
  explain('PEFT0234', 'an override without a name', '`with (…)` changes keys of `config.json`, each by its name.', 'Write `key: value`.'),
  explain(
    'PEFT0235',
    'a member that cannot stand in this kind of definition',
    'Each kind of definition has members with a meaning; others would have none.',
    'Write what the help names. A value of your own begins with `let`.',
  ),
  explain(
    'PEFT0236',
    'a task without a batch',
    'A task must say what one batch of it holds and from which columns it is made.',
    'Write `batch { ids: tokens(text) … }`.',
  ),
  explain(
    'PEFT0237',
    'a field of a batch that cannot be made',
    'The data pipeline makes a batch by recipes from columns: tokens, masks, classes, tags, numbers. Tags need the one text column whose words they belong to.',
    'Write `RECIPE(column)`, with the number of classes where the recipe needs one.',
  ),
  explain(
    'PEFT0238',
    'a task without a loss or a weight',
    'Training needs a loss for each example or token, and the weight that says which of them count.',
    'Write `loss = …` and `weight = …`, of the same shape.',
  ),
  explain(
    'PEFT0239',
    'a state that cannot begin so',
    'The state of an optimiser begins as a number; state that is kept in fewer bits begins as 0.',
    'Write `state NAME = 0.0`.',
  ),
  explain(
    'PEFT0240',
    'an optimiser without a learning rate',
    'Schedules and factors on the rate of single tensors act on the parameter `lr`.',
    'Give the optimiser a parameter `lr: Float > 0`.',
  ),
  explain(
    'PEFT0241',
    'an optimiser without its update',
    'An optimiser is what it does to a tensor in one step.',
    'Write `update(p, g, step, rate) { … }`, which gives new values to `p` and the state.',
  ),
  explain(
    'PEFT0242',
    'a module inside itself',
    'A module that is a part or a kind of itself would never end.',
    'Take the part out, or place a number of equal parts: `part layers[i < n] = …`.',
  ),
  explain(
    'PEFT0244',
    'a type that does not exist',
    'Types are those of the table in `docs/language.md`; tensors are written with their axes.',
    'Write the type that is suggested.',
  ),
  explain(
    'PEFT0245',
    'a method or format that does not say what it acts on',
    'The compiler finds the sites of a method by the kind of module that stands behind `on`, and binds that module’s parameters to names.',
    'Write `on linear(in, out)` behind the parameters, with a module that exists.',
  ),
  explain(
    'PEFT0246',
    'a method that changes nothing',
    'None of its members changes what its site computes, so training it would change nothing. Mostly the member that should is misspelt.',
    'Write `delta`, `weight`, `delta_bias`, `branch` or `output`, or train a tensor of the site.',
  ),
  explain(
    'PEFT0247',
    'a member without a meaning',
    'In this kind of definition values, functions and sections have fixed names; any other would be ignored.',
    'Write the name that is suggested; a value of your own begins with `let`.',
  ),
  explain(
    'PEFT0249',
    'whole numbers that are trained',
    'Gradients are real numbers; a tensor of indices or codes cannot follow them.',
    'Declare the tensor as `frozen`.',
  ),
  explain(
    'PEFT0250',
    'a first value from a weight that is not stored',
    'Decompositions of the weight are made by the host from the tensor in the checkpoint, and this kind of module stores none.',
    'Choose another first value, or adapt modules that hold a weight.',
  ),
  explain(
    'PEFT0251',
    'a tensor of the site that does not exist',
    '`train NAME` without a shape trains a tensor that the site has already, and it has none of this name.',
    'Write one of its tensors, or `all`.',
  ),
  explain(
    'PEFT0252',
    'a factor on the rate of something that is not trained',
    '`rates { … }` gives tensors of the method factors on the learning rate.',
    'Name a tensor that is declared with `train`.',
  ),
  explain(
    'PEFT0253',
    'a replacement of something that does not exist',
    '`replace { … }` gives members of the site other values, and it has none of this name.',
    'Write the member that is suggested.',
  ),
  explain(
    'PEFT0260',
    'a format without its block size',
    'A format cuts the row of elements into blocks, and must say how many elements share one.',
    'Write `block_size = 64`, or an expression of known numbers.',
  ),
  explain(
    'PEFT0261',
    'a format that decodes from what it does not store',
    '`decode` runs inside every kernel that reads the weight. Only the stored tensors are there, not the elements that they were made of.',
    'Write `decode` in terms of the `frozen` tensors.',
  ),
  explain(
    'PEFT0262',
    'a format that does not say what a weight is',
    'Without `decode` nothing can read what the format stores.',
    'Write `decode = …`.',
  ),
];

const shapes: readonly Explanation[] = [
  explain(
    'PEFT0301',
    'shapes that do not fit together',
    'Elementwise operations need equal axes, or axes of 1, counted from the last.',
    'Reshape one side, or add an axis: `x[:, none]`.',
  ),
  explain(
    'PEFT0302',
    'a product or transpose of too few axes',
    'A matrix product and `.T` need at least two axes.',
    'Add one: `x[none, :]` is a row, `x[:, none]` a column.',
  ),
  explain(
    'PEFT0303',
    'a product whose inner sizes differ',
    'In `a @ b` the last axis of `a` is summed with the last but one of `b`.',
    'Transpose one of them (`.T`), or swap their order.',
  ),
  explain(
    'PEFT0304',
    'a tensor with another number of axes',
    'The parameter or result says how many axes the tensor has; `..` stands for any number of leading ones.',
    'Give a tensor of that rank, or write `..` in the type.',
  ),
  explain(
    'PEFT0305',
    'an axis or a count that is no size',
    'Axes and numbers of parts are whole numbers of at least 1, and there is a limit to how many parts a model has.',
    'Look at the expression that is pointed at, or at the configuration of the base that it comes from.',
  ),
  explain(
    'PEFT0306',
    'an axis of another size',
    'A name in a shape is bound by the first tensor that has it; every later one must agree.',
    'Compare the two tensors that the message names.',
  ),
  explain(
    'PEFT0307',
    'more indices than axes',
    'Each position and range takes one axis.',
    'Take one out; `none` adds an axis and takes none.',
  ),
  explain(
    'PEFT0308',
    'a member of another shape than its site needs',
    'What a method adds to a weight must have the shape of the weight; what it does to activations must keep their shape; a first value must have the shape of its tensor. This is worked out for every site before a weight is read.',
    'Transpose or reshape the value; the note names the site.',
  ),
  explain('PEFT0309', 'an axis outside a tensor', 'Axes count from 0, or from the end with -1.', 'Write an axis that the tensor has.'),
  explain(
    'PEFT0310',
    'a reshape or permutation that cannot be',
    'A reshape keeps the number of elements, and a permutation names every axis once.',
    'Write sizes with the same product, or every axis once.',
  ),
  explain(
    'PEFT0311',
    'a builtin function that cannot take this',
    'The arguments have types or shapes that the function does not work on.',
    'The message says which; see the list of builtin functions in `docs/language.md`.',
  ),
];

/** Codes of values, definitions and shapes. */
export const valueExplanations: readonly Explanation[] = [...calls, ...definitions, ...shapes];
