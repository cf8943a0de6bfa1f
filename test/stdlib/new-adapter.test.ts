/**
 * @file The method of `examples/new-adapter`, which the standard library does not have, held to what every method is held to.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adapterFiles } from '../../compiler/driver/adapter-files.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { parseFile } from '../../grammar/parse.js';
import { resolveLast } from '../spec/experiments.js';
import { expectGradient, expectMerged } from './adapted.js';

const text = readFileSync(new URL('../../examples/new-adapter/stretch.peft', import.meta.url), 'utf8');

const resolved = resolveLast(`${text}
experiment mine {
  base bert from "models/bert" for classify(labels: 2)
  adapt attention + mlp with stretch(rank: 2)
  train head
  data { train: tsv("train.tsv")  text: "text"  label: "label"  max_length: 6 tokens }
  tune { optimizer: adamw(lr: 1e-3) }
}`);
const layout = layoutOf(resolved);

describe("a method of one's own", () => {
  it('is at most 15 lines', () => {
    const [definition] = parseFile(text, 'stretch.peft').value.items;
    const lines = text.slice(definition?.span.start, definition?.span.end).split('\n');
    expect(lines.length).toBeLessThanOrEqual(15);
  });
  it('has the gradient of what it trains', () => expectGradient(resolved, layout));
  it('can be merged', () => expect(expectMerged(resolved, layout)).toBeUndefined());
  it('is written with every tensor that it trains', () => {
    const [file] = adapterFiles(resolved, layout, []);
    expect(file?.config['peft_type']).toBe('stretch');
    expect(file?.tensors.map((t) => t.name)).toEqual(expect.arrayContaining(layout.trainables.map((t) => t.name)));
  });
});
