/**
 * @file Frozen weights in fewer bits under every method: a model of two linear layers, forward and the gradient of what is trained, the
 * embedding before both layers among it. On the CPU the selected kernels of every format with every method against the graph of the same
 * experiment on decoded weights; on the device some of them, within what f32 arithmetic allows.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codecOf } from '../../compiler/driver/codec.js';
import { initialGraph, mergeGraph, type EntryGraph } from '../../compiler/driver/graphs.js';
import { gradientOf, layoutOf } from '../../compiler/driver/layout.js';
import { differentiate } from '../../compiler/driver/passes.js';
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { decodeGraph } from '../../compiler/elaborate/instantiate-format.js';
import { elaborateTask } from '../../compiler/elaborate/task-graph.js';
import { createGraph } from '../../compiler/graph/builder.js';
import type { Graph } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import { arrayLimit, select } from '../../compiler/kernels/select.js';
import { verifySelection } from '../../compiler/kernels/verify.js';
import type { Program } from '../../compiler/plan/program.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Definition } from '../../grammar/ast.js';
import { openDevice, openNullDevice, type Device } from '../../runtime/device.js';
import { compileShader } from '../../runtime/device-pipeline.js';
import { hostValues } from '../../runtime/host/values.js';
import { difference, expected, runSelection } from '../kernels/run-selection.js';
import { gpuTarget, softwareTarget } from '../kernels/targets.js';
import { resolveLast } from '../spec/experiments.js';
import { found } from '../stdlib/definitions.js';
import { batchFeeds, call, tensorFeeds } from '../stdlib/experiment.js';
import { boundsOf, programOf, runOnDevice, told, worstOutput, type Feeds } from './kernels-device.js';

// --- experiments -------------------------------------------------------------------------------------------------------

/** Rows of `up` end with words of 8 weights and its blocks with the weight; those of `down` do not. */
const sizes = { vocab_size: 18, hidden_size: 16, between: 20 };
const batch = { rows: 2, tokens: 6 };
const model = `
model two_linears(vocab_size: Int, hidden_size: Int, between: Int) for "two_linears" {
  part embed = embedding(vocab_size, hidden_size) as "embed" role embeddings.word
  part up = linear(hidden_size, between) as "up" role mlp.up
  part down = linear(between, vocab_size) as "down" role mlp.down
  task causal { logits = down(silu(up(embed(ids)))) }
}`;

const nested = 'nf4(block: 32, double: true)';
const formats = [
  'nf4(block: 32)',
  nested,
  'fp4(block: 32)',
  'fp4(block: 64, double: true)',
  'int8()',
  'int_groups(bits: 2, group: 8)',
  'int_groups(bits: 5, group: 32)',
  'int_groups(bits: 7, group: 16)',
  'int_groups(bits: 8, group: 128)',
  'f16()',
  'bf16()',
];

/** Sizes of methods that fit, by the parameter they are given to. */
const small: Readonly<Record<string, string>> = {
  rank: '2',
  block: '2',
  group: '2',
  vector_length: '2',
  num_vectors: '3',
  frequencies: '5',
  scaling: '2',
};
const given = ({ params }: Definition): Record<string, string> =>
  Object.fromEntries(Object.entries(small).filter(([name]) => params.some((p) => p.name.text === name)));
/** Every method that acts on linear layers. */
const methods = found('adapter').flatMap(({ definition: d }) =>
  /^(linear|module)$/.test(d.on?.name.text ?? '') ? [call(d, given(d))] : [],
);

const importsOf = (what: 'adapter' | 'format'): string =>
  found(what)
    .map((d) => `import std.${d.path.split('/')[0]}.${d.definition.name.text}`)
    .join('\n');
const imports = `${importsOf('adapter')}\n${importsOf('format')}`;

/** A method on weights in a format. */
const resolved = (format: string, method: string): Resolved =>
  resolveLast(
    `${imports}
${model}
experiment test {
  base two_linears from "models/two_linears" for causal()
  quantize mlp as ${format}
  adapt mlp with ${method}
  train embeddings
  data { train: tsv("train.tsv") text: "text" max_length: ${batch.tokens} tokens }
  tune { optimizer: adamw(lr: 1e-3) }
}`,
    { config: { model_type: 'two_linears', ...sizes }, tensors: 'none' },
  );

// --- what an entry reads -----------------------------------------------------------------------------------------------

/** An entry of an experiment, and the same on decoded weights, with what each reads. */
interface Pair {
  readonly entry: EntryGraph;
  readonly feeds: Map<string, Float64Array>;
  readonly plain: EntryGraph;
  readonly plainFeeds: Map<string, Float64Array>;
}

