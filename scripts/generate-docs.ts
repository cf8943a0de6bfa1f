/**
 * @file Writes the reference tables that follow from the standard library: `docs/models.md` and `docs/adapters.md`. A test in
 * `test/golden/docs.test.ts` fails when either is stale.
 *
 * Models are instantiated on the tiny configurations of `test/stdlib/configs/`; a shape is shown in terms of configuration keys where
 * those give the numbers of the instance, else as the numbers. Adapters are put on real sites, so that counts and what merging says
 * come from the compiler.
 *
 * Run it with `npx esbuild scripts/generate-docs.ts --bundle --platform=node --format=esm --packages=external --outfile=.cache/generate-docs.mjs && node .cache/generate-docs.mjs`.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mergeGraph } from '../compiler/driver/graphs.js';
import { layoutOf } from '../compiler/driver/layout.js';
import { createElaboration } from '../compiler/elaborate/elaboration.js';
import { evaluate } from '../compiler/elaborate/evaluate.js';
import { allModules, anyKind, showRole, type ModuleInstance } from '../compiler/elaborate/instance.js';
import { instantiateModel } from '../compiler/elaborate/instantiate.js';
import { createLibrary, type Library } from '../compiler/elaborate/library.js';
import { moduleScope } from '../compiler/elaborate/members.js';
import { attempt } from '../compiler/elaborate/stop.js';
import { integer } from '../compiler/elaborate/value.js';
import type { Resolved } from '../compiler/spec/check.js';
import type { Facts } from '../compiler/spec/facts.js';
import { checkFile } from '../compiler/spec/file.js';
import type { Json } from '../compiler/spec/spec.js';
import type { Argument, Definition, Expr, File, Member, Param } from '../grammar/ast.js';
import type { Span } from '../grammar/diagnostics.js';
import { parseFile } from '../grammar/parse.js';
import { printExpr } from '../grammar/print.js';

const root = new URL('../', import.meta.url);

/** An object of JSON. */
type Config = { readonly [key: string]: Json };
type Of<Kind extends Member['kind']> = Extract<Member, { kind: Kind }>;
type Found = Library['definitions'][number];

/** What the pages are made from. */
interface World {
  readonly texts: ReadonlyMap<string, string>;
  readonly library: Library;
  readonly configs: ReadonlyMap<string, Config>;
}

function readWorld(): World {
  const folder = new URL('stdlib/', root);
  const texts = new Map<string, string>();
  const std = new Map<string, File>();
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((p) => p.endsWith('.peft'));
  for (const path of paths.map((p) => p.replaceAll('\\', '/')).sort()) {
    const name = `stdlib/${path}`;
    const text = readFileSync(new URL(path, folder), 'utf8');
    const parsed = parseFile(text, name);
    const fault = parsed.diagnostics.find((d) => d.severity === 'error');
    if (fault !== undefined) throw new Error(`${name}: ${fault.message}`);
    texts.set(name, text);
    std.set(path.slice(0, -'.peft'.length), parsed.value);
  }
  const tiny = new URL('test/stdlib/configs/', root);
  const configs = readdirSync(tiny).map(
    (file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(new URL(file, tiny), 'utf8')) as Config] as const,
  );
  return { texts, library: createLibrary({ std, open: () => undefined }), configs: new Map(configs) };
}

