/**
 * @file Completion: places in a text, and what is offered there. The mark `‸` is where the cursor stands; what follows it is written later.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CompletionItem, TextEdit } from 'vscode-languageserver/node';
import { mkdtempSync, rmSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChecker } from '../../cli/lsp/checker.js';
import { complete } from '../../cli/lsp/completion.js';
import { fieldWords } from '../../cli/lsp/completion-values.js';
import { uriOf } from '../../cli/lsp/addresses.js';
import { typesOf } from '../../cli/lsp/occurrences.js';
import { openWorkspace, sectionOf } from '../../cli/lsp/workspace.js';
import { packageRoot } from '../../cli/package.js';
import { sectionNames } from '../../compiler/spec/statements.js';
import type { Io } from '../../cli/io.js';
import { edited, removeProgram, withEditor } from './client.js';
import { mine, review } from './texts.js';

afterAll(removeProgram);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'peft-completion-'));
  for (const name of ['base', 'train.tsv', 'test.tsv'])
    cpSync(join(packageRoot, 'examples', 'quickstart', name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'mine.peft'), mine);
  mkdirSync(join(folder, 'more'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const io: Io = {
  cwd: '/',
  env: {},
  out: () => undefined,
  err: () => undefined,
  stdin: () => Promise.resolve(new Uint8Array()),
  terminal: { out: false, err: false },
  interruption: () => new AbortController().signal,
};

const workspace = openWorkspace([], io);

/** What is offered at the mark of a text, in the order in which an editor shows it. */
async function offered(marked: string, snippets = false): Promise<readonly CompletionItem[]> {
  const opened = await workspace;
  const document = opened.put(uriOf(join(folder, 'a.peft')), marked.replace('‸', ''));
  const items = await complete(document, marked.indexOf('‸'), opened, createChecker(opened), snippets);
  return [...items].sort((a, b) => ((a.sortText ?? a.label) < (b.sortText ?? b.label) ? -1 : 1));
}

const labels = async (marked: string): Promise<string[]> => (await offered(marked)).map((i) => i.label);

const base = '  base bert from "base" for classify(labels: 2)\n';
const within = (text: string): string => `import std.adapters.lora\n\nexperiment a {\n${base}${text}`;

