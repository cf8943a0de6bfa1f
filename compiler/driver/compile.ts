/**
 * @file Compile: a resolved experiment and the shapes of its batches → Package. The one place that says which entries a
 * run has: `train/ROWSxTOKENS` and `eval/ROWSxTOKENS` for each padded length, and `update`.
 */
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { attempt, stop } from '../elaborate/stop.js';
import { learningRate } from '../elaborate/optimizer.js';
import { plan, TooLarge, type PlanEntry, type WatchKernels } from '../plan/plan.js';
import type { BatchInput, Package, Program, Target } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import { adapterConfig, keyPrefix } from '../spec/foreign.js';
import { allModules } from '../elaborate/instance.js';
import { canonical, meaning } from '../spec/spec.js';
import { metricsOf, recipes } from '../spec/task.js';
import { evalGraph, trainGraph, updateGraph, type EntryGraph } from './graphs.js';
import { layoutOf, type Layout } from './layout.js';
import type { Watch } from './passes.js';

/** What an experiment is compiled for. */
export interface CompileOptions {
  readonly target: Target;
  /** Rows of a batch. */
  readonly rows: number;
  /** Padded lengths. */
  readonly lengths: readonly number[];
  /** Digest of a text: the compiler has none of its own. */
  readonly digest: (text: string) => string;
  readonly watch?: (entry: string) => Watch | undefined;
  readonly watchKernels?: WatchKernels;
}

/** A compiled experiment, and how its tensors lie. */
export interface Compiled {
  readonly run: Package;
  readonly layout: Layout;
}

/** Host-written inputs of an entry, under the names that the runtime writes: `ENTRY/FIELD`. */
export function entryOf(name: string, resolved: Resolved, shape: { readonly rows: number; readonly tokens: number } | undefined, made: EntryGraph): PlanEntry {
  const size = { b: shape?.rows ?? 1, t: shape?.tokens ?? 1 };
  const inputs = shape === undefined ? [] : resolved.batch.map((f) => ({ input: f.name, tensor: `${name}/${f.name}`, shape: recipes[f.recipe].map((axis) => size[axis]), dtype: 'i32' as const }));
  return { name, graph: made.graph, hosts: made.hosts, inputs };
}

/** Compiles an experiment; what cannot be is told as diagnostics. */
export function compile(resolved: Resolved, options: CompileOptions, diagnostics: Diagnostic[]): Compiled | undefined {
  const at = resolved.spec.origins['base'];
  const span = at?.kind === 'written' ? at.span : resolved.task.definition.span;
  return attempt(
    diagnostics,
    () => {
      const layout = layoutOf(resolved, options.target.maxBindingBytes);
      const watch = (name: string): Watch | undefined => options.watch?.(name);
      const entries: PlanEntry[] = [];
      for (const tokens of options.lengths) {
        const shape = { rows: options.rows, tokens };
        const name = `${options.rows}x${tokens}`;
        entries.push(entryOf(`train/${name}`, resolved, shape, trainGraph(resolved, layout, shape, { dropout: true }, watch(`train/${name}`))));
        entries.push(entryOf(`eval/${name}`, resolved, shape, evalGraph(resolved, layout, shape, { adapted: true, logits: false }, watch(`eval/${name}`))));
      }
      entries.push(entryOf('update', resolved, undefined, updateGraph(resolved, layout, watch('update'))));
      const program = planned(entries, layout, options, span);
      return { run: packageOf(resolved, layout, program, options), layout };
    },
    span,
  );
}

/** Plans; what the device cannot hold is told at the base. */
function planned(entries: readonly PlanEntry[], layout: Layout, options: CompileOptions, span: Span): Program {
  try {
    return plan(entries, layout.persistent, options.target, options.watchKernels);
  } catch (error) {
    if (error instanceof TooLarge) return stop('PEFT0703', span, error.message, { help: 'lower tune.batch or data.max_length, or choose a smaller base' });
    throw error;
  }
}

/** What is hashed of a Spec: its meaning as canonical text. */
export const hashedText = (resolved: Resolved): string => canonical(meaning(resolved.spec));

function packageOf(resolved: Resolved, layout: Layout, program: Program, options: CompileOptions): Package {
  const config = adapterConfig(resolved);
  return {
    format: 'peft-package',
    version: 1,
    hash: options.digest(hashedText(resolved)),
    spec: resolved.spec,
    program,
    batch: resolved.batch.map((f): BatchInput => ({ name: f.name, recipe: f.recipe, column: f.column ?? null, classes: f.classes ?? null })),
    lengths: options.lengths,
    rows: options.rows,
    rate: learningRate(resolved.optimizer, resolved.schedule),
    trained: layout.trainables.map((t) => ({ name: t.name, key: t.key, shape: t.shape })),
    drawn: drawnTensors(resolved, layout),
    adapterConfig: config.ok ? config.value : null,
    metrics: metricsOf(resolved.task.definition),
  };
}

/** Frozen tensors that were newly drawn; in a module that carries an adapter PEFT calls them `base_layer.…`. */
function drawnTensors(resolved: Resolved, layout: Layout): Package['drawn'] {
  const trained = new Set(layout.trainables.map((t) => t.name));
  const adapted = new Set([...resolved.adapters.keys()].map((m) => m.path));
  return allModules(resolved.model).flatMap((m) =>
    m.storage.flatMap((s) => {
      const name = s.keys[0] as string;
      if (resolved.bindings.get(name)?.kind !== 'fresh' || trained.has(name)) return [];
      const key = adapted.has(m.path) ? `${m.path}.base_layer${name.slice(m.path.length)}` : name;
      return [{ name, key: keyPrefix + key, shape: s.shape }];
    }),
  );
}
