/**
 * @file PEFT1004: a broad selector reaches the head with an adapter.
 */
import type { Selector } from '../../grammar/ast.js';
import type { ModuleInstance } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { Finding, Rule } from '../rule.js';
import { firstOf, isHead, isNew, leaves, selectorOf } from '../sites.js';

const data = 'train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"  max_length: 16 tokens';

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1004',
  name: 'head-adapted',
  level: 'warning',
  on: 'experiment',
  summary: 'a selector that does not name the head puts an adapter on it',
  why: 'The output layer has a row for each token, so an adapter on it costs more than those of several layers, is often not read by other software, and is rarely meant. PEFT leaves it out of `all-linear`, and broad names that reach it all the same are a class of reports (PEFT issues 2027 and 2390).',
  bad: {
    text: experiment({ base: 'base llama from "models/llama" for causal()', data, targets: 'adapt linears with lora(rank: 2, alpha: 4)' }),
  },
  good: {
    text: experiment({
      base: 'base llama from "models/llama" for causal()',
      data,
      targets: 'adapt linears except head with lora(rank: 2, alpha: 4)',
    }),
  },
  check: (c) =>
    c.resolved.matches.flatMap((match): Finding[] => {
      const selector = selectorOf(c, match);
      if (match.text !== 'adapt' || selector === undefined) return [];
      const heads = match.modules.filter(
        (m) => isHead(m) && !isNew(c, m) && c.resolved.adapters.get(m)?.definition.name.text === match.method && !isNamed(selector, m),
      );
      if (heads.length === 0) return [];
      return [
        {
          span: selector.span,
          message: `this selector reaches ${firstOf(heads)}, which belongs to the head`,
          help: 'write except head',
        },
      ];
    }),
};

/** Whether a part of a selector says that the head is meant. */
const isNamed = (selector: Selector, module: ModuleInstance): boolean =>
  leaves(selector).some((part) => {
    if (part.kind === 'select-glob') return module.path.startsWith(part.pattern.replace(/\*.*/s, '')) && !part.pattern.startsWith('*');
    return part.kind === 'select-path' && part.steps.some((s) => s.names.some((n) => module.roles.some((r) => r[0]?.name === n.text)));
  });
