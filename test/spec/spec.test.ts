/**
 * @file The Spec of an experiment: a golden one with the origin of every value, what changes it and what does not.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Param } from '../../grammar/ast.js';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';
import { diffSpecs } from '../../compiler/spec/diff.js';
import { canonical, meaning, printSpec, type Spec } from '../../compiler/spec/spec.js';
import { casesOf } from '../errors/check/case.js';
import { resolveAll, resolveLast } from './experiments.js';
import { libraryOf } from './world.js';

const good = `import std.adapters.lora

/// What all the others are compared with.
experiment good {
  base bert from hub("x/bert", revision: "abc") with (hidden_dropout_prob: 0%) for classify(labels: 3)
  adapt layers[0].attention.query with lora(rank: 4, dropout: 10%)
  train head
  data { train: tsv("train.tsv", take: 50)  eval: csv("test.csv", header: false)  text: "text"  label: "label"  max_length: 8 tokens }
  tune { optimizer: adamw(lr: 1e-3)  schedule: linear(warmup: 6%)  epochs: 2 }
  budget { trainable: 30% }
}
`;

const spec = (text: string): Spec => resolveLast(text).spec;
const hash = (s: Spec): string => canonical(meaning(s));

describe('the golden Spec', () => {
  it('holds every value and where it was written', async () => {
    await expect(printSpec(spec(good))).toMatchFileSnapshot('../golden/elaborate/spec.json');
  });

  it('knows the origin of every value', () => {
    const { origins, ...values } = spec(good);
    const known = Object.keys(origins);
    const paths: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (value === null || typeof value !== 'object') return void paths.push(path);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    for (const [key, value] of Object.entries({ base: values.base, data: values.data, tune: values.tune, budget: values.budget }))
      walk(value, key);
    const silent = paths.filter((p) => !known.some((k) => p === k || p.startsWith(`${k}.`)));
    expect(silent).toEqual([]);
    for (const [path, origin] of Object.entries(origins))
      if (origin.kind === 'written') expect(good.slice(origin.span.start, origin.span.end).trim(), path).not.toBe('');
  });

  it('points at the text of a value', () => {
    const { origins } = spec(good);
    const text = (path: string): string => {
      const origin = origins[path];
      return origin?.kind === 'written' ? good.slice(origin.span.start, origin.span.end) : `default of ${origin?.of}`;
    };
    const query = 'adapters."bert.encoder.layer.0.attention.self.query"';
    expect([
      text(`${query}.rank`),
      text(`${query}.alpha`),
      text('base.task.args.labels'),
      text('tune.optimizer.args.lr'),
      text('tune.optimizer.args.beta1'),
      text('tune.schedule.args.warmup'),
      text('tune.batch'),
      text('data.max_length'),
    ]).toEqual(['4', 'default of lora', '3', '1e-3', 'default of adamw', '6%', 'default of tune', '8 tokens']);
  });
});

// --- what changes it ---------------------------------------------------------------------------------------------------

/** Another value for a field of a type. */
const others: { readonly [type: string]: string } = {
  Table: 'jsonl("other.jsonl")',
  Tokens: '7 tokens',
  Int: '5',
  Float: '0.5',
  Bool: 'false',
  Steps: '7 steps',
  Bytes: '3 GiB',
  Ratio: '3%',
  String: '"accuracy"',
  Word: 'auto',
  Optimizer: 'sgd(lr: 1e-3)',
  Schedule: 'cosine(warmup: 6%)',
};

function other(param: Param): string {
  const type = param.type?.kind === 'type-union' ? param.type.options[0] : param.type;
  const text = param.name.text === 'precision' ? 'f16' : type?.kind === 'type-name' ? others[type.name.text] : undefined;
  if (text === undefined) throw new Error(`no other value is known for ${param.name.text}`);
  return text;
}

const fields = libraryOf()
  .definitions.filter((d) => d.folder === 'experiment')
  .flatMap((d) => d.definition.params.map((param) => ({ section: d.definition.name.text, field: param.name.text, value: other(param) })));