// --- Markdown --------------------------------------------------------------------------------------------------------

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => (text === '' ? '–' : text.replaceAll('|', '\\|'));
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n');
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** A doc comment without its examples and its band of learning rates, as one paragraph. */
const proseOf = (d: Definition): string =>
  d.doc
    .replace(/^\s*(example|rate):.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();

/** Papers and years: the first parenthesis of a doc comment that has a year. */
const sourceOf = (d: Definition): string => /\(([^()]*\b(?:19|20)\d\d[^()]*)\)/.exec(proseOf(d))?.[1] ?? '';

const fileLink = (d: Definition): string => `[${code(d.span.file)}](../${d.span.file})`;
const sectionLink = (name: string): string => `[${name}](#${name})`;
const byName = (a: Found, b: Found): number => (a.definition.name.text < b.definition.name.text ? -1 : 1);
const membersOf = (d: Definition): readonly Member[] => (d.body.kind === 'block' ? d.body.members : []);

interface Entry {
  readonly summary: readonly string[];
  readonly section: string;
}

/** A whole page: what is said first, a table with a row for each entry, and their sections. */
function pageOf(title: string, from: string, said: readonly string[], columns: readonly string[], entries: readonly Entry[]): string {
  const note = `<!-- Generated by scripts/generate-docs.ts from ${from}; not edited. -->`;
  const summary = table(
    columns,
    entries.map((e) => e.summary),
  );
  return `${[note, `# ${title}`, ...said, summary, ...entries.map((e) => e.section)].join('\n\n')}\n`;
}

// --- expressions in terms of the configuration -----------------------------------------------------------------------

type Meaning = ReadonlyMap<string, Expr>;

/** An expression with names replaced by what they stand for. */
function replaceNames<T>(node: T, meaning: Meaning): T {
  if (Array.isArray(node)) return node.map((one: unknown) => replaceNames(one, meaning)) as T;
  if (node === null || typeof node !== 'object') return node;
  const named = node as { readonly kind?: unknown; readonly name?: unknown };
  if (named.kind === 'name' && typeof named.name === 'string') return (meaning.get(named.name) ?? node) as T;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'span' ? value : replaceNames(value as unknown, meaning)]),
  ) as T;
}

/** What the parameters and values of a called module stand for at its call. */
function meaningOf(d: Definition, args: readonly Argument[], outer: Meaning): Meaning {
  const meaning = new Map<string, Expr>();
  const positional = args.filter((a) => a.name === undefined);
  d.params.forEach((p, i) => {
    const given = args.find((a) => a.name?.text === p.name.text) ?? positional[i];
    if (given !== undefined) meaning.set(p.name.text, replaceNames(given.value, outer));
    else if (p.default !== undefined) meaning.set(p.name.text, replaceNames(p.default, meaning));
  });
  for (const m of membersOf(d)) if (m.kind === 'let') meaning.set(m.name.text, replaceNames(m.value, meaning));
  return meaning;
}

/** A condition as it is written at the configuration, `''` where it always holds, undefined where it never does. */
function conditionOf(when: Expr | undefined, meaning: Meaning): string | undefined {
  if (when === undefined) return '';
  const condition = replaceNames(when, meaning);
  const known = condition.kind === 'unary' && condition.op === 'not' ? condition.operand : condition;
  if (known.kind !== 'bool') return printExpr(condition);
  return known.value === (known === condition) ? '' : undefined;
}

// --- models ----------------------------------------------------------------------------------------------------------

/** A module of a model as its table shows it. */
interface Row {
  /** Place in the order of declaration. */
  readonly order: readonly number[];
  readonly role: string;
  readonly path: string;
  readonly tensors: string;
  readonly kind: string;
  readonly condition: string;
  readonly fresh: boolean;
  /** Tasks that bring it; empty for what every task has. */
  readonly tasks: readonly string[];
}

/** What a row takes from the modules around; whether its task brings it. */
type Place = Pick<Row, 'role' | 'path' | 'condition' | 'order'> & { readonly task: boolean };

/** Instances of a model for a task: on its configuration, and with each switch of it turned the other way where that is allowed. */
function instancesOf(found: Found, config: Config, task: string): ModuleInstance[] {
  const { definition, scope } = found;
  const { span } = definition.name;
  const switches = definition.params.flatMap((p) => {
    const now = config[p.name.text] ?? (p.default?.kind === 'bool' ? p.default.value : undefined);
    return typeof now === 'boolean' ? [{ ...config, [p.name.text]: !now }] : [];
  });
  const make = (c: Config): ModuleInstance =>
    instantiateModel(definition, scope, c, [], { name: task, args: new Map([['labels', integer(3)]]), span }, 'config.json', span);
  return [make(config), ...switches.flatMap((c) => attempt([], () => make(c)) ?? [])];
}

