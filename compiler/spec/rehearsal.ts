/**
 * @file Rehearsal: what an experiment will compute is elaborated once on shapes alone, so that a definition that does not fit is
 * told when the experiment is checked. Nothing is computed and nothing is kept.
 */
import type { TypeExpr } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { callModule } from '../elaborate/call-module.js';
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import type { FormatInstance } from '../elaborate/format.js';
import {
  allModules,
  type AdapterInstance,
  type BoundDefinition,
  type ModuleInstance,
  type StorageInstance,
} from '../elaborate/instance.js';
import { moduleScope } from '../elaborate/members.js';
import { elaborateUpdate, learningRate, optimizerState } from '../elaborate/optimizer.js';
import { localScope } from '../elaborate/scope.js';
import { attempt, told } from '../elaborate/stop.js';
import { mergedSite } from '../elaborate/merge.js';
import { elaborateTask } from '../elaborate/task-graph.js';
import { integer, type Value } from '../elaborate/value.js';
import { dimsOf } from '../elaborate/types.js';
import { createGraph, type GraphBuilder } from '../graph/builder.js';
import { jsonArgs } from './json.js';
import type { BatchField } from './task.js';

/** Everything a run computes. */
export interface Rehearsal {
  readonly model: ModuleInstance;
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  readonly formats: ReadonlyMap<StorageInstance, FormatInstance>;
  readonly task: BoundDefinition;
  readonly batch: readonly BatchField[];
  readonly optimizer: BoundDefinition;
  readonly schedule: BoundDefinition;
  readonly maxLength: number;
  /** Where base, length, optimiser, schedule and the method of each adapter are written; the length may be a default. */
  readonly at: {
    readonly base: Span;
    readonly length: Span | undefined;
    readonly optimizer: Span;
    readonly schedule: Span;
    readonly adapters: ReadonlyMap<AdapterInstance, Span>;
  };
}

/** Fewer tokens than any model is refused for. */
const fewTokens = 4;

/** Elaborates a training step over the longest batch, and an update; gives the length of that batch. A length that nobody wrote is cut to
 * what the model takes. */
export function rehearse(r: Rehearsal, diagnostics: Diagnostic[]): number {
  const faults = forward(r, r.maxLength);
  let length = r.maxLength;
  if (faults.length > 0) {
    // What one site alone shows is told where its adapter is written; what does not hold for the longest batch but for a short one is
    // a matter of the length.
    const sites = adapterFaults(r);
    const short = r.maxLength > fewTokens ? forward(r, fewTokens) : faults;
    if (sites.length > 0) diagnostics.push(...sites);
    else if (short.length > 0) diagnostics.push(...short);
    else if (r.at.length === undefined) length = longest(r);
    else diagnostics.push(...faults.map((d) => ({ ...d, span: r.at.length as Span })));
  }
  rehearseUpdate(r, diagnostics);
  return length;
}

/** The longest batch that the model takes, between a few tokens and the length that is too long. */
function longest(r: Rehearsal): number {
  let [good, bad] = [fewTokens, r.maxLength];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (forward(r, middle).length === 0) good = middle;
    else bad = middle;
  }
  return good;
}

function rehearseUpdate(r: Rehearsal, diagnostics: Diagnostic[]): void {
  const rate = attempt(diagnostics, () => learningRate(r.optimizer, r.schedule), r.at.schedule);
  if (rate === undefined) return;
  attempt(
    diagnostics,
    () => {
      const g = createGraph();
      const stored = (name: string): number => g.add('tensor', [], { name, shape: [4], dtype: 'f32' });
      elaborateUpdate(
        createElaboration(g, { training: true }),
        r.optimizer,
        rate,
        stored('p'),
        stored('g'),
        new Map(optimizerState(r.optimizer).map((s) => [s.name, stored(`state ${s.name}`)])),
      );
    },
    r.at.optimizer,
  );
}

