/**
 * @file Adapters of every definition of the standard library that PEFT has a name for, on a tiny decoder and a tiny encoder: compiled,
 * given their first values on the device, moved away from them, written, and measured. What PEFT must make of them is plain data.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, entryOf, type Compiled } from '../../compiler/driver/compile.js';
import { evalGraph, initialGraph, saveGraph } from '../../compiler/driver/graphs.js';
import { plan } from '../../compiler/plan/plan.js';
import type { AdapterFile } from '../../compiler/plan/program.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Definition, Expr } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { loadAdapter } from '../../runtime/adapter-load.js';
import type { Device } from '../../runtime/device.js';
import { exportAdapter, type CardFacts, type TrainedValues } from '../../runtime/export-adapter.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { loadTensors } from '../../runtime/load.js';
import { trainedValues } from '../../runtime/run.js';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { writeFileAtomically, writeWeights } from '../../runtime/weights/writer.js';
import { createRandom } from '../ops/samples.js';
import { configs, factsOf, libraryOf, modelOf, modelTasks, tensorsOf, type JsonObject } from '../spec/world.js';
import { found } from '../stdlib/definitions.js';
import { batchFeeds, call } from '../stdlib/experiment.js';
import { allModules } from '../../compiler/elaborate/instance.js';

const rows = 3;
const tokens = 6;
const shape = { rows, tokens };
const library = libraryOf();

/** Sizes that fit tiny weights, by the parameter they are given to. */
const small: Readonly<Record<string, string>> = {
  rank: '2',
  block: '2',
  group: '2',
  vector_length: '2',
  num_vectors: '3',
  frequencies: '5',
  virtual_tokens: '2',
  scaling: '2',
  tokens: '[0, 1]',
};

/** Which base, what is learnt, and what is written in between. */
export interface Experiment {
  readonly name: string;
  readonly model: string;
  readonly task: 'causal' | 'classify';
  readonly statements: readonly string[];
  /** The base is one that was trained for the task: it has the head. */
  readonly headed?: boolean;
}

/** An adapter folder with what its base gives with it. */
export interface WrittenFolder {
  readonly path: string;
  readonly logits: readonly number[];
  /** A tensor of its file that the logits depend on: the first that is trained. */
  readonly key: string;
}

/** What one experiment wrote. */
export interface Written {
  readonly name: string;
  readonly base: string;
  readonly task: Experiment['task'];
  readonly labels: number;
  readonly folders: readonly WrittenFolder[];
  /** With all folders at once. */
  readonly logits: readonly number[];
  /** With what is read back from the folders. */
  readonly back: readonly number[];
  readonly ids: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
}

/** The words that a `require NAME in ["a", "b"]` of a definition allows, by their parameter. */
function choicesOf(d: Definition): { readonly param: string; readonly words: readonly string[] }[] {
  const words = (e: Expr): string[] => (e.kind === 'list' ? e.items.flatMap((item) => (item.kind === 'string' ? [item.value] : [])) : []);
  return (d.body.kind === 'block' ? d.body.members : []).flatMap((m) =>
    m.kind === 'require' && m.condition.kind === 'binary' && m.condition.op === 'in' && m.condition.left.kind === 'name'
      ? [{ param: m.condition.left.name, words: words(m.condition.right) }]
      : [],
  );
}

/** A method as it is by default, with every switch turned on, and with every word that it knows. */
function methodsOf(d: Definition): string[] {
  const sizes = Object.fromEntries(
    d.params.flatMap((p) => (small[p.name.text] === undefined ? [] : [[p.name.text, small[p.name.text] as string] as const])),
  );
  const switches = Object.fromEntries(
    d.params.flatMap((p) =>
      p.type?.kind === 'type-name' && p.type.name.text === 'Bool'
        ? [[p.name.text, p.default?.kind === 'bool' && p.default.value ? 'false' : 'true'] as const]
        : [],
    ),
  );
  const usual = (param: string): string | undefined =>
    d.params.flatMap((p) => (p.name.text === param && p.default?.kind === 'string' ? [p.default.value] : []))[0];
  const words = choicesOf(d).flatMap(({ param, words: all }) =>
    all.filter((word) => word !== usual(param)).map((word) => call(d, { ...sizes, [param]: JSON.stringify(word) })),
  );
  return [...new Set([call(d, sizes), ...(Object.keys(switches).length === 0 ? [] : [call(d, { ...sizes, ...switches })]), ...words])];
}

/** The methods that PEFT has. */
const methods = found('adapter').flatMap(({ definition }) =>
  definition.foreign.length === 0 ? [] : methodsOf(definition).map((method, i) => ({ method, plain: i === 0 })),
);

