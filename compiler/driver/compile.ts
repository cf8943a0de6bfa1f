/**
 * @file Compile: a resolved experiment and the shapes of its batches → Package. The one place that says which entries a
 * run has: `train/ROWSxTOKENS` and `eval/ROWSxTOKENS` for each padded length, `update`, and where they are needed `initial` (first
 * values that are computed) and `save` (tensors of the adapter's file that are computed).
 */
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { attempt, stop } from '../elaborate/stop.js';
import { learningRate } from '../elaborate/optimizer.js';
import { plan, TooLarge, type PlanEntry, type WatchKernels } from '../plan/plan.js';
import type { BatchInput, Package, Program, Target } from '../plan/program.js';
import type { Persistent } from '../plan/persistent.js';
import type { Resolved } from '../spec/check.js';
import { canonical, meaning } from '../spec/spec.js';
import { metricsOf, recipes, recipeType } from '../spec/task.js';
import { plannedBytes } from './budget.js';
import { adapterFiles } from './adapter-files.js';
import { evalGraph, initialGraph, mergeGraph, saveGraph, trainGraph, type EntryGraph, type Saved } from './graphs.js';
import { pageGraph, updateEndGraph, updateGraph } from './update.js';
import { hoist } from './hoist.js';
import { flat, layoutOf, pageElements, type Layout } from './layout.js';
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
  /** Undefined where everything of the forward pass is kept. */
  readonly recomputed: Recomputed | undefined;
}

/** Host-written inputs of an entry, under the names that the runtime writes: `ENTRY/FIELD`. */
export function entryOf(
  name: string,
  resolved: Resolved,
  shape: { readonly rows: number; readonly tokens: number } | undefined,
  made: EntryGraph,
): PlanEntry {
  const size = { b: shape?.rows ?? 1, t: shape?.tokens ?? 1 };
  const inputs =
    shape === undefined
      ? []
      : resolved.batch.map((f) => ({
          input: f.name,
          tensor: `${name}/${f.name}`,
          shape: recipes[f.recipe].map((axis) => size[axis]),
          dtype: recipeType(f.recipe),
        }));
  return { name, graph: made.graph, hosts: made.hosts, inputs };
}

/** Compiles an experiment; what cannot be is told as diagnostics. */
export function compile(resolved: Resolved, options: CompileOptions, diagnostics: Diagnostic[]): Compiled | undefined {
  const at = resolved.spec.origins['base'];
  const span = at?.kind === 'written' ? at.span : resolved.task.definition.span;
  const asked = resolved.spec.origins['tune.precision'];
  if (resolved.spec.tune.precision === 'f16' && !options.target.f16)
    diagnostics.push({
      code: 'PEFT0705',
      severity: 'info',
      span: asked?.kind === 'written' ? asked.span : span,
      message: 'this device has no 16-bit floats: activations and frozen weights stay in f32',
      help: 'peft doctor shows what the device has; peft plan --target gpu plans for one that has them',
    });
  return attempt(
    diagnostics,
    () => {
      const saved = saveGraph(resolved);
      const { program, layout, recomputed } = chosenPlan(resolved, options, saved?.entry, span);
      return { run: packageOf(resolved, layout, program, saved?.saved ?? [], options), layout, recomputed };
    },
    span,
  );
}

interface Planned {
  readonly program: Program;
  readonly layout: Layout;
  readonly recomputed: Recomputed | undefined;
}

/** The choices that a word of `tune` leaves open, dearest in bytes first. */
const choices = (word: 'none' | 'auto' | 'layers' | 'optimizer'): readonly boolean[] =>
  word === 'none' ? [false] : word === 'auto' ? [false, true] : [true];

/** The plan as `tune.checkpointing` and `tune.paging` want it. What they leave to the budget costs time: paging little, so it is tried
 * first; where nothing fits, the smallest plan is taken. */
