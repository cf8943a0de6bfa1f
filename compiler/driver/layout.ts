/**
 * @file Layout of the persistent tensors of an experiment: frozen weights each by itself; everything trained in flat tensors,
 * so that clipping and the optimiser are a few passes over them, with gradient and optimiser state of the same shape. Each
 * trained tensor is a 256-byte aligned range of a flat one; the gaps hold zeros. There is one group of flat tensors for each factor on
 * the learning rate, and more where one would be larger than the device binds at once.
 */
import type { Source } from '../plan/program.js';
import { allModules, keyPrefix, type ModuleInstance, type StorageInit, type StorageInstance } from '../elaborate/instance.js';
import type { FormatInstance } from '../elaborate/format.js';
import type { Resolved } from '../spec/check.js';
import type { Persistent } from '../plan/persistent.js';
import { instantiateFormat } from '../elaborate/instantiate-format.js';
import { optimizerState, type OptimizerState } from '../elaborate/optimizer.js';

/** A source of a tensor that is kept as it is. */
type PlainSource = Exclude<Source, { readonly kind: 'encoded' }>;

/** Names of the flat tensors of a group, and of the sums over a step. */
export const flat = {
  trained: (group: number) => `flat.${group}.trained`,
  gradient: (group: number) => `flat.${group}.gradient`,
  state: (group: number, name: string) => `flat.${group}.state.${name}`,
  loss: 'run.loss_sum',
  count: 'run.count',
} as const;

/** One tensor that is trained. */
export interface Trainable {
  /** Name in graphs: the path of the module and the tensor's foreign name. */
  readonly name: string;
  /** Its key in the adapter's file, and other names it may have there. */
  readonly key: string;
  readonly also: readonly string[];
  readonly shape: readonly number[];
  readonly elements: number;
  /** Which group of flat tensors it lies in, and its first element there. */
  readonly group: number;
  readonly start: number;
  readonly source: Source;
}

/** A tensor of an adapter that is fixed and written to its file. */
export interface Fixed {
  readonly name: string;
  readonly key: string;
  readonly also: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
  /** Whether it can be made again where a file lacks it: it is computed or fixed by a seed of its own, not drawn. */
  readonly remade: boolean;
}

/** One group of flat tensors. */
export interface Group {
  readonly elements: number;
  /** Factor on the learning rate. */
  readonly rate: number;
  /** The optimiser's state over the group. */
  readonly state: readonly GroupState[];
}

/** One tensor of an optimiser's state over a group, and the tensors that hold it where it is kept in fewer bits. */
export interface GroupState extends Pick<OptimizerState, 'name' | 'initial'> {
  readonly format?: FormatInstance;
}

/** Where the tensors of an experiment lie. */
export interface Layout {
  readonly trainables: readonly Trainable[];
  readonly fixed: readonly Fixed[];
  readonly groups: readonly Group[];
  readonly persistent: readonly Persistent[];
  /** Elements of the base, trained or frozen, and of adapters that are not part of it. */
  readonly baseElements: number;
  readonly adapterElements: number;
}

const alignment = 64;

interface Grouping {
  elements: number;
  readonly rate: number;
  /** Which of the state is kept in fewer bits. */
  readonly kind: string;
  readonly state: readonly OptimizerState[];
}
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Whether a tensor of the model is trained itself: its module in full, or by the adapter on it. */
export const isTrained = (resolved: Resolved, module: ModuleInstance, tensor: StorageInstance): boolean =>
  resolved.trained.has(module) || (resolved.adapters.get(module)?.own.some((o) => o.tensor === tensor) ?? false);

