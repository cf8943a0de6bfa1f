/**
 * @file Every model of the standard library against transformers: tiny checkpoints whose tensors are functions of their names, so
 * that the numbers of `models-golden.json` (made by `models-golden.py`) are all that is stored. The names, shapes and logits must agree, from
 * the configuration as transformers writes it now and as it wrote it before version 5.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evalGraph } from '../../compiler/driver/graphs.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { elements } from '../../compiler/ops/op.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { BatchField } from '../../compiler/spec/task.js';
import { parseFile } from '../../grammar/parse.js';
import { evaluateScalar } from '../../runtime/scalars.js';
import { factsOf, libraryOf, type JsonObject } from '../spec/world.js';
import { found } from './definitions.js';

interface Golden {
  readonly title: string;
  readonly task: string;
  readonly config: JsonObject;
  readonly old?: JsonObject;
  readonly tensors: { readonly [name: string]: readonly number[] };
  readonly ids: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
  readonly shape: readonly number[];
  readonly logits: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('models-golden.json', import.meta.url), 'utf8')) as { readonly cases: readonly Golden[] };
const library = libraryOf();
const tolerance = 1e-5;

const tasks: { readonly [task: string]: readonly [call: string, columns: string] } = {
  classify: ['classify(labels: 3)', 'text: "text"  label: "label"'],
  regress: ['regress()', 'text: "text"  label: "label"'],
  tag: ['tag(labels: 3)', 'text: "text"  label: "label"'],
  causal: ['causal()', 'text: "text"'],
  mlm: ['mlm(mask_token: 4, rate: 0%)', 'text: "text"'],
};

/** The model that a configuration is for. */
function modelFor(config: JsonObject): string {
  const model = found('model').find((d) => d.definition.foreign.some((f) => f.value === config['model_type']))?.definition.name.text;
  if (model === undefined) throw new Error(`no model is for ${String(config['model_type'])}`);
  return model;
}

/** A base with this configuration and these tensors. */
function resolved(config: JsonObject, golden: Golden): Resolved {
  const [call, columns] = tasks[golden.task] as readonly [string, string];
  const text = `experiment golden {
  base ${modelFor(config)} from "golden" for ${call}
  train all
  data { train: tsv("train.tsv")  max_length: 8 tokens  ${columns} }
  tune { optimizer: adamw(lr: 1e-3) }
}`;
  const given = factsOf({ config });
  const tensors = new Map(Object.entries(golden.tensors).map(([name, shape]) => [name, { shape, dtype: 'F32' }] as const));
  const facts: typeof given = {
    ...given,
    base: (source) => {
      const base = given.base(source);
      return base.ok ? { ok: true, value: { ...base.value, config, tensors } } : base;
    },
  };
  const checked = checkFile(parseFile(text, 'golden.peft').value, library, facts);
  const errors = checked.diagnostics.filter((d) => d.severity === 'error');
  const one = checked.experiments[0]?.resolved;
  if (errors.length > 0 || one === undefined) throw new Error(errors.map((d) => [d.message, d.help].join('; ')).join('\n'));
  return one;
}

/** `values` of models-golden.py. */
function valuesOf(name: string, shape: readonly number[]): Float64Array {
  const start = [...name].reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);
  const gain = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
  return Float64Array.from({ length: elements(shape) }, (_, i) => {
    let x = (start + Math.imul(i, 0x9e3779b1)) >>> 0;
    x = (x ^ (x >>> 15)) >>> 0;
    x = Math.imul(x, 0x85ebca6b) >>> 0;
    x = (x ^ (x >>> 13)) >>> 0;
    return Math.fround(gain + 0.6 * (x / 2 ** 32 - 0.5));
  });
}

function batchValues(field: BatchField, golden: Golden): Float64Array {
  switch (field.recipe) {
    case 'tokens':
    case 'targets':
      return Float64Array.from(golden.ids.flat());
    case 'token_mask':
      return Float64Array.from(golden.mask.flat());
    case 'class':
    case 'number':
      return new Float64Array(golden.ids.length);
    case 'tags':
      return new Float64Array(golden.ids.flat().length);
    default:
      return field.recipe satisfies never;
  }
}

/** Logits of a resolved base; `change` may alter the tensors first. */
function logitsOf(r: Resolved, golden: Golden, change: (name: string, values: Float64Array) => Float64Array = (_, v) => v): Float64Array {
  const entry = evalGraph(
    r,
    layoutOf(r),
    { rows: golden.ids.length, tokens: (golden.ids[0] ?? []).length },
    { adapted: false, logits: true },
  );
  const feeds = new Map(r.batch.map((f) => [f.name, batchValues(f, golden)] as const));
  for (const [name, expr] of entry.hosts) feeds.set(name, Float64Array.of(evaluateScalar(expr, { seed: 1 })));
  for (const node of entry.graph.nodes) {
    if (node.op !== 'tensor') continue;
    const name = node.attrs['name'] as string;
    const binding = r.bindings.get(name);
    if (binding?.kind !== 'checkpoint') throw new Error(`${name} is not of the checkpoint`);
    feeds.set(name, change(binding.key, valuesOf(binding.key, node.shape)));
  }
  return interpret(entry.graph, feeds).get('logits') as Float64Array;
}

/** Relative distance over what no padding decides. */
function distance(got: Float64Array, golden: Golden): number {
  expect(got.length).toBe(golden.logits.length);
  const perToken = golden.shape.length === 3 ? (golden.shape[2] as number) : undefined;
  const counts = (i: number): boolean => perToken === undefined || golden.mask.flat()[Math.floor(i / perToken)] === 1;
  let apart = 0;
  let norm = 0;
  golden.logits.forEach((expected, i) => {
    if (!counts(i)) return;
    apart += ((got[i] as number) - expected) ** 2;
    norm += expected ** 2;
  });
  return Math.sqrt(apart / norm);
}

describe('models against transformers', () => {
  it('every model is among the cases, with every task that it has', () => {
    const covered = new Set(cases.map((c) => `${modelFor(c.config)} ${c.task}`));
    const declared = found('model').flatMap(({ definition: d }) =>
      d.body.kind === 'block' ? d.body.members.flatMap((m) => (m.kind === 'nested' ? [`${d.name.text} ${m.name.text}`] : [])) : [],
    );
    expect(declared.filter((x) => !covered.has(x))).toEqual([]);
  });
});

describe.each(cases)('$title', (golden) => {
  it('has the tensors and the logits of transformers', () => {
    const r = resolved(golden.config, golden);
    const used = [...r.bindings.values()].flatMap((b) => (b.kind === 'checkpoint' ? [b.key] : []));
    expect(used.sort()).toEqual(Object.keys(golden.tensors).sort());
    expect([...r.bindings.values()].filter((b) => b.kind === 'fresh')).toEqual([]);
    expect(distance(logitsOf(r, golden), golden)).toBeLessThan(tolerance);
    const last = used.filter((name) => /norm.*weight|ln_.*weight/i.test(name)).at(-1) as string;
    expect(
      distance(
        logitsOf(r, golden, (name, v) => (name === last ? v.map((x, i) => (i === 0 ? x * 1.01 : x)) : v)),
        golden,
      ),
      'negative control',
    ).toBeGreaterThan(tolerance);
  });

  if (golden.old !== undefined) {
    it('reads the configuration as it was written before version 5', () =>
      expect(distance(logitsOf(resolved(golden.old as JsonObject, golden), golden), golden)).toBeLessThan(tolerance));
  }
});