describe('every field changes the Spec', () => {
  it('and there are fields', () => expect(fields.length).toBeGreaterThan(15));

  it.each(fields)('$section.$field', ({ section, field, value }) => {
    const [before, after] = [...resolveAll(`${good}\nexperiment other = good { ${section} { ${field}: ${value} } }`).values()].map(
      (r) => r.spec,
    ) as [Spec, Spec];
    const changed = diffSpecs(before, after)
      .map((d) => d.path)
      .filter((p) => p !== 'name');
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter((p) => p !== `${section}.${field}` && !p.startsWith(`${section}.${field}.`))).toEqual([]);
    expect(hash(after)).not.toBe(hash({ ...before, name: after.name }));
  });

  const edits: readonly (readonly [what: string, from: string, to: string, path: string])[] = [
    ['a column', 'text: "text"', 'text: "label"', 'data.columns.text'],
    ['rows taken', 'take: 50', 'take: 49', 'data.train.take'],
    ['a header', ', header: false', '', 'data.eval.header'],
    ['the format of rows', 'csv("test.csv", header: false)', 'tsv("test.csv", header: false)', 'data.eval.format'],
    ['the revision', 'abc', 'abd', 'base.source.revision'],
    ['the source', 'hub("x/bert", revision: "abc")', '"x/bert"', 'base.source'],
    ['a setting', 'hidden_dropout_prob: 0%', 'hidden_dropout_prob: 1%', 'base.overrides.hidden_dropout_prob'],
    ['a parameter of the task', 'labels: 3', 'labels: 4', 'base.task.args.labels'],
    ['the rank', 'rank: 4', 'rank: 3', 'adapters."bert.encoder.layer.0.attention.self.query".rank'],
    ['a module more', 'attention.query', 'attention.{query, key}', 'adapters."bert.encoder.layer.0.attention.self.key"'],
    ['what is trained', 'train head', 'train head + pooler', 'trained."bert.pooler.dense"'],
    ['the rate', 'lr: 1e-3', 'lr: 2e-3', 'tune.optimizer.args.lr'],
    ['the warm-up', 'warmup: 6%', 'warmup: 7%', 'tune.schedule.args.warmup'],
    ['the warm-up in steps', 'warmup: 6%', 'warmup: 6 steps', 'tune.schedule.args.warmup'],
    ['the budget', '30%', '31%', 'budget.trainable.share'],
  ];
  it('one step is not 100 %', () =>
    expect(diffSpecs(spec(good.replace('6%', '100%')), spec(good.replace('6%', '1 steps'))).map((d) => d.path)).not.toEqual([]));

  it.each(edits)('%s', (_what, from, to, path) => {
    const edited = good.replace(from, to);
    expect(edited).not.toBe(good);
    const changed = diffSpecs(spec(good), spec(edited)).map((d) => d.path);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter((p) => !p.startsWith(path))).toEqual([]);
  });
});

// --- what does not -----------------------------------------------------------------------------------------------------

const messy = good
  .replace(/\n {2}/g, '\n\t\t')
  .replace('experiment good {', 'experiment   good{ // why\n')
  .replace(': "text"', '   :\n "text"')
  .replace('epochs: 2', 'epochs:2');

