/**
 * @file Prose: definitions, parameters and words of the language as Markdown, for hover and completion.
 */
import type { Definition, Param } from '../../grammar/ast.js';
import { printExpr } from '../../grammar/print.js';
import { layParams, layType } from '../../grammar/print-expression.js';
import { render } from '../../grammar/layout.js';
import { builtins } from '../../compiler/elaborate/builtins.js';
import type { Symbol } from './symbols.js';

/** A piece of the language as a block of code. */
export const codeBlock = (text: string): string => `\`\`\`peft\n${text}\n\`\`\``;

/** A parameter as it is declared: `rank: Int >= 1 = 8`. */
export function showParam(param: Param): string {
  const { trivia: _trivia, ...bare } = param;
  const text = render(layParams([{ ...bare, doc: '' }], noBlock), Infinity);
  return text.slice(1, -1).trim();
}

const noBlock = (): string => '{ … }';

/** The type of a parameter as it is written. */
export const showTypeOf = (param: Param): string => (param.type === undefined ? '' : render(layType(param.type, noBlock), Infinity));

/** The first line of a definition. */
export function showHead(d: Definition): string {
  const params = d.params.map(showParam);
  const joined = params.join(', ');
  const list = d.params.length === 0 && d.what !== 'def' ? '' : joined.length > 80 ? `(\n  ${params.join(',\n  ')}\n)` : `(${joined})`;
  const binds = d.on?.binds.map((b) => b.text) ?? [];
  return [
    `${d.what} ${d.name.text}${list}`,
    d.on ? ` on ${d.on.name.text}${binds.length > 0 ? `(${binds.join(', ')})` : ''}` : '',
    d.is ? ` is ${printExpr(d.is)}` : '',
    d.foreign.length > 0 ? ` for ${d.foreign.map((f) => JSON.stringify(f.value)).join(' or ')}` : '',
    d.result ? `: ${render(layType(d.result, noBlock), Infinity)}` : '',
  ].join('');
}

/** Documentation as Markdown: examples become code, the band of learning rates a sentence. */
export function showDoc(doc: string): string {
  const lines = doc.split('\n');
  const special = /^\s*(example|rate):\s*/;
  const of = (word: string): string[] => lines.filter((line) => special.exec(line)?.[1] === word).map((line) => line.replace(special, ''));
  const text = lines
    .filter((line) => !special.test(line))
    .join('\n')
    .trim();
  const [examples, rates] = [of('example'), of('rate')];
  return [text, ...rates.map((band) => `learning rates: ${band}`), examples.length > 0 ? codeBlock(examples.join('\n')) : '']
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What is known of a symbol. */
export function describeSymbol({ is, name }: Symbol): string {
  const parts = (...list: readonly string[]): string => list.filter((p) => p !== '').join('\n\n');
  switch (is.kind) {
    case 'definition':
    case 'alias':
      return parts(codeBlock(showHead(is.definition)), showDoc(is.definition.doc));
    case 'experiment':
      return parts(codeBlock(`experiment ${name}${is.experiment.from ? ` = ${is.experiment.from.text}` : ''}`), showDoc(is.experiment.doc));
    case 'param':
      return parts(codeBlock(showParam(is.param)), showDoc(is.param.doc), `parameter of \`${is.of}\``);
    case 'field':
      return parts(codeBlock(showParam(is.param)), showDoc(is.param.doc), `field of \`${is.of}\``);
    case 'section':
      return parts(codeBlock(`${name} { … }`), showDoc(is.definition.doc));
    case 'local':
      return parts(codeBlock(is.text), showDoc(is.doc));
    case 'builtin': {
      const known = builtins[name];
      return known === undefined
        ? parts(codeBlock(name), given[name] ?? '')
        : parts(codeBlock(`${name}(${known.params.join(', ')})`), known.doc);
    }
    default:
      return is satisfies never;
  }
}

/** Names that the language gives inside definitions. */
const given: Readonly<Record<string, string>> = {
  training: 'true while a training step is elaborated',
  pi: 'the number π',
  site: 'the place of this site among those of the method: `site.index`, `site.count`, `site.tensors`',
  largest: 'the largest value of a parameter over all sites of the method: `largest.in`',
  step: 'the optimiser step, counted from 0',
  total: 'how many optimiser steps the run has',
  logits: 'what the model gives for the batch',
  model: 'the base that the task runs on',
  rows: 'rows of the weight',
  columns: 'columns of the weight',
  size: 'elements of the weight',
  blocks: 'how many blocks the weight is cut into',
  x: 'the weight, cut into blocks: `[blocks, block_size]`',
  W: 'the weight of the site',
};

/** What the words that open statements and items mean. */
export const wordDocs: Readonly<Record<string, string>> = {
  import: 'brings definitions of the standard library or of another file',
  experiment: 'what is trained: a base, where adapters go, data, and how the run learns',
  sweep: '`sweep NAME over EXPERIMENT { rank in [4, 8] }`: experiments with values of their own',
  over: 'the experiments that are varied',
  def: 'a function',
  module: 'something with tensors and a `forward`',
  model: 'an architecture: a module whose parameters are the keys of `config.json`',
  adapter: 'a method: what the weight of a site becomes',
  optimizer: 'how trained tensors are changed by their gradient',
  schedule: 'the factor on the learning rate over the run',
  task: 'what a run learns: columns, batch, loss and metrics',
  format: 'a weight in fewer bits',
  base: '`base MODEL from SOURCE with (…) for TASK`: the architecture, where its weights are, and what is learnt',
  adapt: '`adapt SELECTOR with METHOD`: an adapter on every site that the selector matches; the later statement wins where two match',
  quantize: '`quantize SELECTOR as FORMAT`: frozen weights of the matched modules are kept in fewer bits; `as none` undoes one',
  train: '`train SELECTOR`: every tensor of the matched modules is trained in full; `train all` is full fine-tuning',
  except: 'the modules on the left without those on the right',
  and: 'the modules that both sides mean',
  from: 'where the base comes from',
  with: 'the method, or settings of `config.json` to override',
  for: 'the task, or the foreign names that a definition stands for',
  as: 'the format, or another name for what is imported',
};
