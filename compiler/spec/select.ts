/**
 * @file Selectors: which modules a statement means. Roles (`attention.{query, key}`, `layers[0..2].mlp`, `head`), kinds in the
 * plural (`linears`, `norms`), `all`, and checkpoint globs; unions, exceptions and intersections of those.
 */
import type { Selector, SelectorStep } from '../../grammar/ast.js';
import { allModules, showRole, type ModuleInstance, type RolePart } from '../elaborate/instance.js';
import { nearest } from '../elaborate/nearest.js';
import { stop } from '../elaborate/stop.js';

/** Every module a selector means, in the order of the model; each path and glob in it must match something. */
export function select(model: ModuleInstance, selector: Selector): ReadonlySet<ModuleInstance> {
  const all = allModules(model);
  const chosen = choose(all, selector);
  return new Set(all.filter((m) => chosen.has(m)));
}

function choose(all: readonly ModuleInstance[], selector: Selector): Set<ModuleInstance> {
  switch (selector.kind) {
    case 'select-binary': {
      const left = choose(all, selector.left);
      const right = choose(all, selector.right);
      if (selector.op === '+') return new Set([...left, ...right]);
      const kept = new Set([...left].filter((m) => (selector.op === 'and' ? right.has(m) : !right.has(m))));
      if (kept.size === 0) stop('PEFT0403', selector.span, selector.op === 'and' ? 'no module is in both' : 'nothing is left after the exception');
      return kept;
    }
    case 'select-glob': {
      const pattern = new RegExp(`^${selector.pattern.split('*').map(escape).join('[^.]*')}$`);
      const anywhere = new RegExp(`^${selector.pattern.split('*').map(escape).join('.*')}$`);
      const exact = all.filter((m) => m.path !== '' && pattern.test(m.path));
      const found = exact.length > 0 ? exact : all.filter((m) => m.path !== '' && anywhere.test(m.path));
      if (found.length === 0) {
        const near = nearest(selector.pattern, all.map((m) => m.path).filter((p) => p !== ''));
        stop('PEFT0402', selector.span, `no module of this base has a name like ${JSON.stringify(selector.pattern)}`, { help: near ? `did you mean ${JSON.stringify(near)}?` : `names look like ${JSON.stringify(all.find((m) => m.storage.length > 0)?.path ?? '')}` });
      }
      return withParts(found);
    }
    case 'select-path':
      return withParts(choosePath(all, selector));
    case 'error':
      return stop('PEFT0001', selector.span, 'this part could not be read');
    default:
      return selector satisfies never;
  }
}

const escape = (s: string): string => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Modules and everything inside them. */
function withParts(found: readonly ModuleInstance[]): Set<ModuleInstance> {
  return new Set(found.flatMap(allModules));
}

function choosePath(all: readonly ModuleInstance[], selector: Extract<Selector, { kind: 'select-path' }>): ModuleInstance[] {
  const { steps } = selector;
  const only = steps.length === 1 && steps[0]?.names.length === 1 && steps[0].indices === undefined ? (steps[0].names[0]?.text as string) : undefined;
  if (only === 'all') return all.slice(0, 1);
  const byRole = all.filter((m) => m.roles.some((role) => matches(role, steps)));
  if (byRole.length > 0) {
    for (const step of steps) for (const name of step.names) if (!all.some((m) => m.roles.some((role) => matches(role, narrowed(steps, step, name.text))))) nothing(all, selector, name.text, name.span);
    for (const step of steps) {
      for (const range of step.indices ?? []) {
        const size = 1 + Math.max(...all.flatMap((m) => m.roles.flatMap((r) => r.filter((p) => step.names.some((n) => n.text === p.name) && p.index !== undefined).map((p) => p.index as number))));
        if (range.to >= size || range.from > range.to) stop('PEFT0404', range.span, range.from > range.to ? `the range ${range.from}..${range.to} is empty` : `there is no ${step.names[0]?.text} ${range.to}: this base has ${size}, counted from 0`);
      }
    }
    return byRole;
  }
  const byKind = only === undefined ? [] : all.filter((m) => m.kinds.some((k) => `${k.name}s` === only));
  if (byKind.length > 0) return byKind;
  const wrong = steps.flatMap((s) => s.names).find((n) => !all.some((m) => m.roles.some((r) => r.some((p) => p.name === n.text))));
  return nothing(all, selector, (wrong ?? steps[0]?.names[0])?.text ?? '', wrong?.span ?? selector.span);
}

const narrowed = (steps: readonly SelectorStep[], step: SelectorStep, name: string): readonly SelectorStep[] =>
  steps.map((s) => (s === step ? { ...s, names: s.names.filter((n) => n.text === name) } : s));

/** A role matches where the steps are its beginning, or its beginning after an indexed container (`layers[i]`). */
function matches(role: readonly RolePart[], steps: readonly SelectorStep[]): boolean {
  for (let from = 0; from + steps.length <= role.length; from += 1) {
    if (from > 0 && role[from - 1]?.index === undefined) continue;
    if (steps.every((step, i) => stepMatches(role[from + i] as RolePart, step))) return true;
  }
  return false;
}

function stepMatches(part: RolePart, step: SelectorStep): boolean {
  if (!step.names.some((n) => n.text === part.name || n.text === '*')) return false;
  if (step.indices === undefined) return true;
  return part.index !== undefined && step.indices.some((range) => (part.index as number) >= range.from && (part.index as number) <= range.to);
}

function nothing(all: readonly ModuleInstance[], selector: Selector, word: string, span: Selector['span']): never {
  const words = new Set<string>(['all']);
  const paths = new Set<string>();
  for (const m of all) {
    for (const role of m.roles) {
      const tail = role.slice(role.findLastIndex((p) => p.index !== undefined) + 1);
      for (const p of role) words.add(p.name);
      if (tail.length > 0) paths.add(showRole(tail));
    }
    for (const k of m.kinds) words.add(`${k.name}s`);
  }
  const near = nearest(word, [...words]);
  const inside = [...paths].find((p) => p.split('.').length > 1 && p.split('.').includes(near ?? word));
  const single = selector.kind === 'select-path' && selector.steps.length === 1;
  const choice = single && inside !== undefined && !all.some((m) => m.roles.some((r) => r[r.findLastIndex((p) => p.index !== undefined) + 1]?.name === (near ?? word))) ? inside : near;
  return stop('PEFT0401', span, `no module of this base has the role ${word}`, {
    help: choice ? `did you mean ${choice}?` : `roles are ${[...paths].slice(0, 16).join(', ')}`,
    ...(choice && near !== undefined ? { fix: { title: `write ${choice}`, edits: [{ span, text: choice }] } } : {}),
  });
}
