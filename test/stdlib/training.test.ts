/**
 * @file Optimisers, schedules and tasks of the standard library against formulas written here once more. A definition without a
 * formula fails.
 */
import { describe, expect, it } from 'vitest';
import { evalGraph } from '../../compiler/driver/graphs.js';
import { updateGraph } from '../../compiler/driver/update.js';
import { flat, layoutOf } from '../../compiler/driver/layout.js';
import { learningRate, optimizerState } from '../../compiler/elaborate/optimizer.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { evaluateScalar } from '../../runtime/scalars.js';
import { configs, modelTasks } from '../spec/world.js';
import { found } from './definitions.js';
import { batchFeeds, experiment, resolved, tensorFeeds } from './experiment.js';

const tolerance = 1e-12;

function close(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const size = Math.max(...Array.from(b, Math.abs), 1e-300);
  return a.length === b.length && Array.from(a).every((x, i) => Math.abs(x - (b[i] as number)) <= tolerance * size);
}

/** Agreement, and that a change of one number would be seen. */
function agrees(a: ArrayLike<number>, b: ArrayLike<number>): void {
  expect(close(a, b), `${Array.from(a).slice(0, 4).join(', ')} … is not ${Array.from(b).slice(0, 4).join(', ')} …`).toBe(true);
  expect(
    close(
      a,
      Array.from(b, (x, i) => (i === 0 ? x + 1e-10 * Math.max(1, Math.abs(x)) : x)),
    ),
    'negative control',
  ).toBe(false);
}

// --- optimisers --------------------------------------------------------------------------------------------------------

interface State {
  p: number;
  m: number;
  v: number;
}
type Update = (s: State, g: number, step: number) => State;

const [lr, decay] = [0.02, 0.1];

/** One step on one number; `step` counts from 1. Call and formula stand side by side. */
const optimizers: { readonly [name: string]: { readonly call: string; readonly update: Update } } = {
  adamw: {
    call: `adamw(lr: ${lr}, beta1: 0.8, beta2: 0.95, eps: 1e-6, weight_decay: ${decay})`,
    update: ({ p, m, v }, g, step) => {
      const m1 = 0.8 * m + 0.2 * g;
      const v1 = 0.95 * v + 0.05 * g ** 2;
      const decayed = p - lr * decay * p;
      return { m: m1, v: v1, p: decayed - (lr * (m1 / (1 - 0.8 ** step))) / (Math.sqrt(v1 / (1 - 0.95 ** step)) + 1e-6) };
    },
  },
  // Of small tensors the state stays in f32; of large ones adamw8bit.test.ts speaks.
  adamw8bit: {
    call: `adamw8bit(lr: ${lr}, beta1: 0.8, beta2: 0.95, eps: 1e-6, weight_decay: ${decay})`,
    update: ({ p, m, v }, g, step) => {
      const m1 = 0.8 * m + 0.2 * g;
      const v1 = 0.95 * v + 0.05 * g ** 2;
      const decayed = p - lr * decay * p;
      return { m: m1, v: v1, p: decayed - (lr * (m1 / (1 - 0.8 ** step))) / (Math.sqrt(v1 / (1 - 0.95 ** step)) + 1e-6) };
    },
  },
  sgd: {
    call: `sgd(lr: ${lr}, momentum: 0.9, weight_decay: ${decay})`,
    update: ({ p, m, v }, g) => {
      const m1 = 0.9 * m + (g + decay * p);
      return { m: m1, v, p: p - lr * m1 };
    },
  },
};

