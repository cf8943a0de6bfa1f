/**
 * @file Layout of the persistent tensors of an experiment: frozen weights each by itself; everything trained in flat tensors,
 * so that clipping and the optimiser are a few passes over them, with gradient and optimiser state of the same shape. Each
 * trained tensor is a 256-byte aligned range of a flat one; the gaps hold zeros. There is one group of flat tensors unless that
 * would be larger than the device binds at once.
 */
import type { Init, Source } from '../plan/program.js';
import { allModules } from '../elaborate/instance.js';
import type { Resolved } from '../spec/check.js';
import type { Persistent } from '../plan/persistent.js';
import { keyPrefix } from '../spec/foreign.js';
import { optimizerState } from '../elaborate/optimizer.js';

/** Names of the flat tensors of a group, and of the sums over a step. */
export const flat = { trained: (group: number) => `flat.${group}.trained`, gradient: (group: number) => `flat.${group}.gradient`, state: (group: number, name: string) => `flat.${group}.state.${name}`, loss: 'run.loss_sum', count: 'run.count' } as const;

/** One tensor that is trained. */
export interface Trainable {
  /** Name in graphs: the path of the module and the tensor's foreign name. */
  readonly name: string;
  readonly key: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Which group of flat tensors it lies in, and its first element there. */
  readonly group: number;
  readonly start: number;
  readonly source: Source;
}

/** Where the tensors of an experiment lie. */
export interface Layout {
  readonly trainables: readonly Trainable[];
  /** Elements of the flat tensors of each group. */
  readonly groups: readonly number[];
  readonly persistent: readonly Persistent[];
  /** Elements of the base, trained or frozen, and of adapters that are not part of it. */
  readonly baseElements: number;
  readonly adapterElements: number;
}

const alignment = 64;
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Lays out the tensors of an experiment. */
export function layoutOf(resolved: Resolved, maxBindingBytes = 2 ** 27): Layout {
  const trainables: Trainable[] = [];
  const frozen: Persistent[] = [];
  const groups: number[] = [0];
  let baseElements = 0;
  let adapterElements = 0;
  const train = (name: string, shape: readonly number[], source: Source): void => {
    const size = Math.ceil(count(shape) / alignment) * alignment;
    if ((groups[groups.length - 1] as number) > 0 && ((groups[groups.length - 1] as number) + size) * 4 > maxBindingBytes) groups.push(0);
    const group = groups.length - 1;
    trainables.push({ name, key: keyPrefix + name, shape, elements: count(shape), group, start: groups[group] as number, source });
    groups[group] = (groups[group] as number) + size;
  };
  for (const adapter of resolved.adapters.values()) {
    for (const s of adapter.storage) {
      adapterElements += count(s.shape);
      if (s.storage === 'train') train(s.keys[0] as string, s.shape, { kind: 'init', init: s.init });
      else frozen.push({ name: s.keys[0] as string, shape: s.shape, dtype: 'f32', kind: 'adapter', source: { kind: 'init', init: s.init } });
    }
  }
  for (const module of allModules(resolved.model)) {
    for (const s of module.storage) {
      const name = s.keys[0] as string;
      baseElements += count(s.shape);
      const source = sourceOf(resolved, name, s.init);
      if (resolved.trained.has(module)) train(name, s.shape, source);
      else frozen.push({ name, shape: s.shape, dtype: 'f32', kind: 'weights', source });
    }
  }
  const whole = (name: string, elements: number, kind: Persistent['kind'], initial = 0): Persistent => ({ name, shape: [elements], dtype: 'f32', kind, source: initial === 0 ? { kind: 'zeros' } : { kind: 'init', init: { kind: 'constant', value: initial } } });
  const parts = trainables.flatMap((t): Persistent[] => [
    { name: t.name, shape: t.shape, dtype: 'f32', kind: 'adapter', source: t.source, within: { tensor: flat.trained(t.group), start: t.start } },
    { name: gradientOf(t.name), shape: t.shape, dtype: 'f32', kind: 'gradients', source: { kind: 'zeros' }, within: { tensor: flat.gradient(t.group), start: t.start } },
  ]);
  return {
    trainables,
    groups,
    baseElements,
    adapterElements,
    persistent: [
      ...frozen,
      ...groups.flatMap((elements, g) => [
        whole(flat.trained(g), elements, 'adapter'),
        whole(flat.gradient(g), elements, 'gradients'),
        ...optimizerState(resolved.optimizer).map((s) => whole(flat.state(g, s.name), elements, 'optimizer', s.initial)),
      ]),
      { name: flat.loss, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      { name: flat.count, shape: [1], dtype: 'f32', kind: 'results', source: { kind: 'zeros' } },
      ...parts,
    ],
  };
}

/** Name of the gradient of a trained tensor. */
export const gradientOf = (name: string): string => `gradient/${name}`;

function sourceOf(resolved: Resolved, name: string, init: Init): Source {
  const binding = resolved.bindings.get(name);
  return binding === undefined || binding.kind === 'fresh' ? { kind: 'init', init } : { kind: 'checkpoint', keys: [binding.key] };
}
