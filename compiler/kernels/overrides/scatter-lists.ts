/**
 * @file Scatter-add by linked lists. The general kernel looks through all ids for every element of the table. Here two small
 * reductions first chain the positions with equal ids: head[row] is the last position of the row's id, next[i] the position
 * before i with the same id, -1 where there is none; then each element walks its row's chain only.
 */
import { createGraph } from '../../graph/builder.js';
import type { Graph } from '../../graph/graph.js';
import { count } from '../affine.js';
import { scatterAdd } from '../construct.js';
import { inputOf, nodeAt } from '../structure.js';
import type { Override } from '../override.js';

/** Positions are compared as f32. */
const mostPositions = 2 ** 24;

/** The override. */
export const scatterLists: Override = {
  name: 'scatter-lists',
  doc: 'Chains equal ids first, so that a row of the table visits its own values only; pays for wide rows and many ids.',
  root: 'scatter_add',
  possible: (graph, node) => node.attrs['sorted'] !== 1 && count(nodeAt(graph, inputOf(node, 0)).shape) < mostPositions,
  pays: (graph, node) => {
    const positions = count(nodeAt(graph, inputOf(node, 0)).shape);
    const rows = node.shape[0] as number;
    const width = count(node.shape) / rows;
    // Looking through all ids costs rows · width · positions; making the chains costs (rows + positions) · positions.
    return rows * width * positions > 2 * (rows + positions) * positions && positions >= 32;
  },
  prepare: (add, node, shapeOf) => {
    const positions = count(shapeOf(node.inputs[0] as number));
    const rows = node.shape[0] as number;
    const wide = (id: number, shape: readonly number[]): number => add('broadcast', [id], { shape });
    const filled = (value: number, shape: readonly number[]): number =>
      wide(add('reshape', [add('const', [], { value, dtype: 'f32' })], { shape: [1, 1] }), shape);
    const across = (shape: readonly number[]): number => wide(add('reshape', [node.inputs[0] as number], { shape: [1, positions] }), shape);
    /** Largest position for which the condition (1 or 0) holds, else -1. */
    const last = (condition: number, shape: readonly number[]): number => {
      const at = add('select', [condition, add('iota', [], { axis: 1, shape, dtype: 'f32' }), filled(-1, shape)]);
      return add('cast', [add('amax', [at], { axes: [1] })], { dtype: 'i32' });
    };
    const table = [rows, positions];
    const head = last(add('equal', [across(table), add('iota', [], { axis: 0, shape: table, dtype: 'i32' })]), table);
    const square = [positions, positions];
    const down = wide(add('reshape', [node.inputs[0] as number], { shape: [positions, 1] }), square);
    const earlier = add('less', [
      add('iota', [], { axis: 1, shape: square, dtype: 'f32' }),
      add('iota', [], { axis: 0, shape: square, dtype: 'f32' }),
    ]);
    const next = last(add('mul', [add('equal', [across(square), down]), earlier]), square);
    return [head, next];
  },
  construct: (context, cluster, _root, [head, next]) => scatterAdd(context, cluster, { head: head as number, next: next as number }),
  samples: [sample(5, [7], [3]), sample(3, [2, 9], [2, 2]), sample(11, [40], [17]), sample(1, [6], [])],
};

/** A scatter of ids that repeat, leave rows out and lie outside the table, added to an array. */
function sample(
  rows: number,
  positions: readonly number[],
  rest: readonly number[],
): { readonly graph: Graph; readonly feeds: ReadonlyMap<string, Float64Array> } {
  const g = createGraph();
  const ids = g.add('input', [], { name: 'ids', shape: positions, dtype: 'i32' });
  const values = g.add('input', [], { name: 'values', shape: [...positions, ...rest], dtype: 'f32' });
  const table = g.add('scatter_add', [ids, values], { rows });
  const wave = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.fround(Math.sin(3 * i + rows)));
  const graph = g.finish([
    { name: 'table', node: table, mode: 'accumulate', tensor: 'gradient' },
    { name: 'doubled', node: g.add('add', [table, table]), mode: 'value' },
  ]);
  const n = count(positions);
  return {
    graph,
    feeds: new Map([
      ['ids', Float64Array.from({ length: n }, (_, i) => ((i * i + 2 * i) % (rows + 2)) - 1)],
      ['values', wave(n * count(rest))],
      ['gradient', wave(rows * count(rest))],
    ]),
  };
}
