/**
 * @file Formats by themselves: a format and a weight become the tensors that hold it, the graph that makes them of the weight, and the
 * one that makes the weight of them.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { createGraph } from '../graph/builder.js';
import type { Graph, NodeId, Output } from '../graph/graph.js';
import { createElaboration } from './elaboration.js';
import { requireHolds } from './evaluate.js';
import type { BoundDefinition, ModuleInstance, StorageInstance } from './instance.js';
import { evaluateMember, memberNames, once } from './members.js';
import { lazyScope, scopeOf, type Scope } from './scope.js';
import { holds, keysOf, shapeOfStorage } from './storage.js';
import { stop, told, unread } from './stop.js';
import { describe, integer, type Value } from './value.js';
import {
  blockSizeName,
  count,
  decodedWeight,
  formatNames,
  encodedParts,
  given,
  membersOf,
  type FormatInstance,
  type FormatPart,
} from './format.js';

/** A format on a weight: its sizes worked out, its rules checked. What does not hold is told at `at`. */
export function instantiateFormat(
  bound: BoundDefinition,
  site: ModuleInstance | undefined,
  weight: StorageInstance,
  at: Span,
): FormatInstance {
  const { definition } = bound;
  const e = createElaboration(undefined, { training: false });
  const members = membersOf(definition);
  const names = given(definition, bound.args, site, weight);
  const owner = {};
  const scope: Scope = lazyScope(
    [...memberNames(members), 'blocks'],
    (name) =>
      once(e, owner, name, definition.name.span, () => (name === 'blocks' ? integer(blocks()) : evaluateMember(e, members, name, scope))),
    scopeOf(names, bound.scope),
  );
  const blockSize = (): number => {
    const value = scope.lookup(blockSizeName);
    return value?.kind === 'number' && Number.isInteger(value.value) && value.value >= 1
      ? value.value
      : stop(
          'PEFT0260',
          definition.name.span,
          `${blockSizeName} of a format is a whole number of at least 1, not ${value ? describe(value) : 'left out'}`,
        );
  };
  const blocks = (): number => Math.ceil(count(weight.shape) / blockSize());
  const name = weight.keys[0] as string;
  return told(at, () => {
    const parts: FormatPart[] = [];
    for (const m of members) {
      if (m.kind === 'require') requireHolds(e, m, scope);
      if (m.kind === 'error') unread(m.span);
      if (m.kind !== 'storage' || (m.when !== undefined && !holds(e, m.when, scope))) continue;
      if (m.init === undefined)
        return stop('PEFT0232', m.span, `${m.name.text} needs a value`, { help: `write frozen ${m.name.text}: [${formatNames[1]}] = …` });
      const part = keysOf(m, '')[0] as string;
      if (parts.some((p) => p.part === part)) stop('PEFT0102', m.span, `two tensors of this format are named ${part}`);
      parts.push({ name: m.name.text, part, tensor: `${name}/${part}`, ...shapeOfStorage(e, m, scope), value: m.init });
    }
    return { definition, params: bound.args, globals: bound.scope, site, weight, blocks: blocks(), blockSize: blockSize(), parts };
  }, [{ message: `the weight is ${name}` }]);
}

/** Names in the graphs of a format by itself. */
export const blocksInput = 'x';

/** What makes the stored tensors of the blocks `x`: one value for each part, by its name. */
export function encodeGraph(f: FormatInstance): Graph {
  const g = createGraph();
  const x = g.add('input', [], { name: blocksInput, shape: [f.blocks, f.blockSize], dtype: 'f32' });
  const parts = encodedParts(createElaboration(g, { training: false }), f, x);
  return g.finish(f.parts.map((p): Output => ({ name: p.part, node: parts.get(p.part) as NodeId, mode: 'value' })));
}

/** What a weight is in terms of its stored tensors: the value `weight`. */
export function decodeGraph(f: FormatInstance): Graph {
  const g = createGraph();
  const value = decodedWeight(createElaboration(g, { training: false }), f, f.definition.name.span);
  return g.finish([{ name: 'weight', node: (value as Extract<Value, { kind: 'tensor' }>).node, mode: 'value' }]);
}
