/**
 * @file Adapters of every definition of the standard library that PEFT has a name for, on a tiny decoder and a tiny encoder: compiled,
 * given their first values on the device, moved away from them, written, and measured. What PEFT must make of them is plain data.
 */
import { join } from 'node:path';
import { compile, entryOf, type Compiled } from '../../compiler/driver/compile.js';
import { evalGraph, initialGraph, saveGraph } from '../../compiler/driver/graphs.js';
import { plan } from '../../compiler/plan/plan.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { Definition, Expr } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { loadAdapter } from '../../runtime/adapter-load.js';
import type { Device } from '../../runtime/device.js';
import { exportAdapter, type CardFacts } from '../../runtime/export-adapter.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { loadTensors } from '../../runtime/load.js';
import { trainedValues } from '../../runtime/run.js';
import { openCheckpoint } from '../../runtime/weights/checkpoint.js';
import { writeFileAtomically, writeWeights } from '../../runtime/weights/writer.js';
import { createRandom } from '../ops/samples.js';
import { configs, factsOf, libraryOf, modelOf, tensorsOf, type JsonObject } from '../spec/world.js';
import { found } from '../stdlib/definitions.js';
import { batchFeeds, call } from '../stdlib/experiment.js';
import { allModules } from '../../compiler/elaborate/instance.js';

const rows = 3;
const tokens = 6;
const shape = { rows, tokens };
const library = libraryOf();

/** Sizes that fit tiny weights, by the parameter they are given to. */
const small: Readonly<Record<string, string>> = { rank: '2', block: '2', group: '2', vector_length: '2', num_vectors: '3', frequencies: '5', virtual_tokens: '2', scaling: '2' };

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
}

/** What one experiment wrote. */
export interface Written {
  readonly name: string;
  readonly base: string;
  readonly folders: readonly WrittenFolder[];
  /** With all folders at once. */
  readonly logits: readonly number[];
  readonly ids: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
}

/** The words that a `require NAME in ["a", "b"]` of a definition allows, by their parameter. */
function choicesOf(d: Definition): { readonly param: string; readonly words: readonly string[] }[] {
  const words = (e: Expr): string[] => (e.kind === 'list' ? e.items.flatMap((item) => (item.kind === 'string' ? [item.value] : [])) : []);
  return (d.body.kind === 'block' ? d.body.members : []).flatMap((m) =>
    m.kind === 'require' && m.condition.kind === 'binary' && m.condition.op === 'in' && m.condition.left.kind === 'name' ? [{ param: m.condition.left.name, words: words(m.condition.right) }] : [],
  );
}

/** A method as it is by default, with every switch turned on, and with every word that it knows. */
function methodsOf(d: Definition): string[] {
  const sizes = Object.fromEntries(d.params.flatMap((p) => (small[p.name.text] === undefined ? [] : [[p.name.text, small[p.name.text] as string] as const])));
  const switches = Object.fromEntries(d.params.flatMap((p) => (p.type?.kind === 'type-name' && p.type.name.text === 'Bool' ? [[p.name.text, p.default?.kind === 'bool' && p.default.value ? 'false' : 'true'] as const] : [])));
  const words = choicesOf(d).flatMap(({ param, words: all }) => all.map((word) => call(d, { ...sizes, [param]: JSON.stringify(word) })));
  return [...new Set([call(d, sizes), ...(Object.keys(switches).length === 0 ? [] : [call(d, { ...sizes, ...switches })]), ...words])];
}

/** The methods that PEFT has. */
const methods = found('adapter').flatMap(({ definition }) => (definition.foreign.length === 0 ? [] : methodsOf(definition).map((method, i) => ({ method, plain: i === 0 }))));

/** Every method on the decoder, and as it is by default on the encoder, where it acts there. */
export const methodExperiments: readonly Experiment[] = methods.flatMap(({ method, plain }) => {
  const on = (model: string, task: Experiment['task'], selector: string, ...more: string[]): Experiment => ({ name: `${method} on ${task}`, model, task, statements: [`adapt ${selector} with ${method}`, ...more] });
  // The head of a tiny vocabulary has not the sizes that some methods ask for.
  const decoders = ['all', 'all except head'].map((selector) => on('llama', 'causal', selector)).filter(acts);
  return [...decoders.slice(0, 1), ...(plain ? [on('bert', 'classify', 'all except head', 'train head')].filter(acts) : [])];
});

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
  new Map(allModules(modelOf(e.model, configs.get(e.model) as JsonObject, e.task)).flatMap((m) => (m.fresh ? m.storage.map((s) => [s.keys[0] as string, { shape: s.shape }] as const) : [])));

