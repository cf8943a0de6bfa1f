/**
 * @file What models.test.ts and models-other.test.ts share, so that they run side by side: every model of the standard library on a
 * tiny configuration with every method, for every task it says it can do. Shapes, the gradient of what is trained against
 * differences in f64, merging, the plan, and what is written. A model is found by its definition; `configs/NAME.json` holds
 * its configuration.
 *
 * Every method meets every model on the model's first task, and every task of a model meets the first method.
 */
import { describe, expect, it } from 'vitest';
import { adapterFiles } from '../../compiler/driver/adapter-files.js';
import { compile } from '../../compiler/driver/compile.js';
import { evalGraph, initialGraph, saveGraph } from '../../compiler/driver/graphs.js';
import { updateGraph } from '../../compiler/driver/update.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { verify } from '../../compiler/graph/verify.js';
import { verifyProgram } from '../../compiler/plan/verify.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Definition } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { softwareTarget } from '../kernels/targets.js';
import { configs, modelOf, modelTasks, type JsonObject } from '../spec/world.js';
import { expectGradient, expectMerged, rows, tokens } from './adapted.js';
import { found } from './definitions.js';
import { call, experiment } from './experiment.js';

/** The names of all models. */
export const models = found('model').map((d) => d.definition.name.text);
/** Every method. */
export const adapters = found('adapter').map((d) => d.definition);

/** Sizes that fit tiny weights, by the parameter they are given to. */
const small: Readonly<Record<string, string>> = {
  rank: '2',
  block: '2',
  group: '2',
  vector_length: '2',
  num_vectors: '3',
  frequencies: '5',
  virtual_tokens: '2',
  scaling: '2',
};

interface Method {
  readonly method: string;
  /** As it is by default; else with every switch turned on. */
  readonly plain: boolean;
}

function methodsOf(d: Definition): Method[] {
  const sizes = Object.fromEntries(
    d.params.flatMap((p) => (small[p.name.text] === undefined ? [] : [[p.name.text, small[p.name.text] as string] as const])),
  );
  const switches = Object.fromEntries(
    d.params.flatMap((p) => (p.type?.kind === 'type-name' && p.type.name.text === 'Bool' ? [[p.name.text, 'true'] as const] : [])),
  );
  const plain = { method: call(d, sizes), plain: true };
  return Object.keys(switches).length === 0 ? [plain] : [plain, { method: call(d, { ...sizes, ...switches }), plain: false }];
}

/** A method on a model; undefined where the model has no module that the method acts on. Nothing else may be wrong. */
function fitted(model: string, task: string, method: string): Resolved | undefined {
  try {
    return adapted(model, task, method);
  } catch (error) {
    if (/nothing here (is an? \w+ module|has a tensor)/.test(String(error))) return undefined;
    throw error;
  }
}

/** A head of one output has no room for a rank. */
const selectorOf = (model: string, task: string): string =>
  modelOf(model, configs.get(model) as JsonObject, task).parts.has('head') || task !== 'causal' ? 'all except head' : 'all';

const adapted = (model: string, task: string, method: string): Resolved =>
  experiment(model, task, `adapt ${selectorOf(model, task)} with ${method}`, task === 'mlm' ? { rate: '60%' } : {});

/** The methods on a model: all of them on its first task, the first of them on the others. */
export function casesOf(model: string) {
  const [first, ...others] = modelTasks(model) as [string, ...string[]];
  // A method with its switches on meets the first and the last model alone.
  const wanted = adapters.flatMap(methodsOf).filter((m) => m.plain || model === models[0] || model === models.at(-1));
  const methods = wanted.flatMap((m) => {
    const r = fitted(model, first, m.method);
    return r === undefined ? [] : [{ ...m, r }];
  });
  const [one] = methods as [(typeof methods)[number], ...(typeof methods)[number][]];
  return [
    ...methods.map((m) => ({ model, task: first, ...m })),
    ...others.map((task) => ({ model, task, ...one, r: adapted(model, task, one.method) })),
  ];
}

/** A method on a model. */
export type Case = ReturnType<typeof casesOf>[number];

/** Holds cases to what every method on every model is held to. */
export function describeCases(cases: readonly Case[]): void {
  describe.each(cases)('$model for $task with $method', ({ model, method, r }) => {
    const layout = layoutOf(r);

    it('has logits of the right shape', () => {
      const { graph } = evalGraph(r, layout, { rows, tokens }, { adapted: true, logits: true });
      expect(verify(graph)).toEqual([]);
      const shape = graph.nodes[graph.outputs.find((o) => o.name === 'logits')?.node ?? -1]?.shape ?? [];
      const labels = r.task.args.get('labels');
      const one = r.batch.some((f) => f.recipe === 'class' || f.recipe === 'number');
      const width = labels?.kind === 'number' ? labels.value : one ? 1 : configs.get(model)?.['vocab_size'];
      expect([shape[0], shape.at(-1)]).toEqual([rows, width]);
      expect(shape.length).toBe(one ? 2 : 3);
      if (!one) expect(shape[1]).toBe(method.startsWith('prompt') ? tokens + 2 : tokens);
    });

    it('has the gradient of what is trained', () => {
      expect(verify(updateGraph(r, layout).graph)).toEqual([]);
      // There the gradient is one of another function on purpose.
      if (!method.includes('peft_gradient: true')) expectGradient(r, layout);
    });

    it('computes the same with its weights merged, or says why it cannot', () => {
      const refused = expectMerged(r, layout);
      if (refused !== undefined)
        expect(refused).toMatch(/has no weight to merge into|has no bias that|is used elsewhere too|is no stored tensor/);
    });

    it('is planned, every entry of it', () => {
      const diagnostics: Diagnostic[] = [];
      const compiled = compile(r, { target: softwareTarget, rows, lengths: [tokens], digest: (text) => String(text.length) }, diagnostics);
      expect(diagnostics).toEqual([]);
      const program = compiled?.run.program;
      expect(program?.entries.map((e) => e.name)).toEqual(
        expect.arrayContaining([`train/${rows}x${tokens}`, `eval/${rows}x${tokens}`, 'update']),
      );
      expect(program === undefined ? ['no program'] : verifyProgram(program)).toEqual([]);
    });

    it('writes every tensor that it trains, each once', () => {
      const saved = saveGraph(r);
      if (saved !== undefined) expect(verify(saved.entry.graph)).toEqual([]);
      const initial = initialGraph(r);
      if (initial !== undefined) expect(verify(initial.graph)).toEqual([]);
      const files = adapterFiles(r, layout, saved?.saved ?? []);
      const inPlace = [...r.adapters.values()].every((a) => a.storage.length === 0) && files.length === 0;
      if (inPlace) return;
      expect(files.length).toBe(1);
      const written = files.flatMap((f) => f.tensors);
      expect(layout.trainables.filter((t) => !written.some((w) => w.name === t.name)).map((t) => t.name)).toEqual([]);
      expect(new Set(written.map((w) => w.key)).size).toBe(written.length);
    });
  });
}
