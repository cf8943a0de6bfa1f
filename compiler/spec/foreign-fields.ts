/**
 * @file What the reading and the writing of `adapter_config.json` share: the fields of `foreign { … }` and the words in them.
 */
import type { Definition, Member } from '../../grammar/ast.js';
import type { Json } from './spec.js';

type JsonObject = { readonly [key: string]: Json };

/** A field of a section of a definition. */
export type SectionField = {
  readonly name: string;
  readonly value: Extract<Member, { kind: 'section' }>['section']['fields'][number]['value'];
};

/** The fields of the section of that name; none where there is none. */
export const section = (d: Definition, name: string): readonly SectionField[] =>
  (d.body.kind === 'block' ? d.body.members : []).flatMap((m) =>
    m.kind === 'section' && m.section.name.text === name ? m.section.fields.map((f) => ({ name: f.name.text, value: f.value })) : [],
  );

/** Whether `any`, `one_of(a, b)` or a value accepts what `equal` compares with. */
export const accepts = (expr: SectionField['value'], equal: (expr: SectionField['value']) => boolean): boolean =>
  (expr.kind === 'name' && expr.name === 'any') ||
  (expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === 'one_of'
    ? expr.args.some((a) => equal(a.value))
    : equal(expr));

/** What stands in `patterns(…)` or `modules(…)`. */
export const argumentOf = (word: string, expr: SectionField['value']): SectionField['value'] | undefined =>
  expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === word ? expr.args[0]?.value : undefined;

/** The parameter in `patterns(parameter)` or `modules(parameter)`. */
export const parameterOf = (word: string, expr: SectionField['value']): string | undefined => {
  const argument = argumentOf(word, expr);
  return argument?.kind === 'name' ? argument.name : undefined;
};

/** Whether a value says that a key is not used. */
export const isEmpty = (v: Json): boolean =>
  v === null || v === false || (Array.isArray(v) ? v.length === 0 : typeof v === 'object' && Object.keys(v as JsonObject).length === 0);

/** Whether the path of a module, or of one around it, ends with a name; PEFT does not ask for a whole step there. */
export const stands = (path: string, name: string): boolean =>
  path.split('.').some((_, i, steps) =>
    steps
      .slice(0, i + 1)
      .join('.')
      .endsWith(name),
  );