/** Every method on the decoder, and as it is by default on the encoder, where it acts there. */
export const methodExperiments: readonly Experiment[] = methods.flatMap(({ method, plain }) => {
  const on = (model: string, task: Experiment['task'], selector: string, ...more: string[]): Experiment => ({
    name: `${method} on ${task}`,
    model,
    task,
    statements: [`adapt ${selector} with ${method}`, ...more],
  });
  // The head of a tiny vocabulary has not the sizes that some methods ask for.
  const decoders = ['all', 'all except head'].map((selector) => on('llama', 'causal', selector)).filter(acts);
  return [...decoders.slice(0, 1), ...(plain ? [on('bert', 'classify', 'all except head', 'train head')].filter(acts) : [])];
});

const causal = (name: string, ...statements: string[]): Experiment => ({ name, model: 'llama', task: 'causal', statements });
const classify = (name: string, ...statements: string[]): Experiment => ({ name, model: 'bert', task: 'classify', statements });
const bank = 'vector_length: 2, num_vectors: 3';

/** Several methods, or one with several arguments: what one configuration can say is one adapter, the rest are several. */
export const mixedExperiments: readonly Experiment[] = [
  causal('two methods', 'adapt attention with lora(rank: 2)', 'adapt mlp with ia3()'),
  classify('two methods with a head', 'adapt attention with lora(rank: 2)', 'adapt mlp with ia3()', 'train head'),
  classify(
    'four methods with a head',
    'adapt attention with lora(rank: 2)',
    'adapt mlp.up with loha(rank: 2)',
    'adapt mlp.down with oft(block: 2)',
    'adapt norms with ln_tuning()',
    'train head',
  ),
  causal('virtual tokens beside another method', 'adapt attention with lora(rank: 2)', 'adapt all with prompt_tuning(virtual_tokens: 2)'),
  classify(
    'rows of a table beside another method',
    'adapt attention with lora(rank: 2)',
    'adapt embeddings.word with trainable_tokens(tokens: [1, 3])',
    'train head',
  ),
  causal(
    'a computed file beside another method',
    `adapt attention with vblora(rank: 2, ${bank}, save_only_topk: true)`,
    'adapt mlp with ia3()',
  ),
  causal('two variants of one method', 'adapt attention with lora(rank: 2)', 'adapt mlp with dora(rank: 2)'),
  causal('two values of a key without a map', 'adapt attention with hra(rank: 1)', 'adapt mlp with hra(rank: 2)'),
  causal(
    'two values of a key that a bank goes with',
    `adapt attention with vblora(rank: 2, ${bank})`,
    `adapt mlp with vblora(rank: 1, ${bank})`,
  ),
  causal(
    'two values of a key with a map',
    'adapt attention with lora(rank: 2, dropout: 10%)',
    'adapt layers[1].attention with lora(rank: 1, alpha: 3)',
    'train norms',
  ),
  causal(
    'two definitions in one configuration',
    'adapt attention with lora(rank: 2)',
    'adapt embeddings with lora_embedding(rank: 1, alpha: 3)',
    'adapt mlp.up with pissa(rank: 2)',
  ),
  causal(
    'marked modules of some layers',
    'adapt attention.key + layers[0].mlp.down with ia3()',
    'adapt layers[1].mlp.down with ia3(feedforward: true)',
  ),
  causal('a saved module whose name ends that of others', 'adapt attention with lora(rank: 2)', 'train norms.final'),
  classify('biases trained in place', 'adapt attention with lora(rank: 2)', 'adapt mlp with bitfit()', 'train head'),
  classify('an adapted head that was drawn', 'adapt all with lora(rank: 2)'),
  { ...classify('an adapted head of the base', 'adapt all with lora(rank: 2)'), headed: true },
];

/** A trained head on every model that has one; one that was drawn and left alone, and one that the base has. */
export const headExperiments: readonly Experiment[] = [
  ...[...configs.keys()]
    .filter((model) => modelTasks(model).includes('classify'))
    .map((model): Experiment => ({
      name: `a trained head of ${model}`,
      model,
      task: 'classify',
      statements: ['adapt attention with lora(rank: 2)', 'train head'],
    })),
  classify('a drawn head', 'adapt attention with lora(rank: 2)'),
  { ...classify('a head of the base', 'adapt attention with lora(rank: 2)'), headed: true },
];

/** Whether a model has modules that a method acts on, of sizes that fit, is told by the check; nothing else may be wrong. */
function acts(experiment: Experiment): boolean {
  try {
    check(experiment);
    return true;
  } catch (error) {
    if (/nothing here (is an? \w+ module|has a tensor)|does not divide|must be even and divide/.test(String(error))) return false;
    throw error;
  }
}

