/**
 * @file Token classification and regression on a small model: what a batch holds, the loss against its formula in 64 bits, which
 * rows and tokens count, the metrics a run may be chosen by, and how a wrong batch is refused.
 */
import { describe, expect, test } from 'vitest';
import { evalGraph, trainGraph } from '../../compiler/driver/graphs.js';
import { gradientOf, layoutOf } from '../../compiler/driver/layout.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { checkFile } from '../../compiler/spec/file.js';
import { metricsOf } from '../../compiler/spec/task.js';
import type { Resolved } from '../../compiler/spec/check.js';
import { parseFile } from '../../grammar/parse.js';
import { metrics } from '../../runtime/data/metrics.js';
import { tensorFeeds } from '../stdlib/experiment.js';
import { resolveLast } from './experiments.js';
import { factsOf, libraryOf } from './world.js';

const given = { config: { model_type: 'tiny', vocab_size: 11, hidden_size: 4 } };
const model = `
/// A bag of words.
model tiny(vocab_size: Int, hidden_size: Int) for "tiny" {
  part words = embedding(vocab_size, hidden_size) as "words" role words
  task tag {
    part head = linear(hidden_size, labels) as "head" role head fresh
    logits = head(words(ids))
  }
  task regress {
    part head = linear(hidden_size, 1) as "head" role head fresh
    logits = head(sum(words(ids) * mask[:, :, none], axis: 1, keep: false))
  }
}
`;
const experiment = (task: string, tune = ''): string => `${model}
experiment test {
  base tiny from scratch("base") for ${task}
  train all
  data { train: tsv("train.tsv") eval: tsv("test.tsv") text: "text" label: "label" max_length: 8 tokens }
  tune { optimizer: adamw(lr: 1e-3) ${tune} }
}`;
const shape = { rows: 2, tokens: 3 };
const ids = Float64Array.of(1, 2, 3, 4, 5, 0);
const mask = Float64Array.of(1, 1, 1, 1, 1, 0);

/** What the evaluation of a batch gives. */
function evaluated(r: Resolved, batch: Readonly<Record<string, Float64Array>>): (name: string) => number[] {
  const entry = evalGraph(r, layoutOf(r), shape, { adapted: true, logits: true });
  const out = interpret(entry.graph, new Map([...tensorFeeds(entry, 3), ...Object.entries(batch)]));
  return (name) => [...(out.get(name) as Float64Array)];
}

describe('tag', () => {
  const r = resolveLast(experiment('tag(labels: 3)'), given);

  test('its batch', () => {
    expect(r.batch).toEqual([
      { name: 'ids', recipe: 'tokens', column: 'text' },
      { name: 'mask', recipe: 'token_mask', column: 'text' },
      { name: 'label', recipe: 'tags', column: 'label', classes: 3 },
    ]);
  });

  test('the loss is the cross-entropy of the tagged tokens', () => {
    const label = Float64Array.of(0, -100, 2, -100, 1, -100);
    const of = evaluated(r, { ids, mask, label });
    const logits = of('logits');
    const rows = Array.from({ length: 6 }, (_, i) => logits.slice(3 * i, 3 * i + 3));
    const expected = rows.reduce(
      (sum, row, i) => sum + (label[i]! < 0 ? 0 : Math.log(row.reduce((s, x) => s + Math.exp(x), 0)) - row[label[i]!]!),
      0,
    );
    expect(of('count')).toEqual([3]);
    expect(of('loss_sum')[0]).toBeCloseTo(expected, 10);
    expect(of('prediction')).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
  });
});

