/**
 * @file What is trained: each `adapt` and `train` statement on the modules it matches, the later ones winning.
 */
import type { Span } from '../../grammar/diagnostics.js';
import { instantiateAdapter, placesOf } from '../elaborate/instantiate-adapter.js';
import { allModules, anyKind, type AdapterInstance, type BoundDefinition, type ModuleInstance } from '../elaborate/instance.js';
import { attempt, stop } from '../elaborate/stop.js';
import type { Context } from './context.js';
import { argumentOrigins, joinKey } from './json.js';
import { bindNamed } from './named.js';
import { select } from './select.js';
import type { AdaptStatement, TrainStatement } from './statements.js';

/** What one statement matched. */
export interface Match {
  readonly text: string;
  readonly span: Span;
  readonly modules: readonly ModuleInstance[];
  readonly method: string | null;
}

/** What an experiment trains. */
export interface Targets {
  readonly adapters: ReadonlyMap<ModuleInstance, AdapterInstance>;
  readonly trained: ReadonlySet<ModuleInstance>;
  readonly matches: readonly Match[];
  /** Where the method of each adapter is written. */
  readonly places: ReadonlyMap<AdapterInstance, Span>;
}

interface Chosen {
  readonly bound: BoundDefinition;
  readonly statement: AdaptStatement;
}

/** Resolves every statement; without a model only the methods and their arguments are checked. */
export function resolveTargets(c: Context, model: ModuleInstance | undefined): Targets | undefined {
  const adapters = new Map<ModuleInstance, Chosen>();
  const trained = new Map<ModuleInstance, TrainStatement>();
  const matches: Match[] = [];
  let understood = true;
  for (const s of c.statements.targets) {
    const chosen = model === undefined ? undefined : attempt(c.diagnostics, () => select(model, s.selector));
    understood &&= chosen !== undefined;
    if (s.kind === 'train') {
      for (const m of chosen ?? []) trained.set(m, s);
      if (chosen) matches.push({ text: 'train', span: s.span, modules: [...chosen].filter((m) => m.storage.length > 0), method: null });
      continue;
    }
    attempt(c.diagnostics, () => {
      const bound = bindNamed(c, 'adapter', s.method);
      if (chosen === undefined) return;
      const sites = adapt(bound, s, chosen, adapters);
      matches.push({ text: 'adapt', span: s.span, modules: sites, method: bound.definition.name.text });
    });
  }
  if (model === undefined) return undefined;
  if (adapters.size === 0 && trained.size === 0 && c.diagnostics.every((d) => d.severity !== 'error')) {
    c.diagnostics.push({
      code: 'PEFT0407',
      severity: 'error',
      span: c.statements.experiment.name.span,
      message: 'nothing is trained',
      help: 'write adapt SELECTOR with METHOD, or train SELECTOR',
    });
  }
  // What a selector that matched nothing was to train is not known.
  if (understood) freshFrozen(c, model, adapters, trained);
  const order = allModules(model);
  const instances = instantiate(c, order, adapters);
  bothWays(c, new Map([...adapters].filter(([site]) => instances.has(site))), trained);
  for (const m of order) originsOf(c, m, adapters.get(m), trained.get(m));
  return {
    adapters: instances,
    trained: new Set(order.filter((m) => trained.has(m))),
    matches,
    places: new Map([...instances].map(([site, adapter]) => [adapter, (adapters.get(site) as Chosen).statement.method.span] as const)),
  };
}

/** One method on every site among the chosen modules. */
function adapt(
  bound: BoundDefinition,
  s: AdaptStatement,
  chosen: ReadonlySet<ModuleInstance>,
  adapters: Map<ModuleInstance, Chosen>,
): ModuleInstance[] {
  const kind = bound.definition.on?.name.text;
  const sites = [...chosen].filter((m) => (kind === anyKind ? m.storage.length > 0 : m.kinds.some((k) => k.name === kind)));
  const name = bound.definition.name.text;
  if (sites.length === 0)
    return stop('PEFT0405', s.selector.span, `nothing here is a ${kind} module, which ${name} acts on`, {
      help: `it matches ${[...new Set([...chosen].filter((m) => m.storage.length > 0).map((m) => m.definition.name.text))].join(', ')}`,
    });
  for (const site of sites) adapters.set(site, { bound, statement: s });
  return sites;
}

