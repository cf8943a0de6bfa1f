/**
 * @file Print: a graph as straight-line text in the manner of `.peft`, one value a line, the same for the same graph.
 */
import type { AttrValue, ValueType } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import { hashData } from './builder.js';
import type { Graph, Node, Output } from './graph.js';

function showAttr(name: string, value: AttrValue): string {
  if (value instanceof Float64Array) {
    const few = value.length <= 8;
    return few
      ? `${name}: [${Array.from(value, showNumber).join(', ')}]`
      : `${name}: ${value.length} numbers #${hashData(value).toString(16).padStart(8, '0')}`;
  }
  if (typeof value === 'number') return `${name}: ${showNumber(value)}`;
  if (typeof value === 'string') return `${name}: ${JSON.stringify(value)}`;
  return `${name}: [${value.join(', ')}]`;
}

const showNumber = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The type of a value: `[2, 3]`, or `Int[2, 3]` for whole numbers. */
export function showType(type: ValueType): string {
  return `${type.dtype === 'i32' ? 'Int' : ''}[${type.shape.join(', ')}]`;
}

/** One node, without its number: `matmul(%3, %7)`. Attributes that the type already says are left out. */
export function printNode(node: Node): string {
  const implied =
    ops[node.op].kind === 'leaf' || node.op === 'cast' || node.op === 'reshape' || node.op === 'broadcast' ? ['shape', 'dtype'] : [];
  const attrs = Object.entries(node.attrs).flatMap(([name, value]) => (implied.includes(name) ? [] : [showAttr(name, value)]));
  return `${node.op}(${[...node.inputs.map((i) => `%${i}`), ...attrs].join(', ')})`;
}

function printOutput(output: Output): string {
  switch (output.mode) {
    case 'value':
      return `output ${JSON.stringify(output.name)} = %${output.node}`;
    case 'assign':
      return `assign ${JSON.stringify(output.tensor)} = %${output.node}  // ${output.name}`;
    case 'accumulate':
      return `accumulate ${JSON.stringify(output.tensor)} += %${output.node}  // ${output.name}`;
    default:
      return output.mode satisfies never;
  }
}

/** The whole graph as text. */
export function print(graph: Graph): string {
  const lines = graph.nodes.map((node, id) => `%${id}: ${showType(node)} = ${printNode(node)}`);
  return [...lines, ...graph.outputs.map(printOutput), ''].join('\n');
}