/** Checks an experiment; what is wrong with it is an error of the test. */
function check(e: Experiment): Resolved {
  const text = `${found('adapter').map((d) => `import std.adapters.${d.definition.name.text}`).join('\n')}
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
  if (problems.length > 0 || one === undefined) throw new Error(`${problems.map((d) => `${d.message} ${JSON.stringify(text.slice(d.span.start, d.span.end))}`).join('\n')}\n${text}`);
  return one;
}

const seedOf = (name: string): number => [...name].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 1_000_003, 7);

/** Writes a base as transformers reads it: random weights, gains around 1. */
async function writeBase(folder: string, e: Experiment): Promise<string> {
  const path = join(folder, `base-${e.model}${e.headed ? '-headed' : ''}`);
  const config = configs.get(e.model) as JsonObject;
  const tensors = new Map<string, { readonly shape: readonly number[] }>([...tensorsOf(e.model, config), ...(e.headed ? headOf(e) : [])]);
  const sources = [...tensors].map(([name, t]) => {
    const random = createRandom(seedOf(name));
    const data = Float32Array.from({ length: t.shape.reduce((a, b) => a * b, 1) }, () => (/norm.*weight$/i.test(name) ? 1 : 0) + 0.8 * (random() - 0.5));
    return { name, dtype: 'F32' as const, shape: t.shape, data: new Uint8Array(data.buffer) };
  });
  await must(writeWeights(join(path, 'model.safetensors'), sources));
  const labels = e.headed ? { id2label: { 0: 'a', 1: 'b', 2: 'c' }, label2id: { a: 0, b: 1, c: 2 } } : {};
  await must(writeFileAtomically(join(path, 'config.json'), JSON.stringify({ ...config, ...labels })));
  return path;
}

/** The value of a result; what went wrong is an error of the test. */
export async function must<T>(result: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: { readonly message: string } }>): Promise<T> {
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
  const made = compile(resolved, { target, rows, lengths: [tokens], digest: (text) => String(text.length) }, diagnostics);
  if (made === undefined) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  // The entries of a training step are left out: preparing their shaders is most of the time.
  const initial = initialGraph(resolved);
  const save = saveGraph(resolved);
  const entries = [entryOf('logits', resolved, shape, evalGraph(resolved, made.layout, shape, { adapted: true, logits: true }))];
  if (initial !== undefined) entries.push(entryOf('initial', resolved, undefined, initial));
  if (save !== undefined) entries.push(entryOf('save', resolved, undefined, save.entry));
  const session = await openSession(device, plan(entries, made.layout.persistent, target));
  await must(loadTensors(session, await must(openCheckpoint(base)), 3));
  return { resolved, made, session };
}

async function logitsOf({ resolved, session }: Opened, batch: ReadonlyMap<string, Int32Array<ArrayBuffer>>): Promise<number[]> {
  for (const { name } of resolved.batch) session.write(`logits/${name}`, batch.get(name) as Int32Array<ArrayBuffer>);
  session.run('logits', { seed: 0, step: 0, total: 1 });
  return [...(await session.read('logits', 'logits'))];
}

const card: CardFacts = { name: 'x', base: 'x', task: 'x', source: '', trainable: 1, parameters: 1, steps: 1, seconds: 1, device: 'x', before: undefined, after: undefined };

/** Does an experiment on the device and writes its adapters below a folder. */
export async function writeExperiment(device: Device, folder: string, e: Experiment): Promise<Written> {
  const base = await writeBase(folder, e);
  const opened = await open(device, e, base);
  try {
    const { made, session, resolved } = opened;
    for (const t of made.layout.trainables) {
      const random = createRandom(seedOf(t.name));
      const value = (await session.read(t.name)) as Float32Array<ArrayBuffer>;
      session.write(t.name, value.map((x) => x + 0.3 * (random() - 0.5)));
    }
    const path = join(folder, e.name.replace(/\W+/g, '-'));
    await must(exportAdapter(path, made.run, await trainedValues(session, made.run), card));
    const vocabulary = (configs.get(e.model) as JsonObject)['vocab_size'] as number;
    const batch = new Map([...batchFeeds(resolved.batch, rows, tokens, vocabulary)].map(([name, data]) => [name, Int32Array.from(data)] as const));
    const logits = await logitsOf(opened, batch);
    const folders = made.run.adapters.map((a) => join(path, a.folder));
    const alone = folders.length === 1 ? [logits] : await Promise.all(folders.map((one, i) => readAlone(device, e, i, base, one, batch)));
    const listed = (recipe: string): number[][] => {
      const data = batch.get(resolved.batch.find((f) => f.recipe === recipe)?.name ?? '') ?? new Int32Array(rows * tokens).fill(1);
      return Array.from({ length: rows }, (_, r) => [...data.subarray(r * tokens, (r + 1) * tokens)]);
    };
    return { name: e.name, base, folders: folders.map((one, i) => ({ path: one, logits: alone[i] as number[] })), logits, ids: listed('tokens'), mask: listed('token_mask') };
  } finally {
    opened.session.close();
  }
}

/** One folder of several, read into an experiment that has its method alone. */
async function readAlone(device: Device, e: Experiment, index: number, base: string, folder: string, batch: ReadonlyMap<string, Int32Array<ArrayBuffer>>): Promise<number[]> {
  const adapts = e.statements.filter((s) => s.startsWith('adapt '));
  const opened = await open(device, { ...e, statements: e.statements.filter((s) => !s.startsWith('adapt ') || s === adapts[index]) }, base);
  try {
    await must(loadAdapter(folder, opened.session, opened.made.run));
    return await logitsOf(opened, batch);
  } finally {
    opened.session.close();
  }
}
