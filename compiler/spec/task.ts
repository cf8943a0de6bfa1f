/**
 * @file The batch of a task: what one batch holds and from which column it is made. The recipes are what the runtime's data
 * pipeline can make; the task only names them.
 */
import type { Definition, Expr, Member } from '../../grammar/ast.js';
import type { Elaboration } from '../elaborate/elaboration.js';
import { evaluate } from '../elaborate/evaluate.js';
import { suggest } from '../elaborate/nearest.js';
import { scopeOf } from '../elaborate/scope.js';
import { stop } from '../elaborate/stop.js';
import { describe } from '../elaborate/value.js';
import type { BoundDefinition } from '../elaborate/instance.js';

/** Recipes of the data pipeline, and the axes of what they make: b rows, t tokens. */
export const recipes = {
  /** Token ids of a text column, padded. */
  tokens: ['b', 't'],
  /** 1 where a token is, 0 where padding is. */
  token_mask: ['b', 't'],
  /** Token ids to predict; -100 where padding is. */
  targets: ['b', 't'],
  /** A class from 0 on; -100 in rows that only fill the batch. */
  class: ['b'],
  /** A class from 0 on for the first token of each word; -100 on every other token. */
  tags: ['b', 't'],
  /** A real number; 0 in rows that only fill the batch. */
  number: ['b'],
} as const satisfies Record<string, readonly ('b' | 't')[]>;
/** The name of a recipe. */
export type Recipe = keyof typeof recipes;

/** Element type of what a recipe makes. */
export const recipeType = (recipe: Recipe): 'f32' | 'i32' => (recipe === 'number' ? 'f32' : 'i32');

// Recipes that read texts, that have a number of classes, and that need to know whose words they belong to.
const textual: readonly Recipe[] = ['tokens', 'token_mask', 'targets'];
const classified: readonly Recipe[] = ['class', 'tags'];
const wordwise: readonly Recipe[] = ['tags'];

/** One field of a batch. */
export interface BatchField {
  readonly name: string;
  readonly recipe: Recipe;
  /** The column field of `data` it is made from. */
  readonly column?: string;
  /** Number of classes, for `class` and `tags`. */
  readonly classes?: number;
}

/** The fields of a task's `batch { … }`. */
export function batchRecipe(e: Elaboration, task: BoundDefinition): BatchField[] {
  const members = task.definition.body.kind === 'block' ? task.definition.body.members : [];
  const section = members.find((m): m is Extract<Member, { kind: 'section' }> => m.kind === 'section' && m.section.name.text === 'batch');
  if (section === undefined) return stop('PEFT0236', task.definition.name.span, `task ${task.definition.name.text} has no batch { … }`);
  const scope = scopeOf(task.args, task.scope);
  const fields = section.section.fields.map((field): BatchField => {
    const { value } = field;
    if (value.kind !== 'call' || value.callee.kind !== 'name')
      return stop('PEFT0237', value.span, 'a field of a batch is a recipe such as tokens(text)');
    const recipe = value.callee.name;
    if (!Object.hasOwn(recipes, recipe)) {
      return stop(
        'PEFT0237',
        value.callee.span,
        `${recipe} is not a recipe`,
        suggest(recipe, value.callee.span, Object.keys(recipes), 'recipes are'),
      );
    }
    const column =
      columnName(value.args[0]?.value) ?? stop('PEFT0237', value.span, `${recipe} needs the name of a column: ${recipe}(label)`);
    const second = value.args[1] === undefined ? undefined : evaluate(e, value.args[1].value, scope);
    if (second !== undefined && second.kind !== 'number')
      return stop('PEFT0205', value.span, `a number is needed here, not ${describe(second)}`);
    const made = recipe as Recipe;
    if (second === undefined && classified.includes(made))
      return stop('PEFT0237', value.span, `${made} needs the number of classes: ${made}(${column}, labels)`);
    return { name: field.name.text, recipe: made, column, ...(second === undefined ? {} : { classes: second.value }) };
  });
  const texts = new Set(fields.filter((f) => textual.includes(f.recipe)).map((f) => f.column));
  if (texts.size !== 1 && fields.some((f) => wordwise.includes(f.recipe))) {
    return stop('PEFT0237', section.section.name.span, `tags belong to the words of one text column, and this batch reads ${texts.size}`);
  }
  return fields;
}

/** The metrics a task asks for. */
export function metricsOf(task: Definition): string[] {
  const members = task.body.kind === 'block' ? task.body.members : [];
  return members.flatMap((m) =>
    m.kind === 'section' && m.section.name.text === 'metrics'
      ? m.section.fields.flatMap((f) => (f.value.kind === 'bool' && f.value.value ? [f.name.text] : []))
      : [],
  );
}

const columnName = (expr: Expr | undefined): string | undefined => (expr?.kind === 'name' ? expr.name : undefined);
