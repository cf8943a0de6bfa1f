/**
 * @file Selectors: which modules a statement means. Roles (`attention.{query, key}`, `layers[0..2].mlp`, `head`), kinds in the
 * plural (`linears`, `norms`), `all`, and checkpoint globs; unions, exceptions and intersections of those. A module that is meant
 * is meant with everything inside it.
 */
import type { Selector, SelectorStep } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { allModules, type ModuleInstance, type RolePart } from '../elaborate/instance.js';
import { nearest } from '../elaborate/nearest.js';
import { stop, unread } from '../elaborate/stop.js';

/** Every module a selector means, in the order of the model; each name, index and glob in it must match something. */
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
      if (kept.size === 0)
        stop('PEFT0403', selector.span, selector.op === 'and' ? 'no module is in both' : 'nothing is left after the exception');
      return kept;
    }
    case 'select-glob':
      return withParts(chooseGlob(all, selector.pattern, selector.span));
    case 'select-path':
      return withParts(choosePath(all, selector));
    case 'error':
      return unread(selector.span);
    default:
      return selector satisfies never;
  }
}

/** Modules and everything inside them. */
const withParts = (found: readonly ModuleInstance[]): Set<ModuleInstance> => new Set(found.flatMap(allModules));

// --- names in the checkpoint -------------------------------------------------------------------------------------------

/** Modules whose name, or a beginning of it up to a dot, is the pattern; `*` stands for anything between dots, `**` for anything. */
function chooseGlob(all: readonly ModuleInstance[], pattern: string, span: Span): ModuleInstance[] {
  const named = all.filter((m) => m.path !== '');
  const expression = globExpression(pattern);
  const found = named.filter((m) => expression.test(m.path));
  if (found.length > 0) return found;
  const wide = pattern.replace(/\*+/g, '**');
  const paths = named.map((m) => (pattern.includes('*') ? m.path.replace(/\b\d+\b/g, '*') : m.path));
  const choice = wide !== pattern && named.some((m) => globExpression(wide).test(m.path)) ? wide : nearest(pattern, paths);
  const quoted = JSON.stringify(choice ?? '');
  return stop('PEFT0402', span, `no module of this base has a name like ${JSON.stringify(pattern)}`, {
    ...(choice === undefined
      ? { help: `names look like ${JSON.stringify(all.find((m) => m.storage.length > 0)?.path ?? '')}` }
      : { help: `did you mean ${quoted}?`, fix: { title: `write ${quoted}`, edits: [{ span, text: quoted }] } }),
  });
}

function globExpression(pattern: string): RegExp {
  const parts = pattern
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^.]*' : part.startsWith('*') ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('')}(\\.|$)`);
}

// --- roles -------------------------------------------------------------------------------------------------------------

type Path = Extract<Selector, { kind: 'select-path' }>;

function choosePath(all: readonly ModuleInstance[], selector: Path): ModuleInstance[] {
  const { steps } = selector;
  const only = steps.length === 1 && steps[0]?.names.length === 1 && steps[0].indices === undefined ? steps[0].names[0]?.text : undefined;
  if (only === 'all') return all.slice(0, 1);
  const ofKind = only === undefined ? [] : all.filter((m) => m.kinds.some((k) => `${k.name}s` === only));
  if (ofKind.length === 0) {
    steps.forEach((step, i) => {
      for (const name of step.names) {
        const beginning = [...steps.slice(0, i), { ...step, names: [name] }].map(withoutIndices);
        if (!all.some((m) => m.roles.some((role) => begins(role, beginning)))) unknownRole(all, selector, i, name.text, name.span);
      }
    });
    steps.forEach((step, i) => checkIndices(all, steps, step, i));
  }
  const found = all.filter((m) => ofKind.includes(m) || m.roles.some((role) => begins(role, steps)));
  return found.length > 0 ? found : stop('PEFT0403', selector.span, 'no module has this role with this index');
}

const withoutIndices = ({ names, span }: SelectorStep): SelectorStep => ({ names, span });

/** Where in a role a path may begin: at its start, or after an indexed container (`layers[i]`). */
const starts = (role: readonly RolePart[]): number[] => role.flatMap((_, i) => (i === 0 || role[i - 1]?.index !== undefined ? [i] : []));

/** Whether a role continues with the steps from one of its starts. */
const begins = (role: readonly RolePart[], steps: readonly SelectorStep[]): boolean =>
  starts(role).some((from) => continues(role, from, steps));

function continues(role: readonly RolePart[], from: number, steps: readonly SelectorStep[]): boolean {
  return from + steps.length <= role.length && steps.every((step, i) => stepMatches(role[from + i] as RolePart, step));
}

function stepMatches(part: RolePart, step: SelectorStep): boolean {
  if (!step.names.some((n) => n.text === part.name || n.text === '*')) return false;
  if (step.indices === undefined) return true;
  return (
    part.index !== undefined && step.indices.some((range) => (part.index as number) >= range.from && (part.index as number) <= range.to)
  );
}

