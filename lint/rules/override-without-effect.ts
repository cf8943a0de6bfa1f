/**
 * @file PEFT1305: with (…) sets a key of the configuration to what it is already.
 */
import { canonical } from '../../compiler/spec/spec.js';
import type { Fix } from '../../grammar/diagnostics.js';
import { listWithout, sameValue } from '../written-values.js';
import type { ExperimentContext } from '../rule.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1305',
  name: 'override-without-effect',
  level: 'info',
  on: 'experiment',
  summary: 'with (…) sets a key of the configuration to what it is already',
  why: 'A setting that changes nothing hides those that do, and stays when the base is another one. Settings that were read by nothing were among the hardest faults to find elsewhere (axolotl issue 3546).',
  bad: {
    text: experiment({ base: 'base bert from "models/bert" with (hidden_size: 8, hidden_dropout_prob: 0%) for classify(labels: 2)' }),
  },
  good: { text: experiment({ base: 'base bert from "models/bert" with (hidden_dropout_prob: 0%) for classify(labels: 2)' }) },
  check: (c) => {
    const redundant = redundantIn(c);
    const fix = fixOf(c, redundant);
    return (c.statements.base?.overrides ?? []).flatMap((argument) =>
      redundant.has(argument.name?.text ?? '')
        ? [
            {
              span: argument.span,
              message: `${argument.name?.text ?? ''} is ${c.text.slice(argument.value.span.start, argument.value.span.end)} already`,
              help: 'take it out',
              ...(fix === undefined ? {} : { fix }),
            },
          ]
        : [],
    );
  },
};

/** Settings that the configuration has, or that the model has where the configuration says nothing. */
function redundantIn({ statements, resolved }: ExperimentContext): ReadonlySet<string> {
  const { config } = resolved.base;
  const { overrides } = resolved.spec.base;
  return new Set(
    (statements.base?.overrides ?? []).flatMap(({ name, value }) => {
      if (name === undefined) return [];
      const [told, set] = [config[name.text], overrides[name.text]];
      if (told !== undefined) return set !== undefined && canonical(told) === canonical(set) ? [name.text] : [];
      const usual = resolved.model.definition.params.find((p) => p.name.text === name.text)?.default;
      return usual !== undefined && sameValue(usual, value) ? [name.text] : [];
    }),
  );
}

/** One edit for all of them; undefined where comments stand among them. */
function fixOf({ statements, text }: ExperimentContext, redundant: ReadonlySet<string>): Fix | undefined {
  const { base } = statements;
  if (base === undefined) return undefined;
  const stays = (i: number): boolean => !redundant.has(base.overrides[i]?.name?.text ?? '');
  const edit = listWithout(
    text,
    base.overrides.map((o) => o.span),
    stays,
  );
  if (edit === undefined || edit.text !== '') return edit && { title: 'take out what changes nothing', edits: [edit] };
  const before = /\s*\bwith\s*\(\s*$/.exec(text.slice(0, edit.span.start));
  const after = /^\s*,?\s*\)/.exec(text.slice(edit.span.end));
  return before === null || after === null
    ? undefined
    : {
        title: 'take with (…) out',
        edits: [{ span: { ...edit.span, start: before.index, end: edit.span.end + after[0].length }, text: '' }],
      };
}
