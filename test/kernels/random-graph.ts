/**
 * @file Random graphs for property tests: a seed gives a graph of every primitive op over ragged shapes, with values for its
 * inputs, whose outputs are read, assigned and accumulated.
 */
import { createGraph } from '../../compiler/graph/builder.js';
import type { Graph, NodeId, Output } from '../../compiler/graph/graph.js';
import { randomBits } from '../../compiler/ops/random.js';

/** A graph with values for what it reads. */
export interface Sample {
  readonly graph: Graph;
  readonly feeds: Map<string, Float64Array>;
}

/** Deterministic choices from a seed. */
export function chooser(seed: number): { readonly below: (n: number) => number; readonly real: () => number } {
  let counter = 0;
  const next = (): number => randomBits(seed >>> 0, counter++) / 2 ** 32;
  return { below: (n) => Math.floor(next() * n), real: () => Math.fround(next() * 4 - 2) };
}

/** A random graph of about `size` ops. */
export function randomGraph(seed: number, size: number): Sample {
  const c = chooser(seed);
  const g = createGraph();
  const feeds = new Map<string, Float64Array>();
  const ints = new Set<string>();
  const pick = <T>(list: readonly T[]): T => list[c.below(list.length)] as T;
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const dims = [1, 2, 3, 4, 5, 7, 8];
  const leaf = (shape: readonly number[], dtype: 'f32' | 'i32' = 'f32'): NodeId => {
    const name = `t${feeds.size}`;
    if (dtype === 'i32') ints.add(name);
    feeds.set(
      name,
      Float64Array.from({ length: count(shape) }, () => (dtype === 'i32' ? c.below(7) - 1 : c.real())),
    );
    return g.add(pick(['tensor', 'input'] as const), [], { name, shape, dtype });
  };
  const shapes = Array.from({ length: 3 }, () => Array.from({ length: 1 + c.below(3) }, () => pick(dims)));
  const pool: NodeId[] = shapes.map((shape) => leaf(shape));
  feeds.set('scalar', Float64Array.of(1.25));
  feeds.set('seed', Float64Array.of(77));
  const scalar = g.add('input', [], { name: 'scalar', shape: [], dtype: 'f32' });
  const seedNode = g.add('input', [], { name: 'seed', shape: [], dtype: 'i32' });
  const shapeOf = (id: NodeId): readonly number[] => g.node(id).shape;
  const positive = (id: NodeId): NodeId => g.add('add', [g.add('abs', [id]), g.constant(0.5, shapeOf(id))]);
  /** A value of this shape: one there is, a leaf, or something smaller repeated. */
  const like = (shape: readonly number[]): NodeId => {
    const same = pool.filter((id) => shapeOf(id).join() === shape.join());
    switch (c.below(same.length > 0 ? 7 : 5)) {
      case 0:
        return leaf(shape);
      case 1:
        return g.broadcastTo(leaf(shape.map((n) => (c.below(2) === 0 ? 1 : n))), shape);
      case 2:
        return g.constant(c.real(), shape);
      case 3:
        return g.broadcastTo(scalar, shape);
      case 4:
        return shape.length === 0
          ? scalar
          : pick([
              () => g.add('iota', [], { axis: c.below(shape.length), shape }),
              () => g.add('random', [seedNode], { stream: c.below(5), shape }),
            ])();
      default:
        return pick(same);
    }
  };
  const step = (): NodeId => {
    const x = pool[Math.max(0, pool.length - 1 - c.below(6))] as NodeId;
    const shape = shapeOf(x);
    const axis = shape.length === 0 ? 0 : c.below(shape.length);
    const extent = shape[axis] ?? 1;
    switch (c.below(20)) {
      case 0:
        return g.add(pick(['neg', 'tanh', 'erf', 'sin', 'abs'] as const), [x]);
      case 1:
        return g.add('exp', [g.add('tanh', [x])]);
      case 2:
        return g.add(pick(['log', 'sqrt'] as const), [positive(x)]);
      case 3:
      case 4:
      case 5:
        return g.add(pick(['add', 'sub', 'mul', 'max', 'min'] as const), c.below(2) === 0 ? [x, like(shape)] : [like(shape), x]);
      case 6:
        return g.add('div', [x, positive(like(shape))]);
      case 7:
        return g.add('select', [g.add('less', [like(shape), x]), x, like(shape)]);
      case 8: {
        const cut = shape.length > 1 && c.below(2) === 0 ? [...shape.slice(0, axis), ...shape.slice(axis + 1)].length : 0;
        if (cut > 0 && axis > 0)
          return g.add('reshape', [x], {
            shape: [...shape.slice(0, axis - 1), (shape[axis - 1] as number) * extent, ...shape.slice(axis + 1)],
          });
        return extent % 2 === 0
          ? g.add('reshape', [x], { shape: [...shape.slice(0, axis), 2, extent / 2, ...shape.slice(axis + 1)] })
          : g.add('reshape', [x], { shape: [1, ...shape] });
      }
      case 9: {
        const perm = shape.map((_, i) => i);
        for (let i = perm.length - 1; i > 0; i -= 1) {
          const j = c.below(i + 1);
          [perm[i], perm[j]] = [perm[j] as number, perm[i] as number];
        }
        return g.add('permute', [x], { perm });
      }
      case 10:
        return shape.length === 0 ? x : g.add('slice', [x], { axis, start: c.below(extent), length: 1 }) && sliced(x, axis, extent);
      case 11:
        return shape.length === 0 ? x : g.add('flip', [x], { axis });
      case 12:
        return shape.length === 0 ? x : g.add('pad', [x], { axis, before: c.below(3), after: c.below(3) });
      case 13:
      case 14: {
        const axes = shape.map((_, i) => i).filter(() => c.below(2) === 0);
        if (axes.length === 0) return x;
        const reduced = g.add(pick(['sum', 'amax'] as const), [x], { axes });
        if (c.below(2) === 0) return reduced;
        const kept = g.add('reshape', [reduced], { shape: shape.map((n, i) => (axes.includes(i) ? 1 : n)) });
        return g.add(pick(['sub', 'mul'] as const), [x, g.broadcastTo(kept, shape)]);
      }
      case 15:
        return shape.length === 0 ? x : g.add('cast', [g.add('argmax', [x])], { dtype: 'f32' });
      case 16:
      case 17: {
        const wide = shape.length >= 2 ? x : g.add('reshape', [x], { shape: [1, ...shape, ...(shape.length === 0 ? [1] : [])] });
        const s = shapeOf(wide);
        const k = s[s.length - 1] as number;
        const n = pick(dims);
        const right = c.below(2) === 0 ? like([...s.slice(0, -2), k, n]) : g.transpose(like([...s.slice(0, -2), n, k]));
        const out = g.add('matmul', [wide, right]);
        if (c.below(2) === 0) return out;
        const other = g.add('matmul', [like([...s.slice(0, -1), 2]), like([...s.slice(0, -2), 2, n])]);
        return g.add('add', [out, g.add('mul', [other, g.constant(0.5, shapeOf(other))])]);
      }
      case 18: {
        const rows = shape.length === 0 ? g.add('reshape', [x], { shape: [1] }) : x;
        return g.add('gather', [rows, leaf(pick([[3], [2, 3]]), 'i32')]);
      }
      default: {
        const rows = shape.length === 0 ? g.add('reshape', [x], { shape: [1] }) : x;
        return g.add('scatter_add', [leaf([shapeOf(rows)[0] as number], 'i32'), rows], { rows: 1 + c.below(6) });
      }
    }
  };
  const sliced = (x: NodeId, axis: number, extent: number): NodeId => {
    const length = 1 + c.below(extent);
    return g.add('slice', [x], { axis, start: c.below(extent - length + 1), length });
  };
  for (let i = 0; i < size; i += 1) {
    const made = step();
    if (count(shapeOf(made)) <= 4000) pool.push(made);
  }
  const outputs: Output[] = [{ name: 'last', node: pool[pool.length - 1] as NodeId, mode: 'value' }];
  for (let i = 0; i < 3; i += 1) {
    const node = pick(pool);
    const mode = pick(['value', 'assign', 'accumulate'] as const);
    const { dtype, shape } = g.node(node);
    if (dtype === 'i32') continue;
    const tensor = `out${i}`;
    if (mode !== 'value')
      feeds.set(
        tensor,
        Float64Array.from({ length: count(shape) }, () => c.real()),
      );
    outputs.push({ name: `o${i}`, node, mode, ...(mode === 'value' ? {} : { tensor }) });
  }
  // Half of the time a tensor that the graph reads is replaced.
  const readable = [...feeds.keys()].filter((name) => g.size() > 0 && name.startsWith('t'));
  const target = pick(readable);
  const size2 = feeds.get(target)?.length;
  const fit = ints.has(target) ? [] : pool.filter((id) => count(shapeOf(id)) === size2 && g.node(id).dtype === 'f32');
  if (fit.length > 0 && c.below(2) === 0) outputs.push({ name: 'replaced', node: pick(fit), mode: 'assign', tensor: target });
  return { graph: g.finish(outputs), feeds };
}