const headOf = (e: Experiment): Map<string, { readonly shape: readonly number[] }> =>
  new Map(
    allModules(modelOf(e.model, configs.get(e.model) as JsonObject, e.task)).flatMap((m) =>
      m.fresh ? m.storage.map((s) => [s.keys[0] as string, { shape: s.shape }] as const) : [],
    ),
  );

/** Checks an experiment; what is wrong with it is an error of the test. */
function check(e: Experiment): Resolved {
  const text = `${found('adapter')
    .map((d) => `import std.adapters.${d.definition.name.text}`)
    .join('\n')}
experiment test {
  base ${e.model} from "models/${e.model}" for ${e.task}${e.task === 'classify' ? '(labels: 3)' : ''}
  ${e.statements.join('\n  ')}
  data { train: tsv("train.tsv") max_length: ${tokens} tokens text: "text" ${e.task === 'classify' ? 'label: "label"' : ''} }
  tune { optimizer: adamw(lr: 1e-3) }
}`;
  const parsed = parseFile(text, 'test.peft');
  const checked = checkFile(parsed.value, library, factsOf(e.headed ? { tensors: Object.fromEntries(headOf(e)) } : {}));
  const problems = [...parsed.diagnostics, ...checked.diagnostics].filter((d) => d.severity === 'error');
  const one = checked.experiments[0]?.resolved;
  if (problems.length > 0 || one === undefined)
    throw new Error(`${problems.map((d) => `${d.message} ${JSON.stringify(text.slice(d.span.start, d.span.end))}`).join('\n')}\n${text}`);
  return one;
}

const seedOf = (name: string): number => [...name].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 1_000_003, 7);

/** Writes a base as transformers reads it: random weights, gains around 1. */
async function writeBase(folder: string, e: Experiment): Promise<string> {
  const path = join(folder, `base-${e.model}${e.headed ? `-${e.task}` : ''}`);
  const config = configs.get(e.model) as JsonObject;
  const tensors = new Map<string, { readonly shape: readonly number[] }>([...tensorsOf(e.model, config), ...(e.headed ? headOf(e) : [])]);
  const sources = [...tensors].map(([name, t]) => {
    const random = createRandom(seedOf(name));
    const data = Float32Array.from(
      { length: t.shape.reduce((a, b) => a * b, 1) },
      () => (/norm.*weight$/i.test(name) ? 1 : 0) + 0.8 * (random() - 0.5),
    );
    return { name, dtype: 'F32' as const, shape: t.shape, data: new Uint8Array(data.buffer) };
  });
  await must(writeWeights(join(path, 'model.safetensors'), sources));
  // The text as it is: transformers tells 15.0 from 15.
  const text = readFileSync(new URL(`../stdlib/configs/${e.model}.json`, import.meta.url), 'utf8');
  await must(writeFileAtomically(join(path, 'config.json'), text.replace(/\}\s*$/, `, "pad_token_id": ${padOf(config)} }`)));
  return path;
}

/** The value of a result; what went wrong is an error of the test. */
export async function must<T>(
  result: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: { readonly message: string } }>,
): Promise<T> {
  const done = await result;
  if (!done.ok) throw new Error(done.error.message);
  return done.value;
}

interface Opened {
  readonly resolved: Resolved;
  readonly made: Compiled;
  readonly session: Session;
}

async function open(device: Device, e: Experiment, base: string): Promise<Opened> {
  const resolved = check(e);
  const { target } = device.describe();
  const diagnostics: Diagnostic[] = [];
  const made = compile(resolved, { target, rows, lengths: [], digest: (text) => String(text.length) }, diagnostics);
  if (made === undefined) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  // No entries of a training step: they would be most of the time.
  const initial = initialGraph(resolved);
  const save = saveGraph(resolved);
  const entries = [entryOf('logits', resolved, shape, evalGraph(resolved, made.layout, shape, { adapted: true, logits: true }))];
  if (initial !== undefined) entries.push(entryOf('initial', resolved, undefined, initial));
  if (save !== undefined) entries.push(entryOf('save', resolved, undefined, save.entry));
  const session = await openSession(device, plan(entries, made.layout.persistent, target));
  await must(loadTensors(session, await must(openCheckpoint(base)), 3));
  return { resolved, made, session };
}

type Batch = ReadonlyMap<string, Int32Array<ArrayBuffer>>;