/** The rows of one instance. */
function rowsOf(model: ModuleInstance, task: string, taskOrder: number): Row[] {
  const e = createElaboration(undefined, { training: false });
  const scope = moduleScope(e, model);
  const common = membersOf(model.definition).length;
  const rows: Row[] = [];

  const shown = (dim: Expr, size: number | undefined): string => {
    const value = attempt([], () => evaluate(e, dim, scope));
    if (size === undefined || (value?.kind === 'number' && value.value === size)) return printExpr(dim);
    return `${size} in the tiny configuration`;
  };

  const tensorOf = (m: Of<'storage'>, module: ModuleInstance, meaning: Meaning): string[] => {
    const condition = conditionOf(m.when, meaning);
    const there = module.storage.find((s) => s.name === m.name.text);
    if (condition === undefined || m.type?.kind !== 'type-tensor') return [];
    const dims = m.type.dims.flatMap((d, i) => (d.kind === 'dim' ? [shown(replaceNames(d.expr, meaning), there?.shape[i])] : []));
    const names = m.foreign.length === 0 ? [m.name.text] : m.foreign.map((f) => f.value);
    return [`${names.map(code).join(' or ')} ${code(`[${dims.join(', ')}]`)}${condition === '' ? '' : ` if ${code(condition)}`}`];
  };

  const walk = (module: ModuleInstance, meaning: Meaning, place: Place): void => {
    const parts = module.members.flatMap((m, i) => (m.kind === 'part' ? [{ m, i }] : []));
    const inner = parts.flatMap(({ m, i }) => {
      const held = module.parts.get(m.name.text);
      const child = (Array.isArray(held) ? held[0] : held) as ModuleInstance | undefined;
      return child === undefined ? [] : [{ m, i, child }];
    });
    if (module !== model && (parts.length === 0 || module.storage.length > 0)) {
      const { task: own, ...at } = place;
      const tensors = module.members.flatMap((m) => (m.kind === 'storage' ? tensorOf(m, module, meaning) : []));
      const kinds = module.kinds.map((k) => code(k.name));
      rows.push({
        ...at,
        tensors: tensors.join(', '),
        kind: `${kinds[0]}${kinds.length > 1 ? ` (${kinds.slice(1).join(', ')})` : ''}`,
        fresh: module.fresh,
        tasks: own ? [task] : [],
      });
    }
    for (const { m, i, child } of inner) {
      const own =
        (m.role ?? []).map((s) => (s.names.length === 1 ? s.names[0]?.text : `{${s.names.map((n) => n.text).join(', ')}}`)).join('.') +
        (m.index === undefined ? '' : `[${m.index.name.text}]`);
      const path = [place.path, m.foreign?.value ?? m.name.text].filter((p) => p !== '').join('.');
      if (path.replace(/\{\w+\}/g, '0') !== child.path) throw new Error(`${child.path} would be shown as ${path}`);
      const condition = conditionOf(m.when, meaning);
      if (condition === undefined) throw new Error(`${child.path} is there, though its condition never holds`);
      const brought = module === model && i >= common;
      walk(child, meaningOf(child.definition, m.value.kind === 'call' ? m.value.args : [], meaning), {
        role: [place.role, own].filter((r) => r !== '').join('.'),
        path,
        condition: [place.condition, condition].filter((c) => c !== '').join(' and '),
        order: [...place.order, brought ? common + taskOrder : i, i],
        task: place.task || brought,
      });
    }
  };
  walk(model, new Map(), { role: '', path: '', condition: '', order: [], task: false });
  return rows;
}

