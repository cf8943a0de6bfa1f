/**
 * @file Formats: how a weight stands in memory in fewer bits. A format definition says in how many elements a block has, which tensors
 * hold a weight (`frozen` members, each with the formula that makes it), and what a weight is in terms of those (`decode`).
 *
 * The weight is taken as one row of numbers, cut into blocks that may run over the ends of its rows; the last block is filled up
 * with zeros. In the formulas of the tensors that is `x`, of shape [blocks, block_size].
 */
import type { Definition, Member } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import { createGraph } from '../graph/builder.js';
import type { Graph, NodeId, Output } from '../graph/graph.js';
import { createElaboration, type Elaboration } from './elaboration.js';
import { evaluate, requireHolds } from './evaluate.js';
import type { BoundDefinition, ModuleInstance, StorageInstance } from './instance.js';
import { evaluateMember, memberNames, once } from './members.js';
import { lazyScope, scopeOf, type Scope } from './scope.js';
import { holds, keysOf, shapeOfStorage } from './storage.js';
import { stop, told } from './stop.js';
import { graphOf, shapeOf, showShape, toNode } from './tensors.js';
import { describe, integer, type Value } from './value.js';
import type { Expr } from '../../grammar/ast.js';

/** One of the tensors that hold a weight. */
export interface FormatPart {
  /** Name in the definition. */
  readonly name: string;
  /** Name in files; also the end of the tensor's name in graphs. */
  readonly part: string;
  /** Name in graphs: that of the weight and the part. */
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
  readonly value: Expr;
}

/** A format on one weight. */
export interface FormatInstance {
  readonly definition: Definition;
  readonly params: ReadonlyMap<string, Value>;
  readonly globals: Scope;
  /** The module whose weight it is. */
  readonly site: ModuleInstance;
  /** The weight. */
  readonly weight: StorageInstance;
  readonly blocks: number;
  readonly blockSize: number;
  readonly parts: readonly FormatPart[];
}

/** The member that says how many elements share a block, and the one that says what a weight is. */
const blockSizeName = 'block_size';
const decodeName = 'decode';
/** What a block is called in the formulas that make the tensors. */
const elementsName = 'x';

const membersOf = (d: Definition): readonly Member[] => (d.body.kind === 'block' ? d.body.members : []);
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Names that every format is given, beside those of the module it acts on. */
export const formatNames = [elementsName, 'blocks', 'rows', 'columns', 'size'] as const;

/** Names given without evaluating anything: the sizes of the weight, the parameters of its module, and the format's own. */
function given(definition: Definition, params: ReadonlyMap<string, Value>, site: ModuleInstance, weight: StorageInstance): Map<string, Value> {
  const kind = site.kinds.find((k) => k.name === definition.on?.name.text);
  const size = count(weight.shape);
  const rows = weight.shape[0] ?? 1;
  return new Map<string, Value>([
    ['rows', integer(rows)],
    ['columns', integer(size / rows)],
    ['size', integer(size)],
    ...(definition.on?.binds ?? []).flatMap((name, i): [string, Value][] =>
      kind?.args[i] === undefined ? [] : [[name.text, kind.args[i] as Value]],
    ),
    ...params,
  ]);
}

/** A format on a weight: its sizes worked out, its rules checked. What does not hold is told at `at`. */
export function instantiateFormat(bound: BoundDefinition, site: ModuleInstance, weight: StorageInstance, at: Span): FormatInstance {
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
      : stop('PEFT0260', definition.name.span, `${blockSizeName} of a format is a whole number of at least 1, not ${value ? describe(value) : 'left out'}`);
  };
  const blocks = (): number => Math.ceil(count(weight.shape) / blockSize());
  const name = weight.keys[0] as string;
  return told(
    at,
    () => {
      const parts: FormatPart[] = [];
      for (const m of members) {
        if (m.kind === 'require') requireHolds(e, m, scope);
        if (m.kind === 'error') stop('PEFT0001', m.span, 'this part could not be read');
        if (m.kind !== 'storage' || (m.when !== undefined && !holds(e, m.when, scope))) continue;
        if (m.init === undefined)
          return stop('PEFT0232', m.span, `${m.name.text} needs a value`, { help: `write frozen ${m.name.text}: [${formatNames[1]}] = …` });
        const part = keysOf(m, '')[0] as string;
        if (parts.some((p) => p.part === part)) stop('PEFT0102', m.span, `two tensors of this format are named ${part}`);
        parts.push({ name: m.name.text, part, tensor: `${name}/${part}`, ...shapeOfStorage(e, m, scope), value: m.init });
      }
      return { definition, params: bound.args, globals: bound.scope, site, weight, blocks: blocks(), blockSize: blockSize(), parts };
    },
    [{ message: `the weight is ${name}` }],
  );
}