/** A batch that has every token of the vocabulary but the one for padding, which stands where the mask is 0. */
function batchOf(resolved: Resolved, config: JsonObject): Batch {
  const vocabulary = config['vocab_size'] as number;
  const pad = padOf(config);
  const feeds = batchFeeds(resolved.batch, rows, tokens, vocabulary);
  return new Map(
    resolved.batch.map((f) => {
      const data = feeds.get(f.name) as Float64Array;
      if (f.recipe === 'tokens')
        return [
          f.name,
          Int32Array.from(data, (_, i) => (i === data.length - 1 ? pad : (pad + 1 + ((7 * i) % (vocabulary - 1))) % vocabulary)),
        ] as const;
      return [f.name, Int32Array.from(data)] as const;
    }),
  );
}

const padOf = (config: JsonObject): number => (config['pad_token_id'] ?? 0) as number;

async function logitsOf({ session }: Opened, batch: Batch): Promise<number[]> {
  for (const [name, data] of batch) session.write(`logits/${name}`, data);
  session.run('logits', { seed: 0, step: 0, total: 1 });
  return [...(await session.read('logits', 'logits'))];
}

const card: CardFacts = {
  name: 'x',
  base: 'x',
  task: 'x',
  source: '',
  trainable: 1,
  parameters: 1,
  steps: 1,
  seconds: 1,
  device: 'x',
  before: undefined,
  after: undefined,
};

/** Does an experiment on the device and writes its adapters below a folder. */
export async function writeExperiment(device: Device, folder: string, e: Experiment): Promise<Written> {
  const base = await writeBase(folder, e);
  const opened = await open(device, e, base);
  try {
    const { made, session, resolved } = opened;
    for (const t of made.layout.trainables) {
      const random = createRandom(seedOf(t.name));
      const value = (await session.read(t.name)) as Float32Array<ArrayBuffer>;
      session.write(
        t.name,
        value.map((x) => x + 0.3 * (random() - 0.5)),
      );
    }
    const path = join(folder, e.name.replace(/\W+/g, '-'));
    const values = await trainedValues(session, made.run);
    await must(exportAdapter(path, made.run, values, card));
    const batch = batchOf(resolved, configs.get(e.model) as JsonObject);
    const logits = await logitsOf(opened, batch);
    for (const t of made.layout.trainables) session.clear(t.name);
    await must(loadAdapter(path, session, made.run));
    const back = await logitsOf(opened, batch);
    const alone: number[][] = [];
    for (const i of made.run.adapters.keys())
      alone.push(
        made.run.adapters.length === 1
          ? logits
          : await logitsAlone(
              device,
              e,
              made.run.adapters.map((a) => a.folder),
              i,
              base,
              values,
              batch,
            ),
      );
    const listed = (recipe: string): number[][] => {
      const data = batch.get(resolved.batch.find((f) => f.recipe === recipe)?.name ?? '') ?? new Int32Array(rows * tokens).fill(1);
      return Array.from({ length: rows }, (_, r) => [...data.subarray(r * tokens, (r + 1) * tokens)]);
    };
    return {
      name: e.name,
      base,
      task: e.task,
      labels: 3,
      folders: made.run.adapters.map((a, i) => ({ path: join(path, a.folder), logits: alone[i] as number[], key: keyOf(made, a) })),
      logits,
      back,
      ids: listed('tokens'),
      mask: listed('token_mask'),
    };
  } finally {
    opened.session.close();
  }
}

/** The key of the first trained tensor of a file, or of one that is computed from them. */
function keyOf({ layout }: Compiled, adapter: AdapterFile): string {
  const trained = new Set(layout.trainables.map((t) => t.name));
  const key = adapter.tensors.find((t) => trained.has(t.name) && !t.replaced)?.key ?? adapter.saved.find((s) => s.dtype === 'f32')?.key;
  if (key === undefined) throw new Error('the file has nothing that is trained');
  return key;
}

/** What one method of several gives: an experiment that has it alone, with the values of the whole. */
async function logitsAlone(
  device: Device,
  e: Experiment,
  folders: readonly string[],
  index: number,
  base: string,
  values: TrainedValues,
  batch: Batch,
): Promise<number[]> {
  const methodOf = (path: string): string => path.replace(/-\d+$/, '');
  const mine = methodOf(folders[index] as string);
  const before = folders.slice(0, index).filter((f) => methodOf(f) === mine).length;
  const statement = e.statements.filter((s) => s.startsWith('adapt ') && s.includes(` with ${mine}(`))[before];
  const opened = await open(device, { ...e, statements: e.statements.filter((s) => !s.startsWith('adapt ') || s === statement) }, base);
  try {
    const { layout } = opened.made;
    for (const { name } of [...layout.trainables, ...layout.fixed])
      opened.session.write(name, values.get(name) as Float32Array<ArrayBuffer>);
    return await logitsOf(opened, batch);
  } finally {
    opened.session.close();
  }
}
