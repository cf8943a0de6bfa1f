/**
 * @file What a run writes of its adapters: one file for each method, with its tensors and configuration.
 */
import { allModules, keyPrefix, type AdapterInstance, type ModuleInstance } from '../elaborate/instance.js';
import type { AdapterFile, StoredTensor } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import { foreignAdapters, type ForeignAdapter } from '../spec/foreign.js';
import type { Saved } from './graphs.js';
import type { Layout } from './layout.js';

/** The files of an experiment's adapters; none where only tensors of the model are trained. */
export function adapterFiles(resolved: Resolved, layout: Layout, saved: readonly Saved[]): readonly AdapterFile[] {
  const groups = foreignAdapters(resolved);
  return groups.map((group, i) => {
    const tensors = [...group.adapters.flatMap((a) => tensorsOf(a, layout)), ...group.modules.flatMap((m) => wholeModule(resolved, m, layout)), ...(i === 0 ? drawnTensors(resolved, layout, groups) : [])];
    const own = saved.filter((s) => group.adapters.includes(s.adapter));
    return {
      folder: groups.length === 1 ? '' : folderName(groups, group),
      config: group.config,
      tensors: [...new Map(tensors.map((t) => [t.key, t])).values()],
      saved: own.map(({ output, key, shape, dtype }) => ({ output, key, shape, dtype })),
    };
  });
}

const folderName = (groups: readonly ForeignAdapter[], group: ForeignAdapter): string => (groups.filter((g) => g.name === group.name).length > 1 ? group.type.toLowerCase() : group.name);

function tensorsOf(adapter: AdapterInstance, layout: Layout): StoredTensor[] {
  const names = new Set([...adapter.storage.map((s) => s.keys[0] as string), ...adapter.own.map((o) => o.tensor.keys[0] as string)]);
  return [
    ...layout.trainables.filter((t) => names.has(t.name)).map((t): StoredTensor => ({ name: t.name, key: t.key, also: t.also, shape: t.shape, dtype: 'f32', optional: false })),
    ...layout.fixed.filter((t) => names.has(t.name)).map((t): StoredTensor => ({ name: t.name, key: t.key, also: t.also, shape: t.shape, dtype: t.dtype, optional: t.remade })),
  ];
}

const plain = (name: string, key: string, shape: readonly number[], optional: boolean): StoredTensor => ({ name, key, also: [], shape, dtype: 'f32', optional });

/** A module that is saved whole, what it has that is not trained included. */
const wholeModule = (resolved: Resolved, module: ModuleInstance, layout: Layout): StoredTensor[] =>
  module.storage.map((s) => {
    const name = s.keys[0] as string;
    return plain(name, keyPrefix + name, s.shape, !resolved.trained.has(module) && !layout.trainables.some((t) => t.name === name));
  });

/** Frozen tensors that the base lacks and that were newly drawn: without them the adapter means nothing, so they are stored with
 * it. In a module that carries an adapter PEFT calls them `base_layer.…`. */
function drawnTensors(resolved: Resolved, layout: Layout, groups: readonly ForeignAdapter[]): StoredTensor[] {
  const trained = new Set(layout.trainables.map((t) => t.name));
  const whole = new Set(groups.flatMap((g) => g.modules));
  const adapted = new Set([...resolved.adapters.values()].filter((a) => a.storage.length > 0).map((a) => a.site));
  return allModules(resolved.model).flatMap((m) =>
    m.storage.flatMap((s) => {
      const name = s.keys[0] as string;
      if (resolved.bindings.get(name)?.kind !== 'fresh' || trained.has(name) || whole.has(m)) return [];
      return [plain(name, keyPrefix + (adapted.has(m) ? `${m.path}.base_layer${name.slice(m.path.length)}` : name), s.shape, false)];
    }),
  );
}