/** A text up to the mark, and exactly what is offered. */
const cases: readonly (readonly [name: string, text: string, labels: readonly string[]])[] = [
  ['an experiment begins', 'experiment a {\n  ‸\n}', ['adapt', 'base', 'budget', 'data', 'quantize', 'train', 'tune']],
  ['a statement is being written', within('  ad‸'), ['adapt', 'base', 'budget', 'data', 'quantize', 'train', 'tune']],
  ['after a model', 'experiment a {\n  base bert ‸', ['from']],
  ['where a base comes from', 'experiment a {\n  base bert from ‸', ['hub', 'local', 'scratch']],
  ['the folder of a base', 'experiment a {\n  base bert from "‸"', ['base', 'more']],
  ['after a source', 'experiment a {\n  base bert from "base" ‸', ['for', 'with']],
  ['a task', 'experiment a {\n  base bert from "base" for ‸', ['causal', 'classify', 'mlm', 'regress', 'tag']],
  ['a parameter of a task', 'experiment a {\n  base bert from "base" for classify(‸', ['labels']],
  [
    'a role',
    within('  train ‸'),
    ['attention', 'embeddings', 'head', 'layers', 'mlp', 'norms', 'pooler', 'prompt', 'layer_norms', 'linears', 'all'],
  ],
  ['a role in a role', within('  adapt attention.‸'), ['key', 'output', 'query', 'value', '*']],
  ['a role in braces', within('  adapt attention.{query, ‸} with lora()'), ['key', 'output', 'query', 'value', '*']],
  ['a role behind an index', within('  adapt layers[0..2].‸'), ['attention', 'mlp', 'norms', '*']],
  [
    'after an operator',
    within('  adapt attention except ‸'),
    ['attention', 'embeddings', 'head', 'layers', 'mlp', 'norms', 'pooler', 'prompt', 'layer_norms', 'linears', 'all'],
  ],
  ['after a selector', within('  adapt attention ‸'), ['and', 'except', 'with']],
  ['after a selector of quantize', within('  quantize linears ‸'), ['and', 'as', 'except']],
  ['the line after a whole statement', within('  train head\n  ‸'), ['adapt', 'base', 'budget', 'data', 'quantize', 'train', 'tune']],
  [
    'a parameter of a method that is imported',
    within('  adapt mlp with lora(rank: 8, ‸'),
    ['alpha', 'bias', 'dropout', 'init', 'plus', 'rslora'],
  ],
  ['a choice that a definition requires', within('  adapt mlp with lora(init: ‸'), ['gaussian', 'kaiming', 'orthogonal']],
  ['the same in quotation marks', within('  adapt mlp with lora(init: "‸"'), ['gaussian', 'kaiming', 'orthogonal']],
  ['truth', within('  adapt mlp with lora(rslora: ‸'), ['false', 'true']],
  ['a key of config.json', 'experiment a {\n  base roberta from "x" with (‸', ['hidden_size', 'intermediate_size']],
  [
    'fields of data, with the columns of the task',
    within('  data {\n    train: tsv("train.tsv")\n    ‸'),
    ['label', 'text', 'buckets', 'eval', 'max_length'],
  ],
  ['a source of rows', within('  data {\n    eval: ‸'), ['csv', 'jsonl', 'parquet', 'tsv', 'none']],
  ['a file of rows', within('  data {\n    train: tsv("‸")'), ['test.tsv', 'train.tsv', 'base', 'more']],
  ['an option of a source of rows', within('  data {\n    train: tsv("train.tsv", ‸)'), ['header', 'take']],
  ['a column', within('  data {\n    train: tsv("train.tsv")\n    text: "‸"'), ['label', 'text']],
  ['a unit', within('  data {\n    max_length: 48 ‸\n  }\n}'), ['tokens', 'label', 'text', 'train', 'buckets', 'eval']],
  ['units of an argument', within('  tune {\n    schedule: linear(warmup: 6 ‸)'), ['%', 'steps']],
  ['an optimiser', within('  tune {\n    optimizer: ‸'), ['adamw', 'adamw8bit', 'sgd']],
  ['a schedule', within('  tune {\n    schedule: ‸'), ['constant', 'cosine', 'linear']],
  ['a parameter of an optimiser', within('  tune {\n    optimizer: sgd(‸'), ['lr', 'momentum', 'weight_decay']],
  ['a word', within('  tune {\n    precision: ‸'), ['f16', 'f32']],
  ['a word or none', within('  tune {\n    checkpointing: ‸'), ['auto', 'layers', 'none']],
  ['a metric', within('  tune {\n    best: "‸"'), ['accuracy', 'f1']],
  ['fields of budget', within('  budget { ‸ }'), ['gpu_memory', 'trainable']],
  ['what an experiment derives from', `experiment a {\n${base}}\n\nexperiment b = ‸`, ['a']],
  ['the standard library', 'import ‸', ['std']],
  ['a folder of it', 'import std.‸', ['adapters', 'algebra', 'formats', 'models', 'optim', 'prelude', 'tasks', 'wavelets']],
  ['what a file defines', 'import "./mine.peft".{‸}', ['halved', 'scaled']],
  ['a file to import', 'import "./‸"', ['mine.peft', 'base', 'more']],
  ['nothing in a comment', within('  // adapt ‸'), []],
  ['nothing after the name of a field', within('  tune {\n    epochs ‸'), []],
  [
    'a type',
    'def f(x: ‸',
    [
      'Bool',
      'Bytes',
      'Epochs',
      'Float',
      'Int',
      'List',
      'Optimizer',
      'Ratio',
      'Record',
      'Schedule',
      'Steps',
      'String',
      'Table',
      'Tokens',
      'Word',
      'none',
    ],
  ],
];