function forward(r: Rehearsal, tokens: number): Diagnostic[] {
  const found: Diagnostic[] = [];
  attempt(
    found,
    () =>
      elaborateTask(
        createElaboration(createGraph(), { training: true, adapters: r.adapters, formats: r.formats }),
        slim(r),
        r.task,
        r.batch,
        {
          rows: 2,
          tokens,
        },
      ),
    r.at.base,
  );
  return found;
}

/** The model with one module of each kind in its lists: layers that are alike, their adapters too, fit or fail alike. */
function slim(r: Rehearsal): ModuleInstance {
  const statements = [...new Set([...r.adapters.values()].map((a) => a.params))];
  const parts = [...r.model.parts].map(([name, part]) => {
    if (!Array.isArray(part)) return [name, part] as const;
    const seen = new Set<string>();
    const kept = (part as readonly ModuleInstance[]).filter((one) => {
      const adapted = allModules(one).map((m) => statements.findIndex((params) => params === r.adapters.get(m)?.params));
      const like = `${one.definition.name.text} ${JSON.stringify(jsonArgs(one.params))} ${adapted.join()}`;
      return seen.has(like) ? false : seen.add(like);
    });
    return [name, kept] as const;
  });
  return { ...r.model, parts: new Map(parts) };
}

/** Faults of adapters on one site of each kind, each told where the adapter is written. */
function adapterFaults(r: Rehearsal): Diagnostic[] {
  const found: Diagnostic[] = [];
  const seen = new Set<string>();
  for (const adapter of r.adapters.values()) {
    const at = r.at.adapters.get(adapter) ?? r.at.base;
    const like = JSON.stringify([at, adapter.site.definition.name.text, jsonArgs(adapter.site.params)]);
    if (seen.has(like)) continue;
    seen.add(like);
    attempt(found, () => rehearseAdapter(r, adapter, at));
  }
  // The same fault on sites of other sizes is one fault.
  return found.filter(
    (d, i) => found.findIndex((o) => o.code === d.code && o.span.start === d.span.start && o.span.file === d.span.file) === i,
  );
}

/** One site with its adapter, forward and merged; a fault is told at `at`, or in the user's own definition. */
function rehearseAdapter(r: Rehearsal, adapter: AdapterInstance, at: Span): void {
  const { site } = adapter;
  told(at, () => {
    const g = createGraph();
    const e = createElaboration(g, { training: true, adapters: new Map([[site, adapter]]), formats: r.formats });
    const args = sampleArguments(e, g, site);
    if (args !== undefined)
      callModule(
        e,
        site,
        args.map((value) => ({ value, span: at })),
        at,
      );
    else mergedSite(e, adapter);
  }, [{ message: `the site is ${site.path}` }]);
}

/** Arguments of a module's `forward` from the shapes it declares, axes it leaves open being 2; undefined where one has no type. */
function sampleArguments(e: Elaboration, g: GraphBuilder, module: ModuleInstance): Value[] | undefined {
  const forward = module.members.find((m) => m.kind === 'function' && m.name.text === 'forward');
  if (forward?.kind !== 'function') return undefined;
  const scope = localScope(moduleScope(e, module));
  const values = forward.params.map((param, i): Value | undefined => {
    const dims = param.type === undefined ? undefined : dimsOf(param.type);
    if (dims === undefined) return undefined;
    const shape = dims.map((dim) => {
      if (dim.kind === 'rest') return 2;
      if (dim.expr.kind === 'name' && scope.lookup(dim.expr.name) === undefined) scope.define(dim.expr.name, integer(2));
      const size = e.interpreter.evaluate(e, dim.expr, scope);
      return size.kind === 'number' && Number.isInteger(size.value) && size.value > 0 ? size.value : 2;
    });
    return { kind: 'tensor', node: g.add('input', [], { name: `x${i}`, shape, dtype: isWhole(param.type) ? 'i32' : 'f32' }) };
  });
  return values.every((v) => v !== undefined) ? values : undefined;
}

const isWhole = (type: TypeExpr | undefined): boolean => type?.kind === 'type-name' && type.name.text === 'Int';
