/**
 * @file Differences: the gradient of a graph's scalar output against central differences, both in f64.
 */
import { interpret } from '../../compiler/graph/interpret.js';
import type { Graph } from '../../compiler/graph/graph.js';

/** ‖a - b‖ / max(‖b‖, floor): the floor keeps gradients that are zero comparable. */
export function relativeError(a: Float64Array, b: Float64Array, floor = 1e-3): number {
  let difference = 0;
  let norm = 0;
  b.forEach((v, i) => {
    difference += ((a[i] as number) - v) ** 2;
    norm += v * v;
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
}

/** d loss / d feeds[name], by moving each element: (4·D(h) - D(2h)) / 3 with D(h) the central difference, accurate to h⁴. */
export function differences(graph: Graph, feeds: ReadonlyMap<string, Float64Array>, name: string, loss = 'loss', h = 3e-4): Float64Array {
  const base = feeds.get(name) as Float64Array;
  const lossAt = (i: number, move: number): number =>
    (
      interpret(
        graph,
        new Map(feeds).set(
          name,
          base.map((v, j) => (j === i ? v + move : v)),
        ),
      ).get(loss) as Float64Array
    )[0] as number;
  const central = (i: number, step: number): number => (lossAt(i, step) - lossAt(i, -step)) / (2 * step);
  return base.map((_, i) => (4 * central(i, h) - central(i, 2 * h)) / 3);
}