describe('what does not change the Spec', () => {
  it('comments, spaces and the printer', () => {
    expect(messy).not.toBe(good);
    for (const text of [messy, printFile(parseFile(good, 'a.peft').value), printFile(parseFile(messy, 'a.peft').value)])
      expect(hash(spec(text))).toBe(hash(spec(good)));
  });

  it('the printer, for every experiment of the tests of findings that has none', () => {
    const folder = fileURLToPath(new URL('../errors/check', import.meta.url));
    let compared = 0;
    for (const file of readdirSync(folder).filter((f) => f.endsWith('.txt'))) {
      for (const one of casesOf(readFileSync(join(folder, file), 'utf8')).cases) {
        if (/\^ error|: error|^\s+= /m.test(one.text)) continue;
        const text = one.head + one.text;
        const [a, b] = [text, printFile(parseFile(text, 'a.peft').value)].map((t) =>
          [...resolveAll(t, one.given).values()].map((r) => hash(r.spec)),
        );
        expect(b, one.title).toEqual(a);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(5);
  });

  it('the order of sections and fields, and a default that is written out', () => {
    const turned = good.replace(/( {2}data .*\n)( {2}tune .*\n)/, '$2$1').replace('epochs: 2', 'batch: 16  epochs: 2');
    expect(turned).not.toBe(good);
    expect(hash(spec(turned))).toBe(hash(spec(good)));
  });

  it('another way to write the same modules, unit or number', () => {
    const same = good
      .replace('layers[0].attention.query', '"bert.encoder.layer.0.attention.self.query"')
      .replace('1e-3', '0.001')
      .replace('alpha', 'alpha')
      .replace('30%', '30.0%');
    expect(hash(spec(same))).toBe(hash(spec(good)));
  });
});

describe('a length that nobody wrote', () => {
  const open = good.replace('max_length: 8 tokens', '');
  it('is the default', () =>
    expect(resolveLast(open, { config: { max_position_embeddings: 300 }, tensors: 'none' }).spec.data.max_length).toBe(128));
  it('is what the base takes, where that is less', () => {
    expect(spec(open).data.max_length).toBe(9);
    expect(spec(open).origins['data.max_length']).toEqual({ kind: 'default', of: 'data' });
  });
});

// --- derivation --------------------------------------------------------------------------------------------------------

const derived = (body: string): Spec => ({ ...spec(`${good}\nexperiment other = good { ${body} }`), name: 'good' });
const query = 'bert.encoder.layer.0.attention.self.query';

describe('a derived experiment', () => {
  it('takes over every statement', () => expect(hash(derived(''))).toBe(hash(spec(good))));

  it('replaces field by field', () =>
    expect(diffSpecs(spec(good), derived('tune { epochs: 5 }')).map((d) => d.path)).toEqual(['tune.epochs']));

  it('replaces the base whole', () => {
    const { base } = derived('base bert from "models/bert" for classify(labels: 2)');
    expect(base).toEqual({
      model: 'bert',
      source: { kind: 'local', path: 'models/bert' },
      overrides: {},
      task: { name: 'classify', args: { labels: 2 } },
    });
  });

  it('adds its adapters after those it takes over: the later one wins', () => {
    const { adapters } = derived('adapt attention.{query, key} with lora(rank: 2)');
    expect(adapters.map((a) => [a.module.replace('bert.encoder.layer.', ''), a.args['rank']])).toEqual([
      ['0.attention.self.query', 2],
      ['0.attention.self.key', 2],
      ['1.attention.self.query', 2],
      ['1.attention.self.key', 2],
    ]);
    const back = derived(`adapt attention with lora(rank: 2)  adapt "${query}" with lora(rank: 1)`).adapters;
    expect(back.find((a) => a.module === query)?.args['rank']).toBe(1);
  });

  it('adds what is trained', () => expect(derived('train pooler').trained).toEqual(['bert.pooler.dense', 'classifier']));

  it('works over several steps, in any order of the text', () => {
    const all = resolveAll(
      `experiment c = b { tune { batch: 4 } }\n${good.replace('import', '//')}\nexperiment b = good { tune { epochs: 7 } }`.replace(
        /^(experiment c.*\n)\/\/ (std.*\n)/,
        'import $2$1',
      ),
    );
    const { tune } = (all.get('c') ?? expect.fail('c')).spec;
    expect([tune.epochs, tune.batch]).toEqual([7, 4]);
  });

  it('names what it changed at its own place', () => {
    const text = `${good}\nexperiment other = good { tune { epochs: 5 } }`;
    const origin = spec(text).origins['tune.epochs'];
    expect(origin?.kind === 'written' ? origin.span.start : 0).toBeGreaterThan(good.length);
    expect(resolveLast(text).spec.tune.epochs).toBe(5);
  });
});