describe('completion', () => {
  test.each(cases)('%s', async (_name, text, expected) => {
    if (text.includes('with (')) expect(await labels(text)).toEqual(expect.arrayContaining([...expected]));
    else expect(await labels(text)).toEqual(expected);
  });

  test('names of modules in quotation marks: patterns first, then each by itself', async () => {
    const items = await offered(within('  adapt "bert.enc‸" with lora()'));
    const names = items.map((i) => i.label);
    expect(names.slice(0, 40)).toContain('bert.encoder.layer.*.attention.self.query');
    expect(names).toContain('bert.encoder.layer.2.output.dense');
    const query = items.find((i) => i.label === 'bert.encoder.layer.*.attention.self.query');
    expect(query?.documentation).toMatchObject({ value: expect.stringMatching(/^3 modules with 12,480 parameters\n/) as string });
    expect(query?.textEdit).toMatchObject({ range: { start: { line: 4, character: 9 }, end: { line: 4, character: 17 } } });
  });

  test('a method that is not imported brings its import', async () => {
    const text = within('  adapt mlp with ‸');
    const dora = (await offered(text)).find((i) => i.label === 'dora');
    const bare = text.replace('‸', '');
    expect(dora?.detail).toBe('import std.adapters.dora');
    expect(edited(bare, [dora?.textEdit as TextEdit, ...(dora?.additionalTextEdits ?? [])])).toBe(
      bare.replace('std.adapters.lora\n', 'std.adapters.lora\nimport std.adapters.dora\n').replace('with ', 'with dora()'),
    );
    const listed = text.replace('std.adapters.lora', 'std.adapters.{ia3, lora}');
    const into = (await offered(listed)).find((i) => i.label === 'dora');
    expect(edited(listed.replace('‸', ''), into?.additionalTextEdits ?? [])).toContain('import std.adapters.{ia3, lora, dora}\n');
    const first = `// About this.\n\n/// Mine.\nexperiment a {\n  quantize linears as ‸\n}\n`;
    const format = (await offered(first)).find((i) => i.label === 'nf4');
    expect(edited(first.replace('‸', ''), format?.additionalTextEdits ?? [])).toContain(
      '// About this.\n\nimport std.formats.nf4\n\n/// Mine.\n',
    );
  });

  test('a parameter says its type, default and meaning; snippets only for editors that know them', async () => {
    const field = (await offered(within('  tune {\n    ‸'))).find((i) => i.label === 'batch');
    expect(field?.detail).toBe('batch: Int >= 1 = 16');
    expect(field?.documentation).toEqual({ kind: 'markdown', value: 'Rows in one forward and backward pass.' });
    const text = within('  tune {\n    optimizer: ‸');
    const plain = (await offered(text)).find((i) => i.label === 'sgd');
    const snippet = (await offered(text, true)).find((i) => i.label === 'sgd');
    expect([plain?.textEdit?.newText, plain?.insertTextFormat]).toEqual(['sgd()', undefined]);
    expect([snippet?.textEdit?.newText, snippet?.insertTextFormat]).toEqual([`sgd(lr: \${1})`, 2]);
  });

  test('names inside a definition, those around it and the language’s own', async () => {
    const found = await labels(mine.replace('scaled(factor, B @ A)', 'factor * ‸'));
    expect(found).toEqual(expect.arrayContaining(['rank', 'factor', 'in', 'out', 'A', 'B', 'scaled', 'softmax', 'sqrt', 'pi']));
    expect(found).not.toContain('by');
  });

  test('every field of type Word has words', async () => {
    const { library } = await workspace;
    const wordy = sectionNames.flatMap(
      (name) =>
        sectionOf(library, name)
          ?.params.filter((p) => typesOf(p.type).includes('Word'))
          .map((p) => p.name.text) ?? [],
    );
    expect(Object.keys(fieldWords).sort()).toEqual([...wordy].sort());
  });

  test('over the protocol, while the text does not parse', async () => {
    await withEditor({}, async (editor) => {
      await editor.open('a.peft', review);
      await editor.edit('a.peft', 'adapt attention.{query, value} with lora(rank: 4, alpha: 4)', 'adapt "bert.encoder.layer.0.at');
      const items = await editor.askAt<CompletionItem[]>('textDocument/completion', 'a.peft', 'layer.0.at‸');
      expect(items.map((i) => i.label)).toContain('bert.encoder.layer.0.attention.self.query');
      expect(await editor.end()).toBe(0);
    });
  });
});
