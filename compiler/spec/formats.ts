/**
 * @file In how many bits frozen weights are kept: each `quantize` statement on the weights it matches, the later ones winning, and
 * what the base itself says of weights that are stored in a format already.
 */
import type { Span } from '../../grammar/diagnostics.js';
import type { FormatInstance } from '../elaborate/format.js';
import { encodeGraph, instantiateFormat } from '../elaborate/instantiate-format.js';
import { storedTensor } from '../elaborate/instantiate-adapter.js';
import { createElaboration } from '../elaborate/elaboration.js';
import { allModules, type BoundDefinition, type ModuleInstance, type StorageInstance } from '../elaborate/instance.js';
import { memberOf, weightName } from '../elaborate/members.js';
import { bindArguments } from '../elaborate/evaluate.js';
import { attempt, stop, told } from '../elaborate/stop.js';
import { float, integer, showNumber, bool, text, type Value } from '../elaborate/value.js';
import { createGraph } from '../graph/builder.js';
import type { Base } from './base.js';
import type { Binding } from './checkpoint.js';
import type { Context } from './context.js';
import { argumentOrigins, joinKey, jsonArgs } from './json.js';
import { bindNamed, listOf } from './named.js';
import { select } from './select.js';
import type { Json } from './spec.js';
import type { QuantizeStatement } from './statements.js';
import type { Match, Targets } from './targets.js';

/** The formats of an experiment. */
export interface Formats {
  readonly formats: ReadonlyMap<StorageInstance, FormatInstance>;
  readonly matches: readonly Match[];
}

interface Chosen {
  readonly bound: BoundDefinition;
  readonly span: Span;
  readonly statement: QuantizeStatement | undefined;
}

/** The stored tensor that the weight of a module is, or is the transpose of. */
function weightOf(module: ModuleInstance, span: Span): StorageInstance | undefined {
  const e = createElaboration(createGraph(), { training: false });
  const weight = memberOf(e, module, weightName, span);
  const stored = weight.kind === 'tensor' ? storedTensor(e, weight.node) : undefined;
  return module.storage.find((s) => s.keys[0] === stored?.tensor);
}