type Words = Uint32Array | Float32Array;
const numbersOf = (values: Words): Float64Array => Float64Array.from(values, (x) => (values instanceof Uint32Array ? x | 0 : x));
const rounded = (feeds: Feeds): Map<string, Float64Array> =>
  new Map([...feeds].map(([tensor, values]) => [tensor, values.map(Math.fround)]));

/** Feeds both entries with numbers that f32 holds: weights are drawn, encoded and decoded; places are those that the host makes. */
function paired(r: Resolved, entry: EntryGraph, plain: EntryGraph): Pair {
  const inputs = [...batchFeeds(r.batch, batch.rows, batch.tokens, sizes.vocab_size)];
  for (const { name, shape, dtype, source } of layoutOf(r).persistent)
    if (dtype === 'i32' && source.kind === 'init' && source.init.kind === 'host')
      inputs.push([name, Float64Array.from(hostValues[source.init.function]?.make(source.init.args, shape, { name }) ?? [])]);
  const plainFeeds = new Map([...rounded(tensorFeeds(plain, 17)), ...inputs]);
  const feeds = new Map([...rounded(tensorFeeds(entry, 17)), ...inputs]);
  for (const f of r.formats.values()) {
    const weight = f.weight.keys[0] as string;
    const drawn = plainFeeds.get(weight);
    if (drawn === undefined) continue;
    const parts = codecOf([f]).encode(weight, Float32Array.from(drawn));
    const tensors = new Map(f.parts.map((p) => [p.tensor, numbersOf(parts.get(p.part) as Words)]));
    for (const [tensor, values] of tensors) feeds.set(tensor, values);
    plainFeeds.set(weight, interpret(decodeGraph(f), tensors).get('weight') as Float64Array);
  }
  return { entry, feeds, plain, plainFeeds };
}

/** The logits, and the gradient of what is trained where that of the logits is the tensor `slope`. */
function trained(r: Resolved): Pair {
  const wanted = layoutOf(r).trainables;
  const graphOf = (formats: Resolved['formats']): EntryGraph => {
    const g = createGraph();
    const e = createElaboration(g, { training: false, adapters: r.adapters, formats });
    const { logits } = elaborateTask(e, r.model, r.task, r.batch, batch);
    const { shape } = g.node(logits);
    const product = g.add('mul', [logits, g.add('tensor', [], { name: 'slope', shape, dtype: 'f32' })]);
    const sum = g.add('reshape', [g.add('sum', [product], { axes: shape.map((_, axis) => axis) })], { shape: [1] });
    const forward = g.finish([
      { name: 'sum', node: sum, mode: 'value' },
      { name: 'logits', node: logits, mode: 'value' },
    ]);
    const graph = differentiate(forward, 'sum', wanted, (name, node) => ({ name: gradientOf(name), node, mode: 'value' }));
    return { graph, hosts: e.hosts };
  };
  return paired(r, graphOf(r.formats), graphOf(new Map()));
}

/** What an experiment computes beside: first values and merged weights, where it has them. */
function besides(r: Resolved): Pair[] {
  const plain = { ...r, formats: new Map() };
  const layout = layoutOf(r);
  const initial = [initialGraph(r), initialGraph(plain)] as const;
  const merge = [mergeGraph(r, layout), mergeGraph(plain, layout)] as const;
  expect('entry' in merge[0]).toBe('entry' in merge[1]);
  return [
    ...(initial[0] !== undefined && initial[1] !== undefined ? [paired(r, initial[0], initial[1])] : []),
    ...('entry' in merge[0] && 'entry' in merge[1] ? [paired(r, merge[0].entry, merge[1].entry)] : []),
  ];
}

/** The feeds with some codes of the first weight changed. */
function flipped(r: Resolved, feeds: Feeds): Map<string, Float64Array> {
  const name = [...r.formats.values()][0]?.parts[0]?.tensor as string;
  return new Map(feeds).set(
    name,
    (feeds.get(name) as Float64Array).map((word, i) => (i < 4 ? word ^ 0x1400 : word)),
  );
}

/** What the format of an experiment keeps, and that its weights are nowhere in f32. */
function expectQuantised(r: Resolved, graph: Graph): void {
  const names = new Set(graph.nodes.flatMap((n) => (n.op === 'tensor' ? [n.attrs['name'] as string] : [])));
  expect(r.formats.size).toBe(2);
  expect([...r.formats.values()].filter((f) => names.has(f.weight.keys[0] as string))).toEqual([]);
  expect(verify(graph)).toEqual([]);
}

// --- on the CPU --------------------------------------------------------------------------------------------------------