function chosenPlan(resolved: Resolved, options: CompileOptions, save: EntryGraph | undefined, span: Span): Planned {
  const { tune, budget } = resolved.spec;
  const candidates = choices(tune.checkpointing).flatMap((checkpoints) => choices(tune.paging).map((paged) => ({ checkpoints, paged })));
  const made = ({ checkpoints, paged }: (typeof candidates)[number]): Planned => {
    const layout = layoutOf(resolved, options.target.maxBindingBytes, {
      narrow: isNarrow(resolved, options.target),
      ...(paged ? { pageElements } : {}),
    });
    const { entries, kept } = hoist(entriesOf(resolved, layout, options, save, checkpoints), layout.persistent);
    const program = planned(entries, [...layout.persistent, ...kept], options, span, layout.narrow);
    return { program, layout, recomputed: checkpoints ? recomputedIn(resolved, layout, options, program) : undefined };
  };
  let best: Planned | undefined;
  let fault: unknown;
  for (const candidate of candidates) {
    try {
      const next = made(candidate);
      if (best === undefined || plannedBytes(next.program) < plannedBytes(best.program)) best = next;
      if (plannedBytes(best.program) <= (budget.gpu_memory ?? Infinity)) break;
    } catch (error) {
      // What one candidate cannot be the next may be.
      fault ??= error;
    }
  }
  if (best === undefined) throw fault;
  return best;
}

/** What is computed twice in a training step of the longest batch. */
export interface Recomputed {
  readonly flops: number;
  /** Of the step with the recomputation. */
  readonly of: number;
}

function recomputedIn(resolved: Resolved, layout: Layout, options: CompileOptions, program: Program): Recomputed {
  const tokens = options.lengths.at(-1) ?? 1;
  const name = `train/${options.rows}x${tokens}`;
  const count = (p: Program): number => p.entries.find((e) => e.name === name)?.steps.reduce((sum, s) => sum + s.flops, 0) ?? 0;
  const shape = { rows: options.rows, tokens };
  const entry = entryOf(name, resolved, shape, trainGraph(resolved, layout, shape, { dropout: true }));
  const unlimited = { ...options.target, maxBufferBytes: Infinity, maxBindingBytes: Infinity };
  const once = plan([entry], layout.persistent, unlimited, { narrow: layout.narrow ? narrowing : undefined });
  return { flops: count(program) - count(once), of: count(program) };
}

function entriesOf(
  resolved: Resolved,
  layout: Layout,
  options: CompileOptions,
  save: EntryGraph | undefined,
  checkpoints: boolean,
): PlanEntry[] {
  const watch = (name: string): Watch | undefined => options.watch?.(name);
  const entries: PlanEntry[] = [];
  for (const tokens of options.lengths) {
    const shape = { rows: options.rows, tokens };
    const [train, evaluation] = [`train/${options.rows}x${tokens}`, `eval/${options.rows}x${tokens}`];
    entries.push(entryOf(train, resolved, shape, trainGraph(resolved, layout, shape, { dropout: true, checkpoints }, watch(train))));
    entries.push(
      entryOf(evaluation, resolved, shape, evalGraph(resolved, layout, shape, { adapted: true, logits: false }, watch(evaluation))),
    );
  }
  entries.push(entryOf('update', resolved, undefined, updateGraph(resolved, layout, watch('update'))));
  layout.pages.forEach((page, i) => entries.push(entryOf(page.entry, resolved, undefined, pageGraph(resolved, layout, i))));
  if (layout.pages.length > 0) entries.push(entryOf('update.end', resolved, undefined, updateEndGraph(layout)));
  const initial = initialGraph(resolved);
  if (initial !== undefined) entries.push(entryOf('initial', resolved, undefined, initial));
  if (save !== undefined) entries.push(entryOf('save', resolved, undefined, save));
  return entries;
}

/** Names of the tensors of 16-bit training. */
const narrowing = { flags: flat.flags, scale: flat.lossScale } as const;

/** Whether activations and frozen weights stand in 16 bits: as asked for, where the device has 16-bit floats. */
const isNarrow = (resolved: Resolved, target: Target): boolean => resolved.spec.tune.precision === 'f16' && target.f16;