/** Resolves every statement; without a model only the formats and their arguments are checked. */
export function resolveFormats(c: Context, base: Base | undefined, targets: Targets | undefined): Formats {
  const chosen = new Map<ModuleInstance, Chosen>();
  const matches: Match[] = [];
  for (const s of c.statements.formats) {
    const modules = base === undefined ? undefined : attempt(c.diagnostics, () => select(base.model, s.selector));
    attempt(c.diagnostics, () => {
      if (s.format.kind === 'none') {
        for (const m of modules ?? []) chosen.delete(m);
        return;
      }
      const bound = bindNamed(c, 'format', s.format);
      if (modules === undefined) return;
      const kind = bound.definition.on?.name.text;
      if (kind === undefined)
        return stop(
          'PEFT0411',
          s.format.span,
          `${bound.definition.name.text} holds no weights of modules: it says nothing about what it acts on`,
          {
            help: listOf(c, 'format'),
          },
        );
      const sites = [...modules].filter((m) => m.kinds.some((k) => k.name === kind));
      if (sites.length === 0)
        return stop('PEFT0411', s.selector.span, `nothing here is a ${kind} module, whose weights ${bound.definition.name.text} can hold`, {
          help: `it matches ${[...new Set([...modules].filter((m) => m.storage.length > 0).map((m) => m.definition.name.text))].join(', ')}`,
        });
      // Only the weights of a format's modules are held so; what is trained in full stays as it is.
      const kept = sites.filter((m) => targets?.trained.has(m) !== true);
      const trained = sites.filter((m) => targets?.trained.has(m) === true);
      if (trained.length > 0)
        c.diagnostics.push({
          code: 'PEFT0412',
          severity: kept.length === 0 ? 'error' : 'warning',
          span: s.selector.span,
          message: `${trained.map((m) => m.path).join(', ')} ${trained.length === 1 ? 'is' : 'are'} trained in full, so ${trained.length === 1 ? 'its weight stays' : 'their weights stay'} in f32`,
          help: kept.length === 0 ? 'leave this statement out, or do not train it' : 'write except and the role of what is trained',
        });
      for (const m of kept) chosen.set(m, { bound, span: s.span, statement: s });
      matches.push({ text: 'quantize', span: s.span, modules: kept, method: bound.definition.name.text });
    });
  }
  if (base === undefined) return { formats: new Map(), matches };
  const formats = new Map<StorageInstance, FormatInstance>();
  const failed = new Set<object>();
  const rehearsed = new Set<object>();
  for (const module of allModules(base.model)) {
    const written = chosen.get(module);
    for (const storage of module.storage) {
      const stored = base.bindings.get(storage.keys[0] as string);
      if (stored?.kind === 'checkpoint' && stored.quantized !== undefined) {
        const at = written?.statement ?? base;
        if (failed.has(at)) continue;
        const made = attempt(c.diagnostics, () => {
          const bound = ofBase(c, base, storage, stored.quantized as NonNullable<typeof stored.quantized>, written);
          if (targets?.trained.has(module) === true)
            return stop(
              'PEFT0413',
              c.statements.base?.source.span as Span,
              `${module.path} is trained in full, but this base holds it as ${bound.definition.name.text}`,
              {
                help: 'use a base whose head is not quantised',
              },
            );
          return instantiateFormat(bound, module, storage, written?.span ?? (c.statements.base?.source.span as Span));
        });
        // What holds for one weight of a statement holds for the others: it is told once.
        if (made === undefined) failed.add(at);
        else formats.set(storage, made);
        continue;
      }
      // What the checkpoint lacks is made anew and kept with the adapter, as it is.
      if (base.facts.tensors !== undefined && stored?.kind === 'fresh') continue;
      // What an adapter trains in place is trained in f32.
      if (targets?.adapters.get(module)?.own.some((o) => o.tensor === storage) === true) continue;
      if (written === undefined || failed.has(written.bound) || storage !== weightOf(module, written.span)) continue;
      const made = attempt(c.diagnostics, () => {
        const at = written.statement?.format.span ?? written.span;
        const format = instantiateFormat(written.bound, module, storage, at);
        // What makes its tensors is gone through once for each statement, on shapes alone.
        if (!rehearsed.has(written.bound)) told(at, () => encodeGraph(format), [{ message: `the weight is ${storage.keys[0]}` }]);
        rehearsed.add(written.bound);
        return format;
      });
      if (made === undefined) failed.add(written.bound);
      else formats.set(storage, made);
    }
    if (written?.statement !== undefined) {
      const path = joinKey('quantized', module.path);
      c.origins[path] = { kind: 'written', span: written.span };
      argumentOrigins(c.origins, path, written.bound);
    }
  }
  const kept = new Set([...formats.values()].flatMap((f) => f.site ?? []));
  return { formats, matches: matches.map((m) => ({ ...m, modules: m.modules.filter((site) => kept.has(site)) })) };
}

const sameArgs = (a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean =>
  [...a].every(([name, value]) => JSON.stringify(value) === JSON.stringify(b.get(name)));

/** The format that a base says a weight is stored in; what an experiment writes must be that. */
function ofBase(
  c: Context,
  base: Base,
  storage: StorageInstance,
  quantized: NonNullable<Extract<Binding, { kind: 'checkpoint' }>['quantized']>,
  written: Chosen | undefined,
): BoundDefinition {
  const at = c.statements.base?.source.span as Span;
  const found = c.library.definitions.find(
    (d) => d.definition.what === 'format' && d.definition.foreign.some((f) => f.value === quantized.format),
  );
  if (found === undefined)
    return stop('PEFT0414', at, `${storage.keys[0]} of this base is stored as ${quantized.format}, which no format here reads`, {
      help: listOf(c, 'format'),
    });
  const args = Object.entries(quantized.args).map(([name, value]) => ({ name, value: valueOf(value), span: at }));
  const bound = bindArguments(c.e, found.definition, found.scope, args, at);
  if (written !== undefined && (written.bound.definition !== bound.definition || !sameArgs(written.bound.args, bound.args)))
    return stop(
      'PEFT0415',
      written.span,
      `${storage.keys[0]} of ${base.facts.configName} is stored as ${showCall(bound)} and cannot be quantised again`,
      { help: `leave this statement out, or write as ${showCall(bound)}` },
    );
  return bound;
}

const valueOf = (json: Json): Value =>
  typeof json === 'boolean'
    ? bool(json)
    : typeof json === 'number'
      ? Number.isInteger(json)
        ? integer(json)
        : float(json)
      : text(String(json));

/** A format with its arguments, as it is written. */
export const showCall = (b: Pick<BoundDefinition, 'definition' | 'args'>): string =>
  `${b.definition.name.text}(${[...b.args].map(([name, value]) => `${name}: ${value.kind === 'number' ? showNumber(value) : JSON.stringify(jsonArgs(new Map([[name, value]]))[name])}`).join(', ')})`;
