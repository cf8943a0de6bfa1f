/**
 * @file Layout of the persistent tensors of an experiment: frozen weights each by itself; everything trained in flat tensors,
 * so that clipping and the optimiser are a few passes over them, with gradient and optimiser state of the same shape. Each
 * trained tensor is a 256-byte aligned range of a flat one; the gaps hold zeros. There is one group of flat tensors for each factor on
 * the learning rate, and more where one would be larger than the device binds at once.
 */
import { narrowFrom } from '../kernels/narrow.js';
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
  /** Part of a flat tensor, for a page. */
  slice: (tensor: string, page: number) => `${tensor}.page${page}`,
  page: (name: string) => `page.${name}`,
  scale: 'run.scale',
  loss: 'run.loss_sum',
  count: 'run.count',
  /** Of 16-bit training: the factor on the loss, the steps since it changed, and the flags of numbers beyond the largest. */
  lossScale: 'run.loss_scale',
  goodSteps: 'run.good_steps',
  flags: 'run.flags',
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

/** A part of a group whose state is on the device only while it is updated; between updates the host keeps it. */
export interface Page {
  /** Entry that updates it. */
  readonly entry: string;
  readonly group: number;
  /** First element in the group's flat tensors. */
  readonly start: number;
  readonly elements: number;
  readonly state: readonly PageState[];
}

/** One tensor of the state of a page, and the names of those that stand for it in memory. */
export interface PageState extends GroupState {
  readonly tensor: string;
}

/** Where the tensors of an experiment lie. */
export interface Layout {
  readonly trainables: readonly Trainable[];
  readonly fixed: readonly Fixed[];
  readonly groups: readonly Group[];
  /** None where the optimiser's state stays on the device. */
  readonly pages: readonly Page[];
  readonly persistent: readonly Persistent[];
  /** Activations and frozen weights stand in 16 bits, and the loss is scaled. */
  readonly narrow: boolean;
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
  /** Elements that its tensors begin at a multiple of: whole blocks. */
  readonly unit: number;
}
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Whether a tensor of the model is trained itself: its module in full, or by the adapter on it. */
export const isTrained = (resolved: Resolved, module: ModuleInstance, tensor: StorageInstance): boolean =>
  resolved.trained.has(module) || (resolved.adapters.get(module)?.own.some((o) => o.tensor === tensor) ?? false);

/** How an experiment is laid out. */
export interface LayoutOptions {
  /** Elements of a page of optimiser state, a multiple of every block; absent where the state stays on the device. */
  readonly pageElements?: number;
  /** Keep activations and frozen weights in 16 bits. */
  readonly narrow?: boolean;
}

/** Elements of a page where the state is paged: 8 MiB in f32. */
export const pageElements = 2 ** 21;

