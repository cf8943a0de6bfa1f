/**
 * @file What is computed when is of no consequence for what: gradients with the layers computed again, and values of frozen weights kept
 * from step to step, against the same without.
 */
import { describe, expect, it } from 'vitest';
import { entryOf } from '../../compiler/driver/compile.js';
import { initialGraph, trainGraph } from '../../compiler/driver/graphs.js';
import { hoist } from '../../compiler/driver/hoist.js';
import { gradientOf, layoutOf } from '../../compiler/driver/layout.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { phasesOf } from '../../compiler/graph/recompute.js';
import { plan } from '../../compiler/plan/plan.js';
import { softwareTarget } from '../kernels/targets.js';
import { found } from './definitions.js';
import { modelTasks } from '../spec/world.js';
import { batchFeeds, experiment, tensorFeeds } from './experiment.js';

const [rows, tokens] = [2, 6];
const tolerance = 1e-12;
/** Every model with every task it has. */
const pairs = found('model').flatMap(({ definition: { name } }) => modelTasks(name.text).map((task) => [name.text, task] as const));

/** Largest difference of two values, as a share of the largest number. */
function apart(a: ReadonlyMap<string, Float64Array>, b: ReadonlyMap<string, Float64Array>, names: readonly string[]): number {
  return Math.max(
    ...names.map((name) => {
      const [x, y] = [a.get(name) as Float64Array, b.get(name) as Float64Array];
      const size = x.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
      return x.reduce((most, v, i) => Math.max(most, Math.abs(v - (y[i] as number)) / size), 0);
    }),
  );
}

describe('gradient checkpointing', () => {
  it.each(pairs)('%s for %s: the same gradients, dropout included', (model, task) => {
    const resolved = experiment(model, task, 'adapt layers with lora(rank: 2, dropout: 25%)');
    const layout = layoutOf(resolved);
    const made = (checkpoints: boolean) =>
      trainGraph(resolved, layout, { rows, tokens }, { dropout: true, readGradients: true, checkpoints });
    const [plain, again] = [made(false), made(true)];
    expect(Math.max(...phasesOf(plain.graph))).toBe(0);
    // The layers that are computed again, the last of them first.
    expect(Math.max(...phasesOf(again.graph))).toBeGreaterThan(1);
    const feeds = new Map([...tensorFeeds(plain, 7), ...batchFeeds(resolved.batch, rows, tokens, 32)]);
    const names = ['loss_sum', ...layout.trainables.map((t) => gradientOf(t.name))];
    const [a, b] = [interpret(plain.graph, feeds), interpret(again.graph, feeds)];
    expect(apart(a, b, names)).toBeLessThan(tolerance);
    const other = new Map(feeds).set('seed', Float64Array.of(4));
    if (again.graph.nodes.some((n) => n.op === 'random'))
      expect(apart(a, interpret(again.graph, other), names), 'another seed is seen').toBeGreaterThan(tolerance);
  });

  it('takes less memory for values of the forward pass', () => {
    const resolved = experiment('llama', 'causal', 'adapt layers with lora(rank: 2)');
    const layout = layoutOf(resolved);
    const bytes = (checkpoints: boolean): number => {
      const shape = { rows: 8, tokens: 16 };
      const entry = entryOf('train', resolved, shape, trainGraph(resolved, layout, shape, { dropout: true, checkpoints }));
      return plan([entry], layout.persistent, softwareTarget).buffers.reduce((sum, b) => sum + (b.kind === 'activations' ? b.bytes : 0), 0);
    };
    expect(bytes(true)).toBeLessThan(0.8 * bytes(false));
  });
});

describe('values of frozen weights', () => {
  it('are computed once: the lengths of DoRA', () => {
    const resolved = experiment('llama', 'causal', 'adapt layers with dora(rank: 2)');
    const layout = layoutOf(resolved);
    const shape = { rows, tokens };
    const initial = initialGraph(resolved);
    if (initial === undefined) throw new Error('DoRA has first values that are computed');
    const entries = [
      entryOf('train', resolved, shape, trainGraph(resolved, layout, shape, { dropout: true, readGradients: true })),
      entryOf('initial', resolved, undefined, initial),
    ];
    const hoisted = hoist(entries, layout.persistent);
    expect(hoisted.kept.length).toBe(resolved.adapters.size);
    expect(hoisted.kept.every((p) => p.shape.length <= 2 && p.kind === 'weights')).toBe(true);
    const [before, after] = [entries[0], hoisted.entries.find((e) => e.name === 'train')];
    const first = hoisted.entries.find((e) => e.name === 'initial');
    if (before === undefined || after === undefined || first === undefined) throw new Error('an entry is missing');
    const feeds = new Map([
      ...tensorFeeds(before, 7),
      ...tensorFeeds({ graph: first.graph, hosts: new Map() }, 7),
      ...batchFeeds(resolved.batch, rows, tokens, 32),
    ]);
    const made = interpret(first.graph, feeds);
    const kept = new Map(
      first.graph.outputs.flatMap((o) =>
        hoisted.kept.some((k) => k.name === o.tensor) ? [[o.tensor as string, made.get(o.name) as Float64Array] as const] : [],
      ),
    );
    expect(kept.size).toBe(hoisted.kept.length);
    const names = before.graph.outputs.map((o) => o.name);
    const wanted = interpret(before.graph, feeds);
    expect(apart(wanted, interpret(after.graph, new Map([...feeds, ...kept])), names)).toBeLessThan(tolerance);
    const wrong = new Map([...kept].map(([name, value]) => [name, value.map((x) => x * (1 + 1e-9))] as const));
    expect(apart(wanted, interpret(after.graph, new Map([...feeds, ...wrong])), names), 'negative control').toBeGreaterThan(tolerance);
  });
});