const before = (a: Row, b: Row): number => a.order.map((n, i) => n - (b.order[i] ?? -1)).find((n) => n !== 0) ?? 0;

/** Rows that say the same stand once, with the tasks of all of them. */
function unionOf(rows: readonly Row[]): Row[] {
  const known = new Map<string, Row>();
  for (const row of rows) {
    const key = JSON.stringify([row.role, row.path, row.tensors, row.kind, row.condition, row.fresh, row.tasks.length > 0]);
    const same = known.get(key);
    known.set(key, same === undefined ? row : { ...same, tasks: [...new Set([...same.tasks, ...row.tasks])] });
  }
  return [...known.values()].sort(before);
}

const whenOf = (row: Row): string =>
  [row.tasks.join(', '), row.condition === '' ? '' : `if ${code(row.condition)}`, row.fresh ? 'may be new' : '']
    .filter((x) => x !== '')
    .join('; ');

function modelPage(found: Found, config: Config): Entry & { readonly both: boolean } {
  const { definition: d } = found;
  const tasks = membersOf(d).flatMap((m) => (m.kind === 'nested' ? [m.name.text] : []));
  const instances = tasks.map((task) => ({ task, models: instancesOf(found, config, task) }));
  const rows = unionOf(instances.flatMap(({ task, models }, i) => models.flatMap((model) => rowsOf(model, task, i))));
  const linears = instances.flatMap(({ models }) => models.flatMap(allModules)).filter((m) => m.kinds.some((k) => k.name === 'linear'));
  const roles = [...new Set(linears.flatMap((m) => m.roles.map(showRole)))];
  const below = (step: string): string[] => [...new Set(roles.flatMap((role) => new RegExp(`\\b${step}\\.(\\w+)`).exec(role)?.[1] ?? []))];
  const values = valuesIn(membersOf(d), rows.map((r) => `${r.tensors} ${r.condition}`).join(' '));
  const foreign = d.foreign.map((f) => code(f.value)).join(', ');
  const section = [
    `## ${d.name.text}`,
    proseOf(d),
    `${code('model_type')}: ${foreign}. Tasks: ${tasks.map(code).join(', ')}. Defined in ${fileLink(d)}.`,
    table(
      ['Role', 'Module in the checkpoint', 'Tensors', 'Kind', 'When'],
      rows.map((r) => [code(r.role), r.tensors === '' ? '' : code(r.path), r.tensors, r.kind, whenOf(r)]),
    ),
    ...(values.length === 0 ? [] : [`Here ${values.join('; ')}.`]),
  ];
  const [attention, mlp] = [below('attention').join(', '), below('mlp').join(', ')];
  const summary = [sectionLink(d.name.text), foreign, tasks.join(', '), attention, mlp];
  return { summary, both: attention !== '' && mlp !== '', section: section.join('\n\n') };
}

/** What the model's own values in a text are, and those that these need. */
function valuesIn(members: readonly Member[], text: string): string[] {
  const said: string[] = [];
  for (const m of members.filter((one): one is Of<'let'> => one.kind === 'let').toReversed()) {
    if ([text, ...said].some((t) => t.split(/\W+/).includes(m.name.text)))
      said.unshift(`${code(m.name.text)} is ${code(printExpr(m.value))}`);
  }
  return said;
}