/** Plans; what the device cannot hold is told at the base. */
function planned(
  entries: readonly PlanEntry[],
  persistent: readonly Persistent[],
  options: CompileOptions,
  span: Span,
  narrow: boolean,
): Program {
  try {
    return plan(entries, persistent, options.target, {
      watch: options.watchKernels,
      narrow: narrow ? narrowing : undefined,
    });
  } catch (error) {
    if (error instanceof TooLarge)
      return stop('PEFT0703', span, error.message, { help: 'lower tune.batch or data.max_length, or choose a smaller base' });
    throw error;
  }
}

/** What is hashed of a Spec: its meaning as canonical text. */
export const hashedText = (resolved: Resolved): string => canonical(meaning(resolved.spec));

function packageOf(resolved: Resolved, layout: Layout, program: Program, saved: readonly Saved[], options: CompileOptions): Package {
  return {
    format: 'peft-package',
    version: 1,
    hash: options.digest(hashedText(resolved)),
    spec: resolved.spec,
    program,
    batch: resolved.batch.map((f): BatchInput => ({
      name: f.name,
      recipe: f.recipe,
      column: f.column ?? null,
      classes: f.classes ?? null,
    })),
    lengths: options.lengths,
    rows: options.rows,
    pages: layout.pages.map(({ entry, state }) => ({
      entry,
      tensors: state.flatMap((s) => (s.format === undefined ? [s.tensor] : s.format.parts.map((p) => p.tensor))),
    })),
    rate: learningRate(resolved.optimizer, resolved.schedule),
    trained: layout.trainables.map((t) => ({ name: t.name, key: t.key, shape: t.shape })),
    adapters: adapterFiles(resolved, layout, saved),
    metrics: metricsOf(resolved.task.definition),
  };
}

/** What folds the adapters of an experiment into its base: entry `merge` with the values `merged/TENSOR`, and what is needed to read the adapters. */
export interface CompiledMerge extends Pick<Package, 'adapters' | 'trained'> {
  readonly program: Program;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Compiles the merge of an experiment; why it cannot be merged is told as a diagnostic. */
export function compileMerge(resolved: Resolved, target: Target, diagnostics: Diagnostic[]): CompiledMerge | undefined {
  const at = resolved.spec.origins['base'];
  const span = at?.kind === 'written' ? at.span : resolved.task.definition.span;
  return attempt(
    diagnostics,
    () => {
      const layout = layoutOf(resolved, target.maxBindingBytes);
      const merge = mergeGraph(resolved, layout);
      if ('refused' in merge)
        return stop('PEFT0704', span, `the adapters cannot be merged: ${merge.refused}`, { help: 'use the adapter beside its base' });
      const initial = initialGraph(resolved);
      const entries = [
        entryOf('merge', resolved, undefined, merge.entry),
        ...(initial === undefined ? [] : [entryOf('initial', resolved, undefined, initial)]),
      ];
      const program = plan(entries, neededOf(layout, entries), target);
      return {
        program,
        tensors: merge.tensors,
        adapters: adapterFiles(resolved, layout, saveGraph(resolved)?.saved ?? []),
        trained: layout.trainables.map((t) => ({ name: t.name, key: t.key, shape: t.shape })),
      };
    },
    span,
  );
}

/** The persistent tensors that entries use, those that an adapter's file fills, and what those are made of. */
function neededOf(layout: Layout, entries: readonly PlanEntry[]): Persistent[] {
  const used = new Set([
    ...entries.flatMap((e) => [
      ...e.graph.nodes.flatMap((n) => (n.op === 'tensor' ? [n.attrs['name'] as string] : [])),
      ...e.graph.outputs.flatMap((o) => o.tensor ?? []),
    ]),
    ...layout.trainables.map((t) => t.name),
    ...layout.fixed.map((t) => t.name),
  ]);
  const byName = new Map(layout.persistent.map((p) => [p.name, p] as const));
  for (const name of used) {
    const p = byName.get(name);
    if (p?.within !== undefined) used.add(p.within.tensor);
    if (p?.source.kind === 'init' && p.source.init.kind === 'host' && p.source.init.of !== undefined) used.add(p.source.init.of.tensor);
  }
  return layout.persistent.filter((p) => used.has(p.name));
}