describe('regress', () => {
  const r = resolveLast(experiment('regress'), given);

  test('its batch', () => {
    expect(r.batch).toEqual([
      { name: 'ids', recipe: 'tokens', column: 'text' },
      { name: 'mask', recipe: 'token_mask', column: 'text' },
      { name: 'label', recipe: 'number', column: 'label' },
    ]);
  });

  test('its labels are real, its loss the squared error, and its prediction the value itself', () => {
    const label = Float64Array.of(-1.25, 3.5);
    const entry = evalGraph(r, layoutOf(r), shape, { adapted: true, logits: true });
    const inputs = entry.graph.nodes.filter((n) => n.op === 'input' && n.shape.length > 0);
    expect(Object.fromEntries(inputs.map((n) => [n.attrs['name'], n.dtype]))).toEqual({ ids: 'i32', mask: 'i32', label: 'f32' });
    const of = evaluated(r, { ids, mask, label });
    const value = of('logits');
    expect(of('prediction')).toEqual(value);
    expect(of('count')).toEqual([2]);
    expect(of('loss_sum')[0]).toBeCloseTo((value[0]! + 1.25) ** 2 + (value[1]! - 3.5) ** 2, 10);
  });

  test('a row that only fills the batch counts for nothing', () => {
    const filled = { ids: Float64Array.of(1, 2, 3, 0, 0, 0), mask: Float64Array.of(1, 1, 1, 0, 0, 0), label: Float64Array.of(-1.25, 0) };
    const of = evaluated(r, filled);
    expect(of('count')).toEqual([1]);
    expect(of('loss_sum')[0]).toBeCloseTo((of('logits')[0]! + 1.25) ** 2, 10);
  });

  test('the gradient is that of the squared error, below the label and above', () => {
    const layout = layoutOf(r);
    const entry = trainGraph(r, layout, shape, { dropout: false, readGradients: true });
    const bias = layout.trainables.find((t) => t.name.endsWith('bias'))!;
    const label = Float64Array.of(-1.25, 3.5);
    const feeds = new Map([...tensorFeeds(entry, 3), ['ids', ids] as const, ['mask', mask] as const, ['label', label] as const]);
    const value = evaluated(r, { ids, mask, label })('logits');
    const out = interpret(entry.graph, feeds);
    expect(out.get(gradientOf(bias.name))![0]).toBeCloseTo(2 * (value[0]! + 1.25) + 2 * (value[1]! - 3.5), 10);
  });
});

describe('metrics', () => {
  test('every metric that a task of the library names is known to the runtime', () => {
    const named = libraryOf().definitions.flatMap((d) => (d.definition.what === 'task' ? metricsOf(d.definition) : []));
    expect(named).toEqual(expect.arrayContaining(['accuracy', 'f1', 'mse', 'pearson', 'spearman']));
    expect(named.filter((name) => !metrics.has(name))).toEqual([]);
  });

  test.each([
    ['regress', 'spearman'],
    ['regress', 'mse'],
    ['tag(labels: 3)', 'f1'],
  ])('%s is chosen by %s', (task, best) => expect(resolveLast(experiment(task, `best: "${best}"`), given).spec.tune.best).toBe(best));

  test('one that the task does not measure is refused', () => {
    expect(problems(experiment('regress', 'best: "accuracy"'))).toEqual([
      'task regress does not measure accuracy | it measures mse, pearson, spearman',
    ]);
  });
});

describe('a batch is refused', () => {
  const task = (batch: string): string => `
/// A task.
task own(labels: Int = 3) {
  batch { ${batch} }
  loss = zeros(2)
  weight = zeros(2)
}
${experiment('own')}`;
  test.each([
    ['tags without classes', 'ids: tokens(text) label: tags(label)', 'tags needs the number of classes: tags(label, labels)'],
    ['classes without a number', 'ids: tokens(text) label: class(label)', 'class needs the number of classes: class(label, labels)'],
    ['no column', 'ids: tokens(text) label: number()', 'number needs the name of a column: number(label)'],
    ['tags without a text', 'label: tags(label, labels)', 'tags belong to the words of one text column, and this batch reads 0'],
    [
      'tags beside two texts',
      'ids: tokens(text) more: tokens(other) label: tags(label, labels)',
      'tags belong to the words of one text column, and this batch reads 2',
    ],
    ['a recipe that is none', 'ids: tokens(text) label: nummer(label)', 'nummer is not a recipe'],
  ])('%s', (_, batch, message) => expect(problems(task(batch)).join('\n')).toContain(message));
});

/** The errors of a text, with their help. */
function problems(text: string): string[] {
  const parsed = parseFile(text, 'test.peft');
  const { diagnostics } = checkFile(parsed.value, libraryOf(), factsOf(given));
  return [...parsed.diagnostics, ...diagnostics]
    .filter((d) => d.severity === 'error')
    .map((d) => (d.help === undefined ? d.message : `${d.message} | ${d.help}`));
}
