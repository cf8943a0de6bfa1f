/**
 * @file What a run writes of its adapters: one file for each method, with its tensors and configuration.
 */
import { allModules, type AdapterInstance, type ModuleInstance } from '../elaborate/instance.js';
import { namesIn } from '../elaborate/names.js';
import type { AdapterFile, StoredTensor } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import { foreignAdapters, type ForeignAdapter } from '../spec/foreign.js';
import type { Saved } from './graphs.js';
import type { Layout } from './layout.js';

/** The files of an experiment's adapters; none where only tensors of the model are trained. Each loads by itself: what is trained beside
 * the adapters lies in all of them. */
export function adapterFiles(resolved: Resolved, layout: Layout, saved: readonly Saved[]): readonly AdapterFile[] {
  const groups = foreignAdapters(resolved);
  const folders = folderNames(groups);
  return groups.map((group, i) => {
    const tensors = [
      ...group.adapters.flatMap((a) => tensorsOf(a, layout)),
      ...group.modules.flatMap((m) => wholeModule(resolved, m, layout, group.prefix)),
      ...drawnTensors(resolved, layout, group),
    ];
    const own = saved.filter((s) => group.adapters.includes(s.adapter));
    return {
      folder: folders[i] as string,
      config: group.config,
      tensors: [...new Map(tensors.map((t) => [t.key, t])).values()],
      saved: own.map(({ output, key, shape, dtype }) => ({ output, key, shape, dtype })),
    };
  });
}

/** The name of each one's method, numbered where several have it. */
const folderNames = (groups: readonly ForeignAdapter[]): string[] =>
  groups.map(({ name }, i) => {
    const before = groups.slice(0, i).filter((g) => g.name === name).length;
    return groups.length === 1 ? '' : before === 0 ? name : `${name}-${before + 1}`;
  });

function tensorsOf(adapter: AdapterInstance, layout: Layout): StoredTensor[] {
  const names = new Set([...adapter.storage.map((s) => s.keys[0] as string), ...adapter.own.map((o) => o.tensor.keys[0] as string)]);
  const read = readBySaves(adapter);
  const replaced = new Set(adapter.storage.filter((s) => read.has(s.name)).map((s) => s.keys[0] as string));
  return [
    ...layout.trainables
      .filter((t) => names.has(t.name))
      .map((t): StoredTensor => ({
        name: t.name,
        key: t.key,
        also: t.also,
        shape: t.shape,
        dtype: 'f32',
        optional: false,
        replaced: replaced.has(t.name),
      })),
    ...layout.fixed
      .filter((t) => names.has(t.name))
      .map((t): StoredTensor => ({
        name: t.name,
        key: t.key,
        also: t.also,
        shape: t.shape,
        dtype: t.dtype,
        optional: t.remade,
        replaced: replaced.has(t.name),
      })),
  ];
}

/** The names that the computed tensors of the file are made of. */
function readBySaves(adapter: AdapterInstance): ReadonlySet<string> {
  const names = new Set(adapter.saved.flatMap((s) => namesIn(s.value)));
  for (const m of [...adapter.members].reverse())
    if (m.kind === 'let' && names.has(m.name.text)) for (const name of namesIn(m.value)) names.add(name);
  return names;
}

const plain = (name: string, key: string, shape: readonly number[], optional: boolean): StoredTensor => ({
  name,
  key,
  also: [],
  shape,
  dtype: 'f32',
  optional,
  replaced: false,
});

const isDrawn = (resolved: Resolved, name: string): boolean => resolved.bindings.get(name)?.kind === 'fresh';

/** A module that is saved whole, what it has that is not trained included. */
const wholeModule = (resolved: Resolved, module: ModuleInstance, layout: Layout, prefix: string): StoredTensor[] =>
  module.storage.map((s) => {
    const name = s.keys[0] as string;
    return plain(name, prefix + name, s.shape, !isDrawn(resolved, name) && !layout.trainables.some((t) => t.name === name));
  });

/** Frozen tensors that the base lacks and that were newly drawn: without them the adapter means nothing, so they are stored with
 * it. In a module that carries the adapter PEFT calls them `base_layer.…`. */
function drawnTensors(resolved: Resolved, layout: Layout, group: ForeignAdapter): StoredTensor[] {
  const trained = new Set(layout.trainables.map((t) => t.name));
  const adapted = new Set(group.adapters.map((a) => a.site));
  return allModules(resolved.model).flatMap((m) =>
    m.storage.flatMap((s) => {
      const name = s.keys[0] as string;
      if (!isDrawn(resolved, name) || trained.has(name) || group.modules.includes(m)) return [];
      return [plain(name, group.prefix + (adapted.has(m) ? `${m.path}.base_layer${name.slice(m.path.length)}` : name), s.shape, false)];
    }),
  );
}
