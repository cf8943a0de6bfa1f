/**
 * @file PEFT1001: a selector reaches a role in some layers and not in others.
 */
import type { Selector } from '../../grammar/ast.js';
import { allModules, type ModuleInstance, type RolePart } from '../../compiler/elaborate/instance.js';
import { experiment } from '../example.js';
import type { ExperimentContext, Finding, Rule } from '../rule.js';
import { leaves, selectorOf } from '../sites.js';

const uneven = `module short_layer(hidden: Int, valued: Bool) {
  part query = linear(hidden, hidden) as "query" role attention.query
  part value = linear(hidden, hidden) as "value" role attention.value if valued
  forward(x: [b, t, hidden]): [b, t, hidden] = if valued then value(query(x)) else query(x)
}

/// Only the first layer has values of its own.
model short(vocab_size: Int, hidden_size: Int, num_hidden_layers: Int) {
  part words = embedding(vocab_size, hidden_size) as "words" role embeddings.word
  part layers[i < num_hidden_layers] = short_layer(hidden_size, i == 0) as "layer.{i}" role layers
  task classify {
    part classifier = linear(hidden_size, labels) as "classifier" role head fresh
    logits = classifier(encode(ids, mask)[:, 0])
  }
  encode(ids: Int[b, t], mask: Int[b, t]): [b, t, hidden_size] {
    let x = words(ids)
    for layer in layers { x = layer(x) }
    x
  }
}`;

/** The rule. */
export const rule: Rule = {
  code: 'PEFT1001',
  name: 'uneven-coverage',
  level: 'warning',
  on: 'experiment',
  summary: 'a selector reaches a role in some layers and not in others',
  why: 'Some bases share or leave out projections in a part of their layers. A list of names then covers less than it seems to: in Gemma 4 `v_proj` is absent from 5 of 30 layers (PEFT issue 3658), and the defaults for Nemotron-H reach 7 % of the layers (PEFT issue 3554). Name the layers that you mean, or take a role that every layer has.',
  bad: {
    text: experiment({
      before: uneven,
      base: 'base short from scratch("models/bert") for classify(labels: 2)',
      targets: 'adapt attention.value with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  good: {
    text: experiment({
      before: uneven,
      base: 'base short from scratch("models/bert") for classify(labels: 2)',
      targets: 'adapt layers[0].attention.value with lora(rank: 2, alpha: 4)\ntrain head',
    }),
  },
  check: (c) =>
    c.resolved.matches.flatMap((match): Finding[] => {
      const selector = selectorOf(c, match);
      if (match.text === 'quantize' || selector === undefined || leaves(selector).some(hasIndices)) return [];
      const [first, ...more] = partly(c, selector, match.modules);
      if (first === undefined) return [];
      const { role, container, reached, of } = first;
      return [
        {
          span: selector.span,
          message: `${role} is reached in ${reached.size} of ${of.length} ${container}`,
          notes: [
            { message: `not in ${container}[${of.filter((i) => !reached.has(i)).join(', ')}]` },
            ...(more.length === 0 ? [] : [{ message: `the same holds for ${more.map((m) => m.role).join(', ')}` }]),
          ],
          help: `write ${container}[${[...reached].join(', ')}] where these are meant, or a role that all of them have`,
        },
      ];
    }),
};

/** Whether a part of a selector says itself which layers it means. */
function hasIndices(part: Selector): boolean {
  if (part.kind === 'select-glob') return /\d/.test(part.pattern);
  return part.kind === 'select-path' && part.steps.some((s) => s.indices !== undefined);
}

interface Partly {
  readonly role: string;
  readonly container: string;
  readonly reached: Set<number>;
  readonly of: readonly number[];
}

/** Roles that the selector names and that are reached in a part of their container only. */
function partly({ resolved }: ExperimentContext, selector: Selector, modules: readonly ModuleInstance[]): Partly[] {
  const indices = new Map<string, Set<number>>();
  for (const { container, index } of allModules(resolved.model).flatMap(indexed))
    indices.set(container, (indices.get(container) ?? new Set()).add(index));
  const found = new Map<string, Partly>();
  for (const { container, index, inside } of modules.flatMap(indexed)) {
    if (!isNamed(selector, inside)) continue;
    const role = inside.map((p) => p.name).join('.');
    const key = `${container}.${role}`;
    if (!found.has(key)) found.set(key, { role, container, reached: new Set(), of: [...(indices.get(container) ?? [])] });
    found.get(key)?.reached.add(index);
  }
  return [...found.values()].filter((p) => p.reached.size < p.of.length);
}

/** The places of a module inside indexed containers. */
const indexed = (module: ModuleInstance): { container: string; index: number; inside: readonly RolePart[] }[] =>
  module.roles.flatMap((role) => {
    const at = role.findIndex((p) => p.index !== undefined);
    const part = role[at];
    if (part?.index === undefined) return [];
    const before = role.slice(0, at).map((p) => `${p.name}.`);
    return [{ container: `${before.join('')}${part.name}`, index: part.index, inside: role.slice(at + 1) }];
  });

const isNamed = (selector: Selector, inside: readonly RolePart[]): boolean =>
  inside.length > 0 &&
  leaves(selector).some((part) => {
    if (part.kind === 'select-glob') return true;
    return part.kind === 'select-path' && part.steps.some((s) => s.names.some((n) => inside.some((p) => p.name === n.text)));
  });
