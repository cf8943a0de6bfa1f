/**
 * @file Selectors: roles of the base, kinds of its modules, and inside quotation marks the names that its modules have in the checkpoint.
 */
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver/node';
import { allModules, type ModuleInstance, type RolePart } from '../../compiler/elaborate/instance.js';
import { item, type Proposing } from './proposals.js';
import { describeModules } from './modules.js';

/** Roles that may follow a path, and where a selector begins the kinds of modules in the plural. */
export async function roleItems(p: Proposing, path: string, inside: string | undefined): Promise<CompletionItem[]> {
  const { base } = await p.checker.foundation(p.document, inside ?? '');
  if (base === undefined) return [item(p, 'all', CompletionItemKind.Keyword, { doc: 'the whole model' })];
  const all = allModules(base.model);
  const steps = stepsOf(path);
  const next = new Map<string, Set<ModuleInstance>>();
  const add = (name: string, module: ModuleInstance): void => void (next.get(name) ?? next.set(name, new Set()).get(name))?.add(module);
  for (const module of all)
    for (const role of module.roles)
      for (const from of starts(role))
        if (
          steps.every((step, i) => step.includes('*') || step.includes(role[from + i]?.name ?? '')) &&
          role[from + steps.length] !== undefined
        )
          add((role[from + steps.length] as RolePart).name, module);
  const roles = [...next].map(([name, modules]) =>
    item(p, name, CompletionItemKind.Property, { detail: 'a role', doc: describeModules([...modules]), order: 1 }),
  );
  if (steps.length > 0) return [...roles, item(p, '*', CompletionItemKind.Operator, { detail: 'any role', order: 2 })];
  const kinds = new Map<string, ModuleInstance[]>();
  for (const module of all)
    if (module.storage.length > 0) for (const { name } of module.kinds) kinds.set(name, [...(kinds.get(name) ?? []), module]);
  return [
    ...roles,
    ...[...kinds]
      .filter(([name]) => !next.has(`${name}s`))
      .map(([name, modules]) =>
        item(p, `${name}s`, CompletionItemKind.Class, { detail: 'a kind of module', doc: describeModules(modules), order: 2 }),
      ),
    item(p, 'all', CompletionItemKind.Keyword, { doc: 'the whole model', order: 3 }),
  ];
}

/** The names that each step of a path may be: `layers[0..2].{query, key}.` */
const stepsOf = (path: string): string[][] =>
  path
    .split('.')
    .slice(0, -1)
    .filter((step) => !/^\d*$/.test(step) && !/^\d*\]$/.test(step))
    .map((step) =>
      step
        .replace(/\[.*$/, '')
        .replace(/[{}\s]/g, '')
        .split(','),
    );

/** Where in a role a path may begin: at its start, or after an indexed container. */
const starts = (role: readonly RolePart[]): number[] => role.flatMap((_, i) => (i === 0 || role[i - 1]?.index !== undefined ? [i] : []));

/** Names of modules in the checkpoint: with `*` for the numbers of layers, then each by itself. */
export async function globItems(p: Proposing, inside: string | undefined): Promise<CompletionItem[]> {
  const { base } = await p.checker.foundation(p.document, inside ?? '');
  if (base === undefined) return [];
  const modules = allModules(base.model).filter((m) => m.path !== '');
  const patterns = new Map<string, ModuleInstance[]>();
  for (const module of modules) {
    const pattern = module.path.replace(/(?<=\.|^)\d+(?=\.|$)/g, '*');
    patterns.set(pattern, [...(patterns.get(pattern) ?? []), module]);
  }
  const name = (path: string, matched: readonly ModuleInstance[], order: number): CompletionItem =>
    item(p, path, CompletionItemKind.Reference, { doc: describeModules(matched.flatMap(allModules)), order });
  return [
    ...[...patterns].map(([pattern, matched]) => name(pattern, matched, 1)),
    ...modules.filter((m) => !patterns.has(m.path)).map((m) => name(m.path, [m], 2)),
  ];
}