/** The text that `docs/models.md` must have. */
export function modelsPage(): string {
  const { library, configs } = readWorld();
  const pages = library.definitions
    .filter((f) => f.definition.what === 'model')
    .toSorted(byName)
    .map((found) => {
      const config = configs.get(found.definition.name.text);
      if (config === undefined) throw new Error(`test/stdlib/configs/${found.definition.name.text}.json is missing`);
      return modelPage(found, config);
    });
  const both = pages.filter((p) => p.both).length;
  const said = [
    'The models of the standard library, and the modules that a selector finds in each. A role is written as in a selector; `{i}` in a name is the number of the layer, and `labels` the number of classes of the experiment. A shape is given in keys of `config.json`.',
    `${both === pages.length ? `All ${both}` : `${both} of ${pages.length}`} models have linear layers with the roles \`attention\` and \`mlp\`, so \`adapt attention + mlp\` ${both === pages.length ? 'works on every one' : 'works on those'}. A module with several roles is one fused matrix; each of its roles selects the whole of it. What may be new is drawn where the checkpoint lacks it. \`prompt\` and \`past\` hold no tensor; virtual tokens are placed there.`,
  ];
  return pageOf('Models', 'stdlib/models', said, ['Model', '`model_type`', 'Tasks', '`attention.…`', '`mlp.…`'], pages);
}

// --- adapters --------------------------------------------------------------------------------------------------------

interface Base {
  readonly model: string;
  readonly task: string;
  readonly columns: string;
  /** Keys that differ from the tiny configuration. */
  readonly wide: Config;
}

const encoder: Config = {
  hidden_size: 768,
  num_attention_heads: 12,
  intermediate_size: 3072,
  num_hidden_layers: 1,
  max_position_embeddings: 64,
};
const decoder: Config = { n_embd: 768, n_head: 12, n_layer: 1, n_positions: 64 };

/** Bases with layers as wide as those of BERT base: an encoder, and a decoder whose table of embeddings is tied. */
const bases: readonly Base[] = [
  { model: 'bert', task: 'classify(labels: 2)', columns: 'text: "text" label: "label"', wide: encoder },
  { model: 'gpt2', task: 'causal()', columns: 'text: "text"', wide: decoder },
];

function factsOf(world: World): Facts {
  return {
    base: (source) => {
      const base = bases.find((b) => source.kind !== 'hub' && b.model === source.path);
      if (base === undefined) return { ok: false, message: 'there is no such base' };
      const config = { ...world.configs.get(base.model), ...base.wide };
      return {
        ok: true,
        value: { configName: 'config.json', config, tensors: undefined, tokenizer: { ok: true, value: { vocabulary: 0 } } },
      };
    },
    table: () => ({ ok: true, value: { columns: ['text', 'label'], rows: 100 } }),
  };
}

function resolve(world: World, base: Base, statement: string, method?: string): Resolved {
  const text = `${method === undefined ? '' : `import std.adapters.${method}\n`}experiment e {
  base ${base.model} from scratch("${base.model}") for ${base.task}
  ${statement}
  data { train: tsv("train.tsv") max_length: 8 tokens ${base.columns} }
  tune { optimizer: adamw(lr: 1e-3) }
}`;
  const parsed = parseFile(text, 'e.peft');
  const checked = checkFile(parsed.value, world.library, factsOf(world));
  const fault = [...parsed.diagnostics, ...checked.diagnostics].find((d) => d.severity === 'error');
  const resolved = checked.experiments[0]?.resolved;
  if (fault !== undefined || resolved === undefined) throw new Error(`${fault?.message ?? 'no experiment'}\n${text}`);
  return resolved;
}

/** Where an adapter is tried on a base: the first module of its kind, by role; undefined where there is none. */
function siteOf(world: World, base: Base, d: Definition): string | undefined {
  const kind = d.on === undefined || d.on.name.text === anyKind ? 'linear' : d.on.name.text;
  const module = allModules(resolve(world, base, 'train all').model).find((m) => m.kinds.some((k) => k.name === kind));
  return module?.roles[0] === undefined ? undefined : showRole(module.roles[0]);
}

/** An argument for a parameter without default. */
function givenFor(p: Param): string {
  if (p.type?.kind === 'type-name' && p.type.name.text === 'List') return '[2, 5]';
  throw new Error(`there is nothing to give for ${p.name.text}`);
}

/** A method on its first site of a base. */
interface Trial {
  readonly base: Base;
  readonly site: string;
  readonly resolved: Resolved;
  /** Why it cannot be merged. */
  readonly refused: string | undefined;
}

