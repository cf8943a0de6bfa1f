/**
 * @file What selectors mean, as data: selector, and the modules that it matches, layers shortened to `0.` and `1.`.
 */
import { describe, expect, it } from 'vitest';
import { parseFile } from '../../grammar/parse.js';
import { select } from '../../compiler/spec/select.js';
import { configs, modelOf } from './world.js';

const layer = 'bert.encoder.layer.';
const short = (path: string): string => path.replace(layer, '').replace(/^bert\./, '');

/** Modules with tensors that a selector matches on a model. */
function matched(name: string, task: string, selector: string): string[] {
  const parsed = parseFile(`experiment x { train ${selector} }`, 'x.peft');
  const item = parsed.value.items[0];
  const statement = item?.kind === 'experiment' ? item.statements[0] : undefined;
  expect(parsed.diagnostics).toEqual([]);
  if (statement?.kind !== 'train') throw new Error(`${selector} is no selector`);
  const model = modelOf(name, configs.get(name) ?? {}, task);
  return [...select(model, statement.selector)].filter((m) => m.storage.length > 0).map((m) => short(m.path));
}

const both = (...names: readonly string[]): string[] => ['0', '1'].flatMap((i) => names.map((n) => `${i}.${n}`));
const self = 'attention.self';

const bert: readonly (readonly [selector: string, paths: readonly string[]])[] = [
  ['head', ['classifier']],
  ['pooler + head', ['pooler.dense', 'classifier']],
  ['attention.{query, value}', both(`${self}.query`, `${self}.value`)],
  ['attention', both(`${self}.query`, `${self}.key`, `${self}.value`, 'attention.output.dense')],
  ['layers[1].mlp', ['1.intermediate.dense', '1.output.dense']],
  ['layers[0..1].mlp.up', both('intermediate.dense')],
  ['layers[0, 1].mlp.down', both('output.dense')],
  ['layers[1].attention.{key, output}', [`1.${self}.key`, '1.attention.output.dense']],
  ['layers[0].*.output', ['0.attention.output.dense']],
  ['layers.norms.attention', both('attention.output.LayerNorm')],
  ['attention and layers[0]', [`0.${self}.query`, `0.${self}.key`, `0.${self}.value`, '0.attention.output.dense']],
  ['attention except attention.{query, key, value}', both('attention.output.dense')],
  ['attention except (layers[0] + attention.output)', [`1.${self}.query`, `1.${self}.key`, `1.${self}.value`]],
  ['mlp.up + mlp.down except layers[0]', ['1.intermediate.dense', '1.output.dense']],
  ['linears except layers', ['pooler.dense', 'classifier']],
  ['linears and layers[0] and attention', [`0.${self}.query`, `0.${self}.key`, `0.${self}.value`, '0.attention.output.dense']],
  ['norms', ['embeddings.LayerNorm', ...both('attention.output.LayerNorm', 'output.LayerNorm')]],
  [
    'embeddings',
    ['embeddings.word_embeddings', 'embeddings.position_embeddings', 'embeddings.token_type_embeddings', 'embeddings.LayerNorm'],
  ],
  ['embeddings.word', ['embeddings.word_embeddings']],
  ['"bert.encoder.layer.*.output.dense"', both('output.dense')],
  ['"bert.encoder.layer.1.output"', ['1.output.dense', '1.output.LayerNorm']],
  ['"**.self"', both(`${self}.query`, `${self}.key`, `${self}.value`)],
  ['"**.quer*"', both(`${self}.query`)],
  ['"classifier"', ['classifier']],
  ['"bert.encoder.layer.0.*.key"', []],
];

describe('selectors on a classifier', () => {
  it.each(bert.filter(([, paths]) => paths.length > 0))('%s', (selector, paths) =>
    expect(matched('bert', 'classify', selector)).toEqual(paths),
  );
  it.each(bert.filter(([, paths]) => paths.length === 0))('%s matches nothing', (selector) =>
    expect(() => matched('bert', 'classify', selector)).toThrow(/no module of this base/),
  );
  it('all is every module', () => expect(matched('bert', 'classify', 'all').length).toBe(4 + 2 * 8 + 2));
  it('a part that is not placed is not there', () => expect(() => matched('bert', 'mlm', 'pooler')).toThrow(/has the role pooler/));
  it('a module with several roles answers to each', () => {
    for (const role of ['query', 'key', 'value'])
      expect(matched('gpt2', 'causal', `attention.${role}`)).toEqual(['transformer.h.0.attn.c_attn', 'transformer.h.1.attn.c_attn']);
    expect(matched('gpt2', 'causal', 'attention.{query, key}')).toEqual(['transformer.h.0.attn.c_attn', 'transformer.h.1.attn.c_attn']);
  });
  it('a module that is of another kind too answers to both', () => {
    expect(matched('gpt2', 'causal', 'linears')).toEqual(matched('gpt2', 'causal', 'conv1ds'));
    expect(matched('llama', 'causal', 'linears').length).toBe(2 * 7 + 1);
  });
});
