/**
 * @file A world without files: the library, and facts as plain data, for tests that check experiments. A base called
 * `models/NAME` has the configuration `test/stdlib/configs/NAME.json` and the tensors that the model of that name declares,
 * those of fresh parts left out; one without such a file has the configuration that the test gives, and no weights.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../cli/package.js';
import { loadStdlib } from '../../cli/stdlib.js';
import { instantiateModel } from '../../compiler/elaborate/instantiate.js';
import { allModules, type ModuleInstance } from '../../compiler/elaborate/instance.js';
import { createLibrary, type Library } from '../../compiler/elaborate/library.js';
import { integer, type Value } from '../../compiler/elaborate/value.js';
import type { BaseFacts, Facts } from '../../compiler/spec/facts.js';
import type { Json } from '../../compiler/spec/spec.js';
import type { File } from '../../grammar/ast.js';

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: Json };

/** What a test may say about the world; a `null` takes away what is there by default, a string is why it cannot be read. */
export interface Given {
  readonly config?: { readonly [key: string]: Json };
  readonly tensors?: { readonly [name: string]: null | { readonly shape?: readonly number[]; readonly dtype?: string } } | 'none';
  readonly base?: string;
  readonly tokenizer?: string;
  readonly tables?: { readonly [path: string]: string | { readonly columns?: readonly string[]; readonly rows?: number } };
  readonly files?: { readonly [path: string]: string };
}

const configFolder = join(packageRoot, 'test', 'stdlib', 'configs');

/** The tiny configurations by the name of their model. */
export const configs: ReadonlyMap<string, JsonObject> = new Map(
  readdirSync(configFolder).map(
    (name) => [name.replace(/\.json$/, ''), JSON.parse(readFileSync(join(configFolder, name), 'utf8')) as JsonObject] as const,
  ),
);

/** The standard library, parsed. */
export const std: ReadonlyMap<string, File> = await loadStdlib();

/** A library over the standard library and the given files. */
export const libraryOf = (files: Given['files'] = {}): Library =>
  createLibrary({ std, open: (path) => (files[path] === undefined ? undefined : { file: path, text: files[path] }) });

const standard = libraryOf();

/** A model by its name over a configuration, for one task, or for none. */
export function modelOf(name: string, config: JsonObject, task?: string, library = standard): ModuleInstance {
  const found = library.definitions.find((d) => d.definition.what === 'model' && d.definition.name.text === name);
  if (found === undefined) throw new Error(`there is no model ${name}`);
  const args = new Map<string, Value>([['labels', integer(3)]]);
  const span = found.definition.name.span;
  return instantiateModel(
    found.definition,
    found.scope,
    config,
    [],
    task === undefined ? undefined : { name: task, args, span },
    'config.json',
    span,
  );
}

const known = new Map<string, ReadonlyMap<string, { shape: readonly number[]; dtype: string }>>();

/** Tensors of a checkpoint that has all of a model but its fresh parts. */
export function tensorsOf(name: string, config: JsonObject): Map<string, { shape: readonly number[]; dtype: string }> {
  const key = JSON.stringify([name, config]);
  const tensors = known.get(key) ?? declaredTensors(name, config);
  known.set(key, tensors);
  return new Map(tensors);
}

function declaredTensors(name: string, config: JsonObject): Map<string, { shape: readonly number[]; dtype: string }> {
  const tasks = modelTasks(name);
  const tensors = new Map<string, { shape: readonly number[]; dtype: string }>();
  for (const task of tasks.length === 0 ? [undefined] : tasks) {
    for (const module of allModules(modelOf(name, config, task))) {
      if (!module.fresh) for (const s of module.storage) tensors.set(s.keys[0] as string, { shape: s.shape, dtype: 'F32' });
    }
  }
  return tensors;
}

/** Tasks that a model says how to do. */
export function modelTasks(name: string, library = standard): string[] {
  const found = library.definitions.find((d) => d.definition.what === 'model' && d.definition.name.text === name)?.definition;
  return found?.body.kind === 'block' ? found.body.members.flatMap((m) => (m.kind === 'nested' ? [m.name.text] : [])) : [];
}

/** The facts about sources named in experiments, as a test gives them. */
export function factsOf(given: Given = {}): Facts {
  return {
    base: (source) => {
      if (given.base !== undefined) return { ok: false, message: given.base };
      const path = source.kind === 'hub' ? source.repo : source.path;
      const name = path.split('/').at(-1) as string;
      const own = configs.get(name);
      const config = own ?? (given.config === undefined ? undefined : {});
      if (config === undefined) return { ok: false, message: `base ${path} does not exist`, help: 'the path is relative to this file' };
      const tensors = given.tensors === 'none' || source.kind === 'scratch' || own === undefined ? undefined : tensorsOf(name, config);
      if (given.tensors !== 'none') {
        for (const [key, change] of Object.entries(given.tensors ?? {})) {
          if (change === null) tensors?.delete(key);
          else tensors?.set(key, { shape: [1], dtype: 'F32', ...tensors.get(key), ...change });
        }
      }
      const facts: BaseFacts = {
        configName: `${path}/config.json`,
        config: Object.fromEntries(
          Object.entries({ ...config, ...given.config }).filter(([key, value]) => value !== null || config[key] === undefined),
        ),
        tensors,
        tokenizer: given.tokenizer === undefined ? { ok: true, value: { vocabulary: 0 } } : { ok: false, message: given.tokenizer },
      };
      return { ok: true, value: facts };
    },
    table: (source) => {
      const told = given.tables?.[source.path];
      if (typeof told === 'string') return { ok: false, message: told };
      return { ok: true, value: { columns: told?.columns ?? ['text', 'label'], rows: told?.rows ?? 100 } };
    },
  };
}