/** Lays out the tensors of an experiment. */
export function layoutOf(resolved: Resolved, maxBindingBytes = 2 ** 27): Layout {
  const trainables: Trainable[] = [];
  const fixed: Fixed[] = [];
  const frozen: Persistent[] = [];
  const groups: Grouping[] = [];
  const known = new Set<string>();
  let baseElements = 0;
  let adapterElements = 0;
  const train = (
    name: string,
    [key, ...also]: readonly [string, ...string[]],
    shape: readonly number[],
    source: Source,
    rate = 1,
  ): void => {
    const state = optimizerState(resolved.optimizer, count(shape));
    // Blocks of state in fewer bits begin with a tensor.
    const unit = state.reduce(
      (n, s) => leastCommonMultiple(n, groupState(resolved, s, name, count(shape)).format?.blockSize ?? 1),
      alignment,
    );
    const size = Math.ceil(count(shape) / unit) * unit;
    const kind = state.map((s) => s.format !== undefined).join();
    let group = groups.findLastIndex((g) => g.rate === rate && g.kind === kind);
    if (group < 0 || ((groups[group] as Grouping).elements > 0 && ((groups[group] as Grouping).elements + size) * 4 > maxBindingBytes))
      group = groups.push({ elements: 0, rate, kind, state }) - 1;
    const within = groups[group] as Grouping;
    trainables.push({ name, key, also, shape, elements: count(shape), group, start: within.elements, source });
    within.elements += size;
  };
  for (const adapter of resolved.adapters.values()) {
    for (const s of adapter.storage) {
      const name = s.keys[0] as string;
      const remade = s.init.kind === 'expression' || s.init.kind === 'host' || s.init.kind === 'constant';
      if (s.storage === 'frozen' && s.stored)
        fixed.push(...s.files.map(([key, ...also]) => ({ name, key, also, shape: s.shape, dtype: s.dtype, remade })));
      if (known.has(name)) continue;
      known.add(name);
      adapterElements += count(s.shape);
      const source = initSource(s.init);
      if (s.storage === 'train') train(name, s.files[0] ?? [keyPrefix + name], s.shape, source, s.rate);
      else frozen.push({ name, shape: s.shape, dtype: s.dtype, kind: 'adapter', source });
    }
  }
  for (const module of allModules(resolved.model)) {
    for (const s of module.storage) {
      const name = s.keys[0] as string;
      baseElements += count(s.shape);
      const source = sourceOf(resolved, name, s.init);
      if (isTrained(resolved, module, s))
        train(name, [keyPrefix + (resolved.adapters.get(module)?.own.find((o) => o.tensor === s)?.key ?? name)], s.shape, source);
      else if (resolved.formats.has(s)) frozen.push(...encodedParts(resolved.formats.get(s) as FormatInstance, source));
      else frozen.push({ name, shape: s.shape, dtype: s.dtype, kind: 'weights', source });
    }
  }
  if (groups.length === 0) groups.push({ elements: 0, rate: 1, kind: '', state: optimizerState(resolved.optimizer) });
  const laid = groups.map(({ elements, rate, state }, g): Group => ({
    elements,
    rate,
    state: state.map((s): GroupState => groupState(resolved, s, flat.state(g, s.name), elements)),
  }));
  const whole = (name: string, elements: number, kind: Persistent['kind'], initial = 0): Persistent => ({
    name,
    shape: [elements],
    dtype: 'f32',
    kind,
    source: initial === 0 ? { kind: 'zeros' } : { kind: 'init', init: { kind: 'constant', value: initial } },
  });
  const parts = trainables.flatMap((t): Persistent[] => [
    {
      name: t.name,
      shape: t.shape,
      dtype: 'f32',
      kind: 'adapter',
      source: t.source,
      within: { tensor: flat.trained(t.group), start: t.start },
    },
    {
      name: gradientOf(t.name),
      shape: t.shape,
      dtype: 'f32',
      kind: 'gradients',
      source: { kind: 'zeros' },
      within: { tensor: flat.gradient(t.group), start: t.start },
    },
  ]);
  return {
    trainables,
    fixed,
    groups: laid,
    baseElements,
    adapterElements,
    persistent: [
      ...frozen,
      ...laid.flatMap(({ elements, state }, g) => [
        whole(flat.trained(g), elements, 'adapter'),
        whole(flat.gradient(g), elements, 'gradients'),
        ...state.flatMap((s): Persistent[] =>
          s.format === undefined
            ? [whole(flat.state(g, s.name), elements, 'optimizer', s.initial)]
            : s.format.parts.map((p) => ({ name: p.tensor, shape: p.shape, dtype: p.dtype, kind: 'optimizer', source: { kind: 'zeros' } })),
        ),
      ]),
      { name: flat.loss, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      { name: flat.count, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      ...parts,
    ],
  };
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

function groupState(resolved: Resolved, { name, initial, format }: OptimizerState, tensor: string, elements: number): GroupState {
  if (format === undefined || elements === 0) return { name, initial };
  const { span } = resolved.optimizer.definition.name;
  const weight: StorageInstance = {
    name,
    shape: [elements],
    dtype: 'f32',
    keys: [tensor],
    init: { kind: 'constant', value: initial },
    doc: '',
    span,
  };
  return { name, initial, format: instantiateFormat(format, undefined, weight, span) };
}

/** The tensors that hold a weight in fewer bits. */
const encodedParts = (f: FormatInstance, from: PlainSource): Persistent[] =>
  f.parts.map((p) => ({
    name: p.tensor,
    shape: p.shape,
    dtype: p.dtype,
    kind: 'weights',
    source: { kind: 'encoded', of: f.weight.keys[0] as string, shape: f.weight.shape, part: p.part, from },
  }));

/** Name of the gradient of a trained tensor. */
export const gradientOf = (name: string): string => `gradient/${name}`;

/** What is computed from other tensors is zero until the entry that computes it has run. */
const initSource = (init: StorageInit): PlainSource => (init.kind === 'expression' ? { kind: 'zeros' } : { kind: 'init', init });

function sourceOf(resolved: Resolved, name: string, init: StorageInit): PlainSource {
  const binding = resolved.bindings.get(name);
  return binding === undefined || binding.kind === 'fresh' ? initSource(init) : { kind: 'checkpoint', keys: [binding.key] };
}