function trialsOf(world: World, d: Definition): Trial[] {
  const given = d.params.filter((p) => p.default === undefined).map((p) => `${p.name.text}: ${givenFor(p)}`);
  return bases.flatMap((base) => {
    const site = siteOf(world, base, d);
    if (site === undefined) return [];
    const resolved = resolve(world, base, `adapt ${site} with ${d.name.text}(${given.join(', ')})`, d.name.text);
    const merged = mergeGraph(resolved, layoutOf(resolved));
    return [{ base, site, resolved, refused: 'refused' in merged ? merged.refused : undefined }];
  });
}

/** Whether a method can be merged, in a word and in a sentence. */
function merging(trials: readonly Trial[]): { readonly word: string; readonly sentence: string } {
  const refused = trials.filter((t) => t.refused !== undefined);
  const where = (t: Trial): string => `${code(t.site)} of ${code(t.base.model)}`;
  const said = [...new Set(refused.map((t) => t.refused))].map((why) => `“${why}”`).join(' and ');
  if (refused.length === 0) return { word: 'yes', sentence: 'Can be merged.' };
  if (refused.length === trials.length) return { word: 'no', sentence: `Cannot be merged: ${said}.` };
  const taken = trials.filter((t) => t.refused === undefined).map(where);
  const sentence = `Can be merged into ${taken.join(', ')}. On ${refused.map(where).join(', ')} it cannot: ${said}.`;
  return { word: 'not everywhere', sentence };
}

const square = '768 x 768';

/** Trained parameters on a square linear layer, where the method acts on one; those that all sites share are among them. */
function trainedOn(d: Definition, trials: readonly Trial[]): { readonly all: number; readonly shared: number } | undefined {
  if (d.on?.name.text !== 'linear' && d.on?.name.text !== anyKind) return undefined;
  const trial = trials.find((t) => [...t.resolved.adapters.keys()].some((m) => m.storage.some((s) => s.shape.join(' x ') === square)));
  if (trial === undefined) throw new Error(`${d.name.text} is on no layer of ${square}`);
  const { trainables } = layoutOf(trial.resolved);
  const shared = new Set([...trial.resolved.adapters.values()].flatMap((a) => a.storage.filter((s) => s.shared).map((s) => s.keys[0])));
  const count = (list: typeof trainables): number => list.reduce((sum, t) => sum + t.elements, 0);
  return { all: count(trainables), shared: count(trainables.filter((t) => shared.has(t.name))) };
}