describe.each(found('optimizer').map((d) => d.definition.name.text))('optimizer %s', (name) => {
  it('does two updates as its formula', () => {
    const formula = optimizers[name];
    expect(formula, 'a formula for it').toBeDefined();
    if (formula === undefined) return;
    const r = resolved(`
experiment test {
  base bert from "models/bert" for classify(labels: 2)
  train head
  data { train: tsv("train.tsv") text: "text" label: "label" max_length: 8 tokens }
  tune { optimizer: ${formula.call} schedule: constant clip: none }
}`);
    const layout = layoutOf(r);
    const entry = updateGraph(r, layout);
    const n = layout.groups[0]?.elements as number;
    const trained = flat.trained(0);
    const at = (i: number, k: number): number => Math.sin(1 + i * k);
    let mine = Array.from({ length: n }, (_, i): State => ({ p: at(i, 0.7), m: 0, v: 0 }));
    let tensors = new Map<string, Float64Array>([
      [trained, Float64Array.from(mine, (s) => s.p)],
      ...optimizerState(r.optimizer).map((s) => [flat.state(0, s.name), new Float64Array(n).fill(s.initial)] as const),
    ]);
    for (const step of [0, 1]) {
      const count = 4;
      const gradient = Float64Array.from({ length: n }, (_, i) => 4 * at(i, 1.3 + step));
      const hosts = [...entry.hosts].map(
        ([key, expr]) => [key, Float64Array.of(evaluateScalar(expr, { step, total: 10, seed: 1 }))] as const,
      );
      const out = interpret(
        entry.graph,
        new Map([
          ...tensors,
          [flat.gradient(0), gradient],
          [flat.loss, Float64Array.of(6)],
          [flat.count, Float64Array.of(count)],
          ...hosts,
        ]),
      );
      const assigned = new Map(
        entry.graph.outputs.flatMap((o) => (o.mode === 'assign' ? [[o.tensor as string, out.get(o.name) as Float64Array] as const] : [])),
      );
      mine = mine.map((s, i) => formula.update(s, (gradient[i] as number) / count, step + 1));
      agrees(
        assigned.get(trained) as Float64Array,
        mine.map((s) => s.p),
      );
      agrees(out.get('loss') as Float64Array, [1.5]);
      for (const sum of [flat.gradient(0), flat.loss, flat.count])
        expect(
          assigned.get(sum)?.every((x) => x === 0),
          `${sum} is set back`,
        ).toBe(true);
      tensors = new Map([...tensors.keys()].map((key) => [key, assigned.get(key) as Float64Array] as const));
    }
  });
});

// --- schedules ---------------------------------------------------------------------------------------------------------

const cosineOf = (x: number): number => 0.5 * (1 + Math.cos(Math.PI * x));

/** Calls with the factor at steps of a run of 20. */
const schedules: { readonly [name: string]: readonly { readonly call: string; readonly factor: (step: number) => number }[] } = {
  constant: [
    { call: 'constant', factor: () => 1 },
    { call: 'constant(warmup: 5 steps)', factor: (s) => (s < 5 ? s / 5 : 1) },
  ],
  linear: [
    { call: 'linear', factor: (s) => (20 - s) / 20 },
    { call: 'linear(warmup: 4 steps)', factor: (s) => (s < 4 ? s / 4 : (20 - s) / 16) },
    // 6 % of 20 is 1.2 steps: 2.
    { call: 'linear(warmup: 6%)', factor: (s) => (s < 2 ? s / 2 : (20 - s) / 18) },
  ],
  cosine: [
    { call: 'cosine', factor: (s) => cosineOf(s / 20) },
    { call: 'cosine(warmup: 25%)', factor: (s) => (s < 5 ? s / 5 : cosineOf((s - 5) / 15)) },
    { call: 'cosine(warmup: 5 steps, floor: 10%)', factor: (s) => (s < 5 ? s / 5 : 0.1 + 0.9 * cosineOf((s - 5) / 15)) },
  ],
};

describe.each(found('schedule').map((d) => d.definition.name.text))('schedule %s', (name) => {
  it('has formulas', () => expect(Object.keys(schedules)).toContain(name));

  it.each(schedules[name] ?? [])('$call', ({ call, factor }) => {
    const r = resolved(`
experiment test {
  base bert from "models/bert" for classify(labels: 2)
  train head
  data { train: tsv("train.tsv") text: "text" label: "label" max_length: 8 tokens }
  tune { optimizer: sgd(lr: 0.5) schedule: ${call} }
}`);
    const rate = learningRate(r.optimizer, r.schedule);
    const steps = Array.from({ length: 21 }, (_, i) => i);
    const rates = steps.map((step) => evaluateScalar(rate, { step, total: 20 }));
    agrees(
      rates,
      steps.map((s) => 0.5 * factor(s)),
    );
  });
});

