/**
 * @file Explanations of `PEFT00nn`: what a text must be to be read. Their titles stand with the codes, in the grammar.
 */
import { syntaxErrors } from '../../grammar/codes.js';
import { explain, type Explanation } from './explanation.js';

const of = (code: keyof typeof syntaxErrors, why: string, todo: string): Explanation => explain(code, syntaxErrors[code].title, why, todo);

/** Codes of the parser. */
export const syntaxExplanations: readonly Explanation[] = [
  of(
    'PEFT0001',
    'Every character outside strings and comments must begin a word, a number or a sign of the language. Habits of other languages end here: `;`, `#`, single quotes, `&&`; and so does a file that is saved in another encoding.',
    'Leave the character out, or write what stands for it here: `//` for a comment, double quotes for a text, `and`, `or` and `not`.',
  ),
  of(
    'PEFT0002',
    'A text ends on the line on which it begins. Without its closing quote everything behind it would be read as a part of it.',
    'Close it with `"`. A line break inside a text is written `\\n`, a quote `\\"`.',
  ),
  of(
    'PEFT0003',
    'Numbers are written in one way, so that none is read as another: `010` is 8 in some languages and 10 in others. A number that no 64-bit float can hold is refused as well.',
    'Leave leading zeros out, put `_` only between two digits, and write large or small numbers with an exponent: `2e-4`.',
  ),
  of(
    'PEFT0004',
    'A `\\` in a text begins one of five escapes. Anything else behind it, as in a path of Windows, would become another text than the one that is seen.',
    'Write `\\\\` for the sign itself, or `/` in paths. The escapes are `\\n`, `\\t`, `\\"`, `\\\\` and `\\u{…}`.',
  ),
  of(
    'PEFT0005',
    'After `=`, `:`, an operator or an opening bracket stands a value. Where the line ends instead, it was probably forgotten, and the parser does not guess one.',
    'Write the value. A word of the language (`if`, `none`, …) cannot be used as a name.',
  ),
  of(
    'PEFT0006',
    'The grammar needs a certain sign or word here, and found another. What stood before it is named in the message, and an opening bracket that is meant is shown.',
    'Write what was expected. If it stands there already, look at the end of the line before: a bracket or a comma may be missing there.',
  ),
  of(
    'PEFT0007',
    'A definition, a parameter, an import or a selector needs a name here. Words of the language such as `then` and `none` cannot be names.',
    'Write a name of letters, digits and `_` that does not begin with a digit.',
  ),
  of(
    'PEFT0008',
    'Every bracket that is opened must be closed. Where a `}` is missing, the parser takes the block to end where the indentation ends and goes on, so that what follows is still read as what it is.',
    'Close the bracket that is pointed at; the note says where its partner was expected.',
  ),
  of(
    'PEFT0009',
    'What stands here belongs to nothing: a closing bracket without its partner, a second value, or a word where a field `name: value` should be.',
    'Take it out, or write the sign that ties it to what stands before.',
  ),
  of(
    'PEFT0010',
    'Items, members and statements begin with one of a few words. An unknown one would otherwise have to be ignored, and an ignored line of a configuration is a setting that silently does nothing.',
    'Write the word that is suggested, or one of those that are listed.',
  ),
  of(
    'PEFT0011',
    '`0 < x < 1` compares a truth value with 1 in most languages. Here it is refused, so that nobody has to know which of the two is meant.',
    'Write `0 < x and x < 1`.',
  ),
  of(
    'PEFT0012',
    'Brackets, conditions and blocks may stand in each other only to a certain depth, which no text written by hand comes near. The limit keeps a broken or generated file from exhausting the stack.',
    'Give the inner parts names with `let`, and use these.',
  ),
  of(
    'PEFT0013',
    'After `:` in a list of parameters and after `|` stands a type: `Int`, `Float | none`, `[b, t, width]`.',
    'Write the type, or leave the `:` out: a parameter without a type takes every value.',
  ),
  of(
    'PEFT0014',
    'A role says what a part is called; how many there are of it is said by the part. With an index in both places they could differ.',
    'Give the index to the part: `part layers[i < n] = …`.',
  ),
  explain(
    'PEFT0015',
    'a part that could not be read',
    'An experiment or a definition needs a part of a file that has a syntax error. The error is told where it stands; this code only ends the check of what depends on it.',
    'Mend the syntax error.',
  ),
];