/** The scope of a format while tensors are computed. `part` gives one of its tensors, `x` the blocks where they are known. */
function formatScope(e: Elaboration, f: FormatInstance, part: (p: FormatPart) => Value, x: (() => Value) | undefined): Scope {
  const members = membersOf(f.definition);
  const names = new Map([...given(f.definition, f.params, f.site, f.weight), ['blocks', integer(f.blocks)] as const]);
  const owner = {};
  const scope: Scope = lazyScope(
    [...memberNames(members), ...f.parts.map((p) => p.name), elementsName],
    (name) =>
      once(e, owner, name, f.definition.name.span, () => {
        if (name === elementsName)
          return x?.() ?? stop('PEFT0261', f.definition.name.span, `${decodeName} cannot use ${elementsName}: it is made of the stored tensors`);
        const own = f.parts.find((p) => p.name === name);
        return own === undefined ? evaluateMember(e, members, name, scope) : part(own);
      }),
    scopeOf(names, f.globals),
  );
  return scope;
}

/** The weight as a node, made of the stored tensors; `bytes` of it are never stored. */
export function decodedWeight(e: Elaboration, f: FormatInstance, span: Span): Value {
  const found = once(e, f, decodeName, span, () => {
    const g = graphOf(e, span);
    const scope = formatScope(
      e,
      f,
      (p) => ({ kind: 'tensor', node: g.add('tensor', [], { name: p.tensor, shape: p.shape, dtype: p.dtype }) }),
      undefined,
    );
    const value = scope.lookup(decodeName);
    if (value === undefined) return stop('PEFT0262', f.definition.name.span, `format ${f.definition.name.text} has no ${decodeName}`);
    const node = toNode(e, value, f.definition.name.span);
    const elements = count(shapeOf(g, node));
    if (elements < count(f.weight.shape))
      return stop(
        'PEFT0308',
        f.definition.name.span,
        `${decodeName} of ${f.definition.name.text} has shape ${showShape(shapeOf(g, node))}, which is not ${f.blocks} blocks of ${f.blockSize}`,
      );
    const flat = g.add('reshape', [node], { shape: [elements] });
    return { kind: 'tensor', node: g.add('decoded', [flat], { shape: f.weight.shape }) };
  });
  return found as Value;
}

/** Names in the graphs of a format by itself. */
export const blocksInput = 'x';

/** What makes the stored tensors of the blocks `x`: one value for each part, by its name. */
export function encodeGraph(f: FormatInstance): Graph {
  const g = createGraph();
  const e = createElaboration(g, { training: false });
  const outputs: Output[] = [];
  const values = new Map<string, NodeId>();
  const scope = formatScope(
    e,
    f,
    (p) => ({ kind: 'tensor', node: partOf(p) }),
    () => ({ kind: 'tensor', node: g.add('input', [], { name: blocksInput, shape: [f.blocks, f.blockSize], dtype: 'f32' }) }),
  );
  const partOf = (p: FormatPart): NodeId => {
    const known = values.get(p.name);
    if (known !== undefined) return known;
    const node = toNode(e, evaluate(e, p.value, scope), p.value.span, p.dtype);
    const type = g.node(node);
    if (type.shape.join() !== p.shape.join())
      stop('PEFT0308', p.value.span, `${p.name} has shape ${showShape(p.shape)}, but its value has ${showShape(type.shape)}`);
    if (type.dtype !== p.dtype)
      stop('PEFT0308', p.value.span, `${p.name} holds ${p.dtype === 'i32' ? 'whole' : 'real'} numbers, but its value is of ${type.dtype === 'i32' ? 'whole' : 'real'} numbers`);
    values.set(p.name, node);
    return node;
  };
  for (const p of f.parts) outputs.push({ name: p.part, node: partOf(p), mode: 'value' });
  return g.finish(outputs);
}

/** What a weight is in terms of its stored tensors: the value `weight`. */
export function decodeGraph(f: FormatInstance): Graph {
  const g = createGraph();
  const value = decodedWeight(createElaboration(g, { training: false }), f, f.definition.name.span);
  return g.finish([{ name: 'weight', node: (value as Extract<Value, { kind: 'tensor' }>).node, mode: 'value' }]);
}