// --- tasks -------------------------------------------------------------------------------------------------------------

const rows = 2;
const tokens = 6;

/** Cross-entropy of one row of logits. */
function crossEntropy(logits: Float64Array, row: number, width: number, label: number): number {
  const own = logits.subarray(row * width, (row + 1) * width);
  return Math.log(own.reduce((s, x) => s + Math.exp(x), 0)) - (own[label] as number);
}

type Batch = ReadonlyMap<string, Float64Array>;
type Term = readonly [row: number, label: number];

/** The squared difference of a row of one number from its label. */
const squaredError = (logits: Float64Array, row: number, width: number, label: number): number =>
  ((logits[row * width] as number) - label) ** 2;

/** Which rows of the logits count, and with which label, from the batch alone; the loss of a row, where it is no cross-entropy. */
const tasks: {
  readonly [name: string]: {
    readonly args: { readonly [name: string]: string };
    readonly terms: (batch: Batch) => Term[];
    readonly loss?: typeof crossEntropy;
  };
} = {
  tag: { args: {}, terms: (b) => [...(b.get('label') as Float64Array)].flatMap((label, i): Term[] => (label < 0 ? [] : [[i, label]])) },
  regress: { args: {}, terms: (b) => [...(b.get('label') as Float64Array)].map((label, i) => [i, label]), loss: squaredError },
  classify: { args: {}, terms: (b) => [...(b.get('label') as Float64Array)].map((label, i) => [i, label]) },
  causal: {
    args: {},
    terms: (b) =>
      [...(b.get('target') as Float64Array)].flatMap((label, i): Term[] => (i % tokens === 0 || label < 0 ? [] : [[i - 1, label]])),
  },
  // Every token is hidden, and none but padding and special tokens are left out.
  mlm: {
    args: { rate: '100%' },
    terms: (b) =>
      [...(b.get('original') as Float64Array)].flatMap((id, i): Term[] =>
        (b.get('mask') as Float64Array)[i] === 0 || id < 5 ? [] : [[i, id]],
      ),
  },
};

const taskCases = found('task').flatMap((d) =>
  [...configs.keys()]
    .filter((model) => modelTasks(model).includes(d.definition.name.text))
    .map((model) => ({ task: d.definition.name.text, model })),
);

describe('tasks', () => {
  it('each has a formula and a model that can do it', () => {
    expect(
      found('task')
        .map((d) => d.definition.name.text)
        .sort(),
    ).toEqual(Object.keys(tasks).sort());
    expect([...new Set(taskCases.map((c) => c.task))].sort()).toEqual(Object.keys(tasks).sort());
  });

  it.each(taskCases)('$task on $model has the loss of its formula', ({ task, model }) => {
    const formula = tasks[task];
    if (formula === undefined) throw new Error(`there is no formula for ${task}`);
    const r = experiment(model, task, 'train all', formula.args);
    const entry = evalGraph(r, layoutOf(r), { rows, tokens }, { adapted: true, logits: true });
    const batch = batchFeeds(r.batch, rows, tokens, configs.get(model)?.['vocab_size'] as number);
    const out = interpret(entry.graph, new Map([...tensorFeeds(entry, 11), ...batch]));
    const logits = out.get('logits') as Float64Array;
    const width = (entry.graph.nodes[entry.graph.outputs.find((o) => o.name === 'logits')?.node ?? -1]?.shape ?? []).at(-1) as number;
    const terms = formula.terms(batch);
    agrees(out.get('count') as Float64Array, [terms.length]);
    const loss = formula.loss ?? crossEntropy;
    agrees(out.get('loss_sum') as Float64Array, [terms.reduce((s, [row, label]) => s + loss(logits, row, width, label), 0)]);
    const predicted = out.get('prediction');
    if (predicted === undefined) return;
    if (loss === squaredError) return expect([...predicted]).toEqual([...logits]);
    const best = Array.from({ length: logits.length / width }, (_, i) =>
      [...logits.subarray(i * width, (i + 1) * width)].reduce((at, x, j, all) => (x > (all[at] as number) ? j : at), 0),
    );
    expect([...predicted]).toEqual(best);
  });
});
