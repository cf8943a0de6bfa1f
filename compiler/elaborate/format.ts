/**
 * @file Formats: how a weight stands in memory in fewer bits. A format definition says in how many elements a block has, which tensors
 * hold a weight (`frozen` members, each with the formula that makes it), and what a weight is in terms of those (`decode`).
 *
 * The weight is taken as one row of numbers, cut into blocks that may run over the ends of its rows; the last block is filled up
 * with zeros. In the formulas of the tensors that is `x`, of shape [blocks, block_size].
 */
import type { Definition, Expr, Member } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { NodeId } from '../graph/graph.js';
import type { Elaboration } from './elaboration.js';
import type { ModuleInstance, StorageInstance } from './instance.js';
import { evaluateMember, memberNames, once } from './members.js';
import { lazyScope, scopeOf, type Scope } from './scope.js';
import { stop } from './stop.js';
import { graphOf, shapeOf, showShape, toNode } from './tensors.js';
import { integer, type Value } from './value.js';

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
  /** The module whose weight it is; undefined for what is no weight, such as the state of an optimiser. */
  readonly site: ModuleInstance | undefined;
  /** The weight. */
  readonly weight: StorageInstance;
  readonly blocks: number;
  readonly blockSize: number;
  readonly parts: readonly FormatPart[];
}

/** The member that says how many elements share a block. */
export const blockSizeName = 'block_size';
/** The member that says what a weight is. */
export const decodeName = 'decode';
/** What a block is called in the formulas that make the tensors. */
const elementsName = 'x';

/** The members of a format. */
export const membersOf = (d: Definition): readonly Member[] => (d.body.kind === 'block' ? d.body.members : []);
/** Number of elements of a shape. */
export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Names that every format is given, beside those of the module it acts on. */
export const formatNames = [elementsName, 'blocks', 'rows', 'columns', 'size'] as const;

/** Names given without evaluating anything: the sizes of the weight, the parameters of its module, and the format's own. */
export function given(
  definition: Definition,
  params: ReadonlyMap<string, Value>,
  site: ModuleInstance | undefined,
  weight: StorageInstance,
): Map<string, Value> {
  const kind = site?.kinds.find((k) => k.name === definition.on?.name.text);
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
          return (
            x?.() ?? stop('PEFT0261', f.definition.name.span, `${decodeName} cannot use ${elementsName}: it is made of the stored tensors`)
          );
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

/** The stored tensors as nodes, made of the blocks `x`, by the name of their part. */
export function encodedParts(e: Elaboration, f: FormatInstance, x: NodeId): ReadonlyMap<string, NodeId> {
  const g = graphOf(e, f.definition.name.span);
  const values = new Map<string, NodeId>();
  const scope = formatScope(
    e,
    f,
    (p) => ({ kind: 'tensor', node: partOf(p) }),
    () => ({ kind: 'tensor', node: x }),
  );
  const partOf = (p: FormatPart): NodeId => {
    const known = values.get(p.part);
    if (known !== undefined) return known;
    const node = toNode(e, e.interpreter.evaluate(e, p.value, scope), p.value.span, p.dtype);
    const type = g.node(node);
    if (type.shape.join() !== p.shape.join())
      stop('PEFT0308', p.value.span, `${p.name} has shape ${showShape(p.shape)}, but its value has ${showShape(type.shape)}`);
    if (type.dtype !== p.dtype)
      stop(
        'PEFT0308',
        p.value.span,
        `${p.name} holds ${wholeOrReal(p.dtype)} numbers, but its value is of ${wholeOrReal(type.dtype)} numbers`,
      );
    values.set(p.part, node);
    return node;
  };
  for (const p of f.parts) partOf(p);
  return values;
}

const wholeOrReal = (dtype: 'f32' | 'i32'): string => (dtype === 'i32' ? 'whole' : 'real');

/** The node of a weight that this elaboration has used, if it has. */
export function decodedNode(e: Elaboration, f: FormatInstance): NodeId | undefined {
  const value = e.memo.get(f)?.get(decodeName);
  return value?.kind === 'tensor' ? value.node : undefined;
}