it('every format of weights is here', () => {
  const names = [...new Set(formats.map((f) => f.replace(/\(.*/, '')))];
  expect(names.sort()).toEqual(
    found('format')
      .flatMap(({ definition: d }) => (d.on === undefined ? [] : [d.name.text]))
      .sort(),
  );
  expect(methods.length).toBeGreaterThan(15);
  expect(methods.filter((method) => besides(resolved(nested, method)).length > 0).length, 'merged').toBeGreaterThan(10);
});

describe.each(formats)('kernels on weights in %s compute what the graph does on decoded ones', (format) => {
  it.each(methods)('%s', (method) => {
    const r = resolved(format, method);
    const train = trained(r);
    expectQuantised(r, train.entry.graph);
    const outputs = train.entry.graph.outputs.map((o) => o.name);
    expect(outputs).toEqual(expect.arrayContaining(layoutOf(r).trainables.map((t) => gradientOf(t.name))));
    expect(outputs).toContain(gradientOf('embed.weight'));
    for (const pair of [train, ...besides(r)]) {
      const want = expected(pair.plain.graph, pair.plainFeeds);
      expect(want.size).toBeGreaterThan(0);
      for (const target of [softwareTarget, gpuTarget]) {
        const selection = select(pair.entry.graph, target);
        expect(verifySelection(selection, arrayLimit(target))).toEqual([]);
        expect(difference(runSelection(pair.entry.graph, selection, pair.feeds), want)).toBeLessThan(1e-9);
      }
    }
    const { graph } = train.entry;
    const wrong = runSelection(graph, select(graph, softwareTarget), flipped(r, train.feeds));
    expect(difference(wrong, expected(train.plain.graph, train.plainFeeds)), 'negative control').toBeGreaterThan(1e-6);
  });
});

// --- on the device -----------------------------------------------------------------------------------------------------

let device: Device;
let gate: Device;
beforeAll(async () => {
  device = await openDevice();
  gate = await openNullDevice();
});
afterAll(() => {
  device.close();
  gate.close();
});

const everywhere = methods.filter((m) => /^(lora|dora)\(/.test(m));
const some = formats.flatMap((format) => everywhere.map((method) => [format, method] as const));

/** Sums that feed one another are as long as a row of each layer and the tokens of a batch; other ops round as often again. */
const rounding = 2 * (sizes.hidden_size + sizes.between + sizes.vocab_size + batch.rows * batch.tokens) * 2 ** -24;

describe('on the device', () => {
  const others = methods.filter((m) => !everywhere.includes(m)).map((method) => [nested, method] as const);

  it.each([...some, ...others])('%s under %s', async (format, method) => {
    const r = resolved(format, method);
    const { entry, feeds, plain, plainFeeds } = trained(r);
    const { graph } = entry;
    const { target } = device.describe();
    const wanted = boundsOf(graph, select(graph, { ...target, maxBindingBytes: softwareTarget.maxBindingBytes }), feeds);
    const want = expected(plain.graph, plainFeeds);
    expect(difference(new Map([...wanted].map(([name, bounded]) => [name, bounded.value])), want)).toBeLessThan(1e-9);
    const program = programOf(graph, feeds, target);
    const found = await runOnDevice(device, undefined, program, graph, feeds);
    const worst = worstOutput(found, wanted);
    expect(worst?.excess ?? 0, JSON.stringify(worst)).toBeLessThanOrEqual(1);
    // Where a method compares numbers, the bounds of its elements may say nothing.
    const got = new Map([...found].map(([name, data]) => [name, Float64Array.from(data)]));
    if (told(wanted) < 0.9) expect(difference(got, want)).toBeLessThan(rounding);
    expect(difference(got, expected(graph, flipped(r, feeds))), 'negative control').toBeGreaterThan(rounding);
  });
});

/** How the shaders of a program work out decoded weights. */
function waysOf(program: Program): string[] {
  const texts = program.shaders.map((shader) => shader.code).join();
  return [...(/= f\d+_group\(/.test(texts) ? ['eight at once'] : []), ...(/= f\d+\(/.test(texts) ? ['one by one'] : [])];
}

// A software adapter compiles the GPU's products for minutes.
describe('shaders for either kind of target compile on the null backend', () => {
  it.each(some)('%s under %s', async (format, method) => {
    const { entry, feeds } = trained(resolved(format, method));
    const software = programOf(entry.graph, feeds, { ...softwareTarget, subgroup: 8 });
    const gpu = programOf(entry.graph, feeds, gpuTarget);
    expect(waysOf(software)).toEqual(['eight at once', 'one by one']);
    expect(gpu.shaders.some((shader) => /fn f\d+\(/.test(shader.code))).toBe(true);
    for (const shader of [...software.shaders, ...gpu.shaders]) await compileShader(gate, shader);
  });
});