/** Lays out the tensors of an experiment. */
export function layoutOf(resolved: Resolved, maxBindingBytes = 2 ** 27, options: LayoutOptions = {}): Layout {
  const trainables: Trainable[] = [];
  const fixed: Fixed[] = [];
  const frozen: Persistent[] = [];
  const groups: Grouping[] = [];
  const known = new Set<string>();
  const narrow = options.narrow ?? false;
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
      group = groups.push({ elements: 0, rate, kind, state, unit }) - 1;
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
  if (groups.length === 0) groups.push({ elements: 0, rate: 1, kind: '', state: optimizerState(resolved.optimizer), unit: alignment });
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
  const pages = options.pageElements === undefined ? [] : pagesOf(resolved, groups, trainables, options.pageElements);
  return {
    trainables,
    fixed,
    groups: laid,
    pages,
    narrow,
    baseElements,
    adapterElements,
    persistent: [
      ...(narrow ? frozen.map(inHalves) : frozen),
      ...laid.flatMap(({ elements, state }, g) => [
        whole(flat.trained(g), elements, 'adapter'),
        whole(flat.gradient(g), elements, 'gradients'),
        ...(pages.length > 0 ? [] : state).flatMap((s): Persistent[] =>
          s.format === undefined
            ? [whole(flat.state(g, s.name), elements, 'optimizer', s.initial)]
            : s.format.parts.map((p) => ({ name: p.tensor, shape: p.shape, dtype: p.dtype, kind: 'optimizer', source: { kind: 'zeros' } })),
        ),
      ]),
      ...pageTensors(pages),
      ...(pages.length === 0 ? [] : [{ name: flat.scale, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } } as const]),
      ...(narrow ? scaling : []),
      { name: flat.loss, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      { name: flat.count, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      ...parts,
    ],
  };
}

/** What 16-bit training keeps between steps. The loss is a sum over the batch, so its first factor is 1,024 where PyTorch's, over a mean, is 65,536. */
const scaling: readonly Persistent[] = [
  {
    name: flat.lossScale,
    shape: [1],
    dtype: 'f32',
    kind: 'optimizer',
    source: { kind: 'init', init: { kind: 'constant', value: 2 ** 10 } },
  },
  { name: flat.goodSteps, shape: [1], dtype: 'f32', kind: 'optimizer', source: { kind: 'zeros' } },
  { name: flat.flags, shape: [2], dtype: 'i32', kind: 'results', source: { kind: 'zeros' } },
];

/** A frozen weight in 16 bits, where it is large. */
const inHalves = (p: Persistent): Persistent =>
  p.kind === 'weights' && p.dtype === 'f32' && p.source.kind !== 'encoded' && count(p.shape) >= narrowFrom ? { ...p, dtype: 'f16' } : p;

/** The groups in pages of at most `size` elements: whole tensors together, larger ones cut. */
function pagesOf(resolved: Resolved, groups: readonly Grouping[], trainables: readonly Trainable[], size: number): Page[] {
  const pages: Page[] = [];
  groups.forEach(({ elements, state, unit }, group) => {
    const starts = trainables.flatMap((t) => (t.group === group ? [t.start] : []));
    const page = (start: number, end: number): void => {
      const part = end - start;
      pages.push({
        entry: `update.${pages.length}`,
        group,
        start,
        elements: part,
        state: state.map((s): PageState => {
          const tensor = `${flat.page(s.name)}.${part}`;
          return { ...groupState(resolved, s, tensor, part), tensor };
        }),
      });
    };
    let from = 0;
    starts.forEach((start, i) => {
      const end = starts[i + 1] ?? elements;
      if (end - from <= size) return;
      if (start > from) page(from, start);
      // A page of one block would be another computation, rounded in another way: the last has two at least.
      for (from = start; end - from > size;) {
        const next = from + (end - from - size < 2 * unit ? size - unit : size);
        page(from, next);
        from = next;
      }
      // What is left of a tensor that was cut stands by itself.
      if (from > start) {
        page(from, end);
        from = end;
      }
    });
    if (from < elements) page(from, elements);
  });
  return pages;
}

/** Slices of the flat tensors, and room for the state of one page, whichever it is. */
function pageTensors(pages: readonly Page[]): Persistent[] {
  const slices = pages.flatMap(({ group, start, elements }, page): Persistent[] =>
    (['trained', 'gradient'] as const).map((what) => ({
      name: flat.slice(flat[what](group), page),
      shape: [elements],
      dtype: 'f32',
      kind: what === 'trained' ? 'adapter' : 'gradients',
      source: { kind: 'zeros' },
      within: { tensor: flat[what](group), start },
    })),
  );
  const rooms = new Map<string, Persistent>();
  const views = new Map<string, Persistent>();
  const room = (name: string, tensor: string, shape: readonly number[], dtype: 'f32' | 'i32', initial: number): void => {
    const source: Source = initial === 0 ? { kind: 'zeros' } : { kind: 'init', init: { kind: 'constant', value: initial } };
    const elements = count(shape);
    const known = rooms.get(name);
    if (known === undefined || count(known.shape) < elements)
      rooms.set(name, { name, shape: [elements], dtype, kind: 'optimizer', source });
    views.set(tensor, { name: tensor, shape, dtype, kind: 'optimizer', source, within: { tensor: name, start: 0 } });
  };
  for (const { elements, state } of pages)
    for (const s of state) {
      if (s.format === undefined) room(flat.page(s.name), s.tensor, [elements], 'f32', s.initial);
      else for (const p of s.format.parts) room(`${flat.page(s.name)}/${p.part}`, p.tensor, p.shape, p.dtype, 0);
    }
  return [...rooms.values(), ...views.values(), ...slices];
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