function adapterSection(world: World, d: Definition, trials: readonly Trial[]): string {
  const text = world.texts.get(d.span.file) ?? '';
  const written = (span: Span): string => text.slice(span.start, span.end).replace(/\s+/g, ' ');
  const members = membersOf(d);
  const storage = members.filter((m): m is Of<'storage'> => m.kind === 'storage');
  const conditions = members.flatMap((m) => (m.kind === 'require' ? [code(printExpr(m.condition))] : []));
  const on = d.on === undefined ? '' : written(d.on.span).replace(/^on /, '');
  const parameters = d.params.map((p) => [
    code(p.name.text),
    p.type === undefined ? '' : code(written(p.type.span)),
    p.bounds.map((b) => code(`${b.op} ${printExpr(b.value)}`)).join(', '),
    p.default === undefined ? 'must be given' : code(printExpr(p.default)),
  ]);
  const tensors = storage.map((m) => [
    code(m.name.text),
    `${m.storage === 'train' ? 'trained' : m.storage === 'frozen' ? 'fixed' : 'computed for the file'}${m.shared ? ', shared by all sites' : ''}`,
    m.type === undefined ? (m.storage === 'save' ? '' : 'as in the base') : code(written(m.type.span)),
    m.init === undefined ? '' : code(printExpr(m.init)),
    m.foreign.length === 0 && m.type === undefined && m.storage === 'train'
      ? 'as in the base'
      : m.foreign.map((f) => code(f.value)).join(' or '),
    m.when === undefined ? '' : `if ${code(printExpr(m.when))}`,
  ]);
  const defining = ['let', 'assign', 'function', 'replace', 'rates'];
  const spans = members.flatMap((m) => (defining.includes(m.kind === 'section' ? m.section.name.text : m.kind) ? [m.span] : []));
  const lines = spans.map(({ start, end }) => text.slice(text.lastIndexOf('\n', start) + 1, end).replace(/^ {2}/gm, ''));
  const counted = trainedOn(d, trials);
  const shared = (counted?.shared ?? 0) === 0 ? '' : `, ${grouped(counted?.shared ?? 0)} of them shared by all sites`;
  const sentences = [
    `PEFT type: ${d.foreign.length === 0 ? 'none' : d.foreign.map((f) => code(f.value)).join(', ')}. Acts on ${code(on)}. Defined in ${fileLink(d)}.`,
    conditions.length === 0 ? '' : `Needs ${conditions.join(', ')}.`,
    merging(trials).sentence,
    counted === undefined
      ? ''
      : `At default parameters it trains ${grouped(counted.all)} numbers on a linear layer of ${square} with a bias${shared}.`,
  ];
  return [
    `## ${d.name.text}`,
    proseOf(d),
    sentences.filter((x) => x !== '').join(' '),
    ...(parameters.length === 0 ? ['No parameters.'] : [table(['Parameter', 'Type', 'Bounds', 'Default'], parameters)]),
    table(['Tensor', 'Kept as', 'Shape', 'Value', 'Name in the file', 'When'], tensors),
    ...(lines.length === 0 ? [] : [`\`\`\`peft\n${lines.join('\n')}\n\`\`\``]),
  ].join('\n\n');
}

/** The text that `docs/adapters.md` must have. */
export function adaptersPage(): string {
  const world = readWorld();
  const methods = world.library.definitions.filter((f) => f.definition.what === 'adapter' && f.folder === 'adapters').toSorted(byName);
  const pages = methods.map(({ definition: d }) => {
    const trials = trialsOf(world, d);
    if (trials.length === 0) throw new Error(`no base has a site for ${d.name.text}`);
    const counted = trainedOn(d, trials);
    const summary = [
      sectionLink(d.name.text),
      d.foreign.map((f) => code(f.value)).join(', '),
      code(d.on?.name.text ?? ''),
      merging(trials).word,
      counted === undefined ? '' : grouped(counted.all),
      /^\s*rate:\s*(.*\S)\s*$/m.exec(d.doc)?.[1] ?? '',
      sourceOf(d),
    ];
    return { summary, section: adapterSection(world, d, trials) };
  });
  const said = `The ${pages.length} adapter definitions of the standard library. Several definitions with one PEFT type are one method on several kinds of site, or variants that one configuration of PEFT chooses between. A name in the file stands after \`base_model.model.\` and the path of the site; a shared tensor has its name as the whole key, and \`{site}\` in it stands for each site. A tensor without a name there is not stored: it can be made again, or what is stored is computed from it. Whether a method can be merged is tried at default parameters on ${bases.map((b) => `${code(b.model)} for ${code(b.task.replace(/\(.*/, ''))}`).join(' and ')}. A learning rate is one that the method's paper, or a comparison of methods, found good with an optimiser of the Adam family; \`peft lint\` warns far outside of it.`;
  return pageOf(
    'Adapters',
    'stdlib/adapters',
    [said],
    ['Adapter', 'PEFT type', 'Acts on', 'Merging', `Trained on ${square}`, 'Learning rate', 'Source'],
    pages,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(fileURLToPath(new URL('docs/models.md', root)), modelsPage());
  writeFileSync(fileURLToPath(new URL('docs/adapters.md', root)), adaptersPage());
}