/** The adapters on their sites, in the order of the model; what does not fit is told once for each statement. */
function instantiate(
  c: Context,
  order: readonly ModuleInstance[],
  chosen: ReadonlyMap<ModuleInstance, Chosen>,
): Map<ModuleInstance, AdapterInstance> {
  const instances = new Map<ModuleInstance, AdapterInstance>();
  const sites = order.filter((m) => chosen.has(m));
  const of = (m: ModuleInstance): Chosen => chosen.get(m) as Chosen;
  for (const definition of new Set(sites.map((m) => of(m).bound.definition))) {
    const places = placesOf(
      definition,
      sites.filter((m) => of(m).bound.definition === definition),
    );
    const failed = new Set<AdaptStatement>();
    const useful = new Set<AdaptStatement>();
    for (const [site, place] of places) {
      const { bound, statement } = of(site);
      if (failed.has(statement)) continue;
      const made = attempt(c.diagnostics, () =>
        instantiateAdapter(definition, bound.scope, bound.args, site, place, { span: statement.method.span, args: bound.spans }),
      );
      // A method for any module has nothing to do on some.
      const idle = made !== undefined && definition.on?.name.text === anyKind && made.storage.length === 0 && made.own.length === 0;
      if (made === undefined) failed.add(statement);
      else if (!idle) {
        instances.set(site, made);
        useful.add(statement);
      }
    }
    for (const statement of new Set([...places.keys()].map((site) => of(site).statement))) {
      if (useful.has(statement) || failed.has(statement)) continue;
      c.diagnostics.push({
        code: 'PEFT0410',
        severity: 'error',
        span: statement.selector.span,
        message: `nothing here has a tensor that ${definition.name.text} trains`,
      });
    }
    attempt(c.diagnostics, () =>
      sharedAgree(
        [...places.keys()].flatMap((m) => instances.get(m) ?? []),
        (a) => of(a.site).statement.method.span,
      ),
    );
  }
  return new Map(sites.flatMap((m) => (instances.has(m) ? [[m, instances.get(m) as AdapterInstance] as const] : [])));
}

/** What is one tensor for every site has one shape. */
function sharedAgree(adapters: readonly AdapterInstance[], at: (adapter: AdapterInstance) => Span): void {
  const first = new Map<string, { readonly shape: readonly number[]; readonly adapter: AdapterInstance }>();
  for (const adapter of adapters) {
    for (const s of adapter.storage) {
      if (!s.shared) continue;
      const known = first.get(s.name);
      if (known === undefined) first.set(s.name, { shape: s.shape, adapter });
      else if (known.shape.join() !== s.shape.join()) {
        stop(
          'PEFT0409',
          at(adapter),
          `${s.name} is one tensor for every site, but ${adapter.site.path} makes it [${s.shape.join(', ')}] and ${known.adapter.site.path} [${known.shape.join(', ')}]`,
          { help: 'give every site the same arguments, or adapt fewer modules' },
        );
      }
    }
  }
}

/** A module is either adapted or trained in full. */
function bothWays(c: Context, adapters: ReadonlyMap<ModuleInstance, Chosen>, trained: ReadonlyMap<ModuleInstance, TrainStatement>): void {
  for (const [site, { statement: adapting }] of adapters) {
    const training = trained.get(site);
    if (training === undefined) continue;
    const [first, second] =
      c.statements.targets.indexOf(training) < c.statements.targets.indexOf(adapting) ? [training, adapting] : [adapting, training];
    c.diagnostics.push({
      code: 'PEFT0406',
      severity: 'error',
      span: second.span,
      message: `${site.path} is trained in full and adapted as well`,
      notes: [{ message: first.kind === 'adapt' ? 'it is adapted here' : 'it is trained here', span: first.span }],
      help: 'choose one of the two, or write except in the selector',
    });
    return;
  }
}

/** A part that is newly made and then frozen learns nothing: the head of a classifier above all. */
function freshFrozen(
  c: Context,
  model: ModuleInstance,
  adapters: ReadonlyMap<ModuleInstance, unknown>,
  trained: ReadonlyMap<ModuleInstance, unknown>,
): void {
  const first = allModules(model).find(
    (m) => m.fresh && m.storage.length > 0 && !adapters.has(m) && !trained.has(m) && m.roles.some((r) => r[0]?.name === 'head'),
  );
  const statement = c.statements.targets[0];
  if (first === undefined || statement === undefined) return;
  c.diagnostics.push({
    code: 'PEFT0408',
    severity: 'warning',
    span: statement.span,
    message: `${first.path} may be newly made and is not trained`,
    help: 'write train head',
  });
}

function originsOf(c: Context, module: ModuleInstance, chosen: Chosen | undefined, training: TrainStatement | undefined): void {
  if (chosen !== undefined) {
    const path = joinKey('adapters', module.path);
    c.origins[path] = { kind: 'written', span: chosen.statement.span };
    argumentOrigins(c.origins, path, chosen.bound);
  }
  if (training !== undefined && module.storage.length > 0)
    c.origins[joinKey('trained', module.path)] = { kind: 'written', span: training.span };
}
