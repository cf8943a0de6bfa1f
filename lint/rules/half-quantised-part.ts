/**
 * @file PEFT1410: some weights of one part of a layer are kept in fewer bits and others are not.
 */
import { allModules, showRole, type ModuleInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { Rule } from '../rule.js';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1410',
  name: 'half-quantised-part',
  level: 'info',
  on: 'experiment',
  summary: 'some weights of one part of a layer are kept in fewer bits and others are not',
  why: 'The projections of one attention block are read by the same kernels one after the other. Where one of them is left in f32 it is mostly a name that was forgotten in a selector (PEFT issue 3658 is such a case), and the memory is not saved.',
  bad: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize attention.{query, key, value} + mlp as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  good: {
    text: experiment({
      imports: 'import std.adapters.lora\nimport std.formats.nf4',
      targets: 'quantize attention + mlp as nf4\nadapt attention with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) => {
    const statement = c.statements.formats.at(-1);
    if (statement === undefined) return [];
    const sites = new Map([...c.resolved.formats.values()].flatMap((f) => (f.site === undefined ? [] : [[f.site, f] as const])));
    const kinds = new Set([...sites.values()].map((f) => f.definition.on?.name.text));
    const parts = new Map<string, ModuleInstance[]>();
    for (const m of allModules(c.resolved.model)) {
      const role = m.roles[0] ?? [];
      if (
        role.length < 2 ||
        c.resolved.trained.has(m) ||
        (c.resolved.adapters.get(m)?.own.length ?? 0) > 0 ||
        !m.kinds.some((k) => kinds.has(k.name))
      )
        continue;
      const part = showRole(role.slice(0, -1));
      parts.set(part, [...(parts.get(part) ?? []), m]);
    }
    const uneven = [...parts].filter(([, modules]) => new Set(modules.map((m) => sites.has(m))).size === 2);
    const [first] = uneven;
    const left = first?.[1].filter((m) => !sites.has(m)).map((m) => m.roles[0]?.at(-1)?.name);
    return first === undefined
      ? []
      : [
          {
            span: statement.selector.span,
            message: `${left?.join(', ')} of ${first[0]} ${left?.length === 1 ? 'stays' : 'stay'} in f32, unlike the rest of it${uneven.length > 1 ? `, and so in ${uneven.length - 1} more` : ''}`,
            help: 'name all of it, or none',
          },
        ];
  },
};