/** The indices of a step must be among those that there are. */
function checkIndices(all: readonly ModuleInstance[], steps: readonly SelectorStep[], step: SelectorStep, at: number): void {
  if (step.indices === undefined) return;
  const beginning = steps.slice(0, at + 1).map(withoutIndices);
  const parts = all.flatMap((m) =>
    m.roles.flatMap((role) =>
      starts(role).flatMap((from) => (continues(role, from, beginning) ? [{ role, from, part: role[from + at] as RolePart }] : [])),
    ),
  );
  const known = parts.flatMap(({ part }) => (part.index === undefined ? [] : [part.index]));
  const word = step.names.map((n) => n.text).join(', ');
  if (known.length === 0) {
    const around = parts.map(({ role, from }) => (from > 0 ? role[from - 1]?.name : undefined)).find((name) => name !== undefined);
    stop(
      'PEFT0404',
      step.span,
      `${word} has no index`,
      around === undefined ? {} : { help: `write ${around}[…].${word} for one of the ${around}` },
    );
  }
  const last = Math.max(...known);
  for (const { from, to, span } of step.indices) {
    if (from > to)
      stop('PEFT0404', span, `the range ${from}..${to} is empty`, {
        help: `write ${to}..${from}`,
        fix: { title: `write ${to}..${from}`, edits: [{ span, text: `${to}..${from}` }] },
      });
    if (to > last) stop('PEFT0404', span, `${word}[${to}] is outside of this base`, { help: `it has ${word}[0..${last}]` });
  }
}

/** Ends with what could stand in place of a name: what follows the steps before it, or the path that leads to it from elsewhere. */
function unknownRole(all: readonly ModuleInstance[], selector: Path, at: number, word: string, span: Span): never {
  const before = selector.steps.slice(0, at).map(withoutIndices);
  const roles = all.flatMap((m) => m.roles);
  const following = roles.flatMap((role) =>
    starts(role).flatMap((from) =>
      continues(role, from, before) && role[from + at] !== undefined ? [(role[from + at] as RolePart).name] : [],
    ),
  );
  const kinds = at > 0 ? [] : ['all', ...all.flatMap((m) => m.kinds.flatMap((k) => (m.parts.size === 0 ? [`${k.name}s`] : [])))];
  const here = [...new Set([...following, ...kinds])];
  const message = at === 0 ? `no module of this base has the role ${word}` : `${before.map(showStep).join('.')} has no ${word}`;
  const end = (help: string, fix?: Diagnostic['fix']): never => stop('PEFT0401', span, message, { help, ...(fix ? { fix } : {}) });
  const write = (text: string, where = span): never =>
    end(`did you mean ${text}?`, { title: `write ${text}`, edits: [{ span: where, text }] });
  const near = nearest(word, here);
  if (near !== undefined && here.includes(near) && !isLong(word, near)) return write(near);
  if (at === 0) {
    const joined = selector.steps.every((s) => s.names.length === 1 && s.indices === undefined)
      ? selector.steps.map((s) => s.names[0]?.text).join('.')
      : undefined;
    if (joined !== undefined && all.some((m) => m.path === joined || m.path.startsWith(`${joined}.`))) {
      const quoted = JSON.stringify(joined);
      return end(`names of the checkpoint stand in quotation marks: ${quoted}`, {
        title: `write ${quoted}`,
        edits: [{ span: selector.span, text: quoted }],
      });
    }
    const deep = deepPaths(
      roles,
      nearest(
        word,
        roles.flatMap((r) => r.map((p) => p.name)),
      ) ?? word,
    );
    if (deep.length === 1) return write(deep[0] as string);
    if (deep.length > 1) return end(`did you mean ${deep.join(' or ')}?`);
  }
  return end(at === 0 ? `roles are ${here.join(', ')}` : `it has ${here.join(', ')}`);
}

/** A plural that only happens to be near: `berts` is nobody's word. */
const isLong = (word: string, near: string): boolean => near.startsWith(word) && near.length > word.length + 1;

/** Paths, from where one may begin, to a name that stands inside another. */
function deepPaths(roles: readonly (readonly RolePart[])[], name: string): string[] {
  const paths = roles.flatMap((role) =>
    role.flatMap((part, i) => {
      if (part.name !== name || starts(role).includes(i)) return [];
      const from = Math.max(...starts(role).filter((s) => s <= i));
      return [
        role
          .slice(from, i + 1)
          .map((p) => p.name)
          .join('.'),
      ];
    }),
  );
  return [...new Set(paths)];
}

const showStep = (step: SelectorStep): string =>
  step.names.length === 1 ? (step.names[0]?.text ?? '') : `{${step.names.map((n) => n.text).join(', ')}}`;
