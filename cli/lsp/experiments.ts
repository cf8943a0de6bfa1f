/**
 * @file Experiments at a place: the statement there, what it matched, and what it trains. A statement that several experiments share is
 * answered by the one in which it is written.
 */
import type { Experiment, File, Selector, Statement } from '../../grammar/ast.js';
import { select } from '../../compiler/spec/select.js';
import { attempt } from '../../compiler/elaborate/stop.js';
import type { ModuleInstance } from '../../compiler/elaborate/instance.js';
import type { Resolved } from '../../compiler/spec/check.js';
import { joinKey } from '../../compiler/spec/json.js';
import { experimentsOf } from '../../compiler/spec/statements.js';
import { layoutFor, type Checked, type Checker } from './checker.js';
import { touches, type Document } from './document.js';

/** A statement about modules. */
export type Targeting = Extract<Statement, { kind: 'adapt' | 'train' | 'quantize' }>;

/** The statement about modules at a place, with its experiment. */
export function targetingAt(file: File, offset: number): { readonly experiment: Experiment; readonly statement: Targeting } | undefined {
  for (const experiment of experimentsOf(file))
    for (const s of experiment.statements)
      if ((s.kind === 'adapt' || s.kind === 'train' || s.kind === 'quantize') && touches(s.span, offset))
        return { experiment, statement: s };
  return undefined;
}

/** The smallest part of a selector at a place that means something by itself. */
export function selectorAt(selector: Selector, offset: number): Selector | undefined {
  if (!touches(selector.span, offset)) return undefined;
  if (selector.kind === 'select-binary') return selectorAt(selector.left, offset) ?? selectorAt(selector.right, offset) ?? selector;
  return selector.kind === 'error' ? undefined : selector;
}

/** The modules that a selector means in an experiment; undefined where the base is not known or it means nothing. */
export async function matched(
  document: Document,
  checker: Checker,
  experiment: string,
  selector: Selector,
): Promise<readonly ModuleInstance[] | undefined> {
  const { base } = await checker.foundation(document, experiment);
  const found = base === undefined ? undefined : attempt([], () => select(base.model, selector));
  return found === undefined ? undefined : [...found];
}

/** What a statement comes to. */
export interface Effect {
  readonly modules: number;
  /** Elements that it trains, or whose weights it keeps in fewer bits. */
  readonly elements: number;
  readonly bytes: number;
  /** All parameters of base and adapters. */
  readonly of: number;
}

/** What a statement of a checked file comes to; undefined where its experiment has errors. */
export function effectOf(checked: Checked, experiment: Experiment, statement: Targeting): Effect | undefined {
  const resolved = checked.experiments.find((e) => e.experiment === experiment)?.resolved;
  const match = resolved?.matches.find(
    (m) => m.text === statement.kind && m.span.start === statement.span.start && m.span.file === statement.span.file,
  );
  if (resolved === undefined || match === undefined) return undefined;
  const layout = layoutFor(resolved);
  const of = layout.baseElements + layout.adapterElements;
  // A later statement may have taken some of its modules.
  const won = match.modules.filter((m) => isOwn(resolved, m, statement));
  if (statement.kind === 'quantize') {
    const kept = new Set(won.flatMap((m) => m.storage));
    const formats = [...resolved.formats].filter(([storage]) => kept.has(storage)).map(([, format]) => format);
    return {
      modules: formats.length,
      elements: formats.reduce((sum, f) => sum + product(f.weight.shape), 0),
      bytes: formats.reduce((sum, f) => sum + 4 * f.parts.reduce((all, part) => all + product(part.shape), 0), 0),
      of,
    };
  }
  // What is one tensor for every site counts once.
  const names = new Set(won.flatMap((m) => trainedBy(resolved, m)));
  const elements = layout.trainables.reduce((sum, t) => sum + (names.has(t.name) ? t.elements : 0), 0);
  return { modules: won.length, elements, bytes: 4 * elements, of };
}

/** Names of the tensors that are trained for a module: its own, or those of the adapter on it. */
function trainedBy(resolved: Resolved, module: ModuleInstance): string[] {
  const adapter = resolved.adapters.get(module);
  const tensors = adapter === undefined ? module.storage : [...adapter.storage, ...adapter.own.map((o) => o.tensor)];
  return tensors.flatMap((s) => s.keys[0] ?? []);
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function isOwn(resolved: Resolved, module: ModuleInstance, statement: Targeting): boolean {
  if (statement.kind !== 'adapt') return true;
  const origin = resolved.spec.origins[joinKey('adapters', module.path)];
  return origin?.kind !== 'written' || origin.span.start === statement.span.start;
}
