/**
 * @file Gathers the facts an experiment refers to: configuration, headers and tokenizer of its base, columns and rows of its
 * tables. Nothing but headers is read. Paths are relative to the folder of the `.peft` file.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { sourceKey, type BaseFacts, type Fact, type Facts, type TableFacts, type TensorFacts } from '../compiler/spec/facts.js';
import type { BaseSource, Json, TableSource } from '../compiler/spec/spec.js';
import type { Failure } from '../runtime/data/result.js';
import type { Checkpoint } from '../runtime/weights/checkpoint.js';
import { nearPath } from './near-path.js';

/** The folder of a base on this machine. */
export async function baseFolder(source: BaseSource, from: string, hub: 'fetch' | 'cached' = 'fetch'): Promise<Fact<string>> {
  if (source.kind !== 'hub') return { ok: true, value: resolve(from, source.path) };
  const { fetchBaseFromHub } = await import('../runtime/hub.js');
  const found = await fetchBaseFromHub(source.repo, source.revision ?? 'main', undefined, hub === 'cached' ? { offline: true } : {});
  return found.ok ? { ok: true, value: found.value.folder } : failed(found.error);
}

const failed = (error: Failure): { readonly ok: false; readonly message: string; readonly help?: string } => ({
  ok: false,
  message: error.message,
  ...(error.help ? { help: error.help } : {}),
});

async function baseFacts(source: BaseSource, from: string, options: FactOptions): Promise<Fact<BaseFacts>> {
  const folder = await baseFolder(source, from, options.hub);
  if (!folder.ok) return folder;
  const { openCheckpoint } = await import('../runtime/weights/checkpoint.js');
  const opened = await openCheckpoint(folder.value, { weights: source.kind === 'scratch' ? 'optional' : options.weights });
  if (!opened.ok) return failed(opened.error);
  const tensors = await tensorFacts(opened.value);
  if (!tensors.ok) return tensors;
  return {
    ok: true,
    value: {
      configName: `${source.kind === 'hub' ? source.repo : source.path}/config.json`,
      config: opened.value.config as { readonly [key: string]: Json },
      tensors: source.kind === 'scratch' || opened.value.files.length === 0 ? undefined : tensors.value,
      tokenizer: await tokenizerFacts(folder.value),
    },
  };
}

/** Shape and type of every tensor of a base; of weights in 4 bits, which have several tensors each, the shape and the format they stand for. */
export async function tensorFacts(base: Checkpoint): Promise<Fact<ReadonlyMap<string, TensorFacts>>> {
  const { nestedBlocksize, quantizedOf, readQuantState } = await import('../runtime/weights/bitsandbytes.js');
  const quantized = [...base.tensors.keys()].filter((key) => quantizedOf(base.tensors, key) !== undefined);
  const found = new Map<string, TensorFacts>(base.tensors);
  for (const key of quantized) {
    const read = await readQuantState(base, key);
    if (!read.ok) return failed(read.error);
    const { shape, quantType, blocksize, nested } = read.value;
    if (nested !== undefined && nested.blocksize !== nestedBlocksize)
      return {
        ok: false,
        message: `the magnitudes of ${key} are quantised in blocks of ${nested.blocksize}, and only blocks of ${nestedBlocksize} are known`,
        help: 'quantise the base anew',
      };
    found.set(key, { shape, dtype: 'U8', quantized: { format: quantType, args: { block: blocksize, double: nested !== undefined } } });
  }
  return { ok: true, value: found };
}

/** What the checker needs of a tokenizer, from its file alone: the library is not loaded. */
async function tokenizerFacts(folder: string): Promise<BaseFacts['tokenizer']> {
  const path = join(folder, 'tokenizer.json');
  try {
    JSON.parse(await readFile(path, 'utf8'));
    return { ok: true, value: { vocabulary: 0 } };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return {
      ok: false,
      message: missing ? `the base has no tokenizer: ${path} does not exist` : `tokenizer ${path} is no JSON`,
      ...(missing ? { help: 'save the tokenizer in its fast form, as tokenizer.json' } : {}),
    };
  }
}

async function tableFacts(source: TableSource, from: string): Promise<Fact<TableFacts>> {
  const { describeTable } = await import('../runtime/data/table.js');
  const found = await describeTable(resolve(from, source.path), tableOptions(source));
  return found.ok ? { ok: true, value: { columns: found.value.columns, rows: found.value.rowCount } } : failed(found.error);
}

/** How the runtime opens a table of the Spec. */
export const tableOptions = (
  source: TableSource,
): { readonly format: TableSource['format']; readonly header: boolean; readonly take?: number } => ({
  format: source.format,
  header: source.header,
  ...(source.take === null ? {} : { take: source.take }),
});

/** How facts are gathered: whether a base without weights will do (for plans it does), and what may be asked of the network. */
export interface FactOptions {
  readonly weights: 'required' | 'optional';
  /** Whether a base on the Hub that is not in the cache may be downloaded; it may by default. */
  readonly hub?: 'fetch' | 'cached';
  /** Facts by what was asked, where several files are looked at together. */
  readonly cache?: Map<string, Promise<unknown>>;
}

/** A fact that could not be read, with the path that may have been meant. */
function withNear<T>(fact: Fact<T>, path: string | undefined, from: string): Fact<T> {
  if (fact.ok) return fact;
  const near = path === undefined ? undefined : nearPath(path, from);
  return near === undefined ? fact : { ...fact, near };
}

/** Reads the facts about the given sources; `file` is where the paths start from. */
export async function gatherFacts(
  bases: readonly BaseSource[],
  tables: readonly TableSource[],
  file: string,
  options: FactOptions = { weights: 'required' },
): Promise<Facts> {
  const from = dirname(file);
  const { cache } = options;
  /** What another file of this command has asked for already. */
  const once = async <T>(kind: string, source: BaseSource | TableSource, read: () => Promise<T>): Promise<T> => {
    const key = JSON.stringify([kind, from, options.weights, sourceKey(source)]);
    const made = (cache?.get(key) as Promise<T> | undefined) ?? read();
    cache?.set(key, made);
    return made;
  };
  const known = new Map<string, Fact<BaseFacts>>();
  const knownTables = new Map<string, Fact<TableFacts>>();
  for (const base of bases)
    if (!known.has(sourceKey(base)))
      known.set(
        sourceKey(base),
        withNear(await once('base', base, () => baseFacts(base, from, options)), base.kind === 'hub' ? undefined : base.path, from),
      );
  for (const table of tables)
    if (!knownTables.has(sourceKey(table)))
      knownTables.set(sourceKey(table), withNear(await once('table', table, () => tableFacts(table, from)), table.path, from));
  const unknown = { ok: false, message: 'this source was not looked at' } as const;
  return { base: (source) => known.get(sourceKey(source)) ?? unknown, table: (source) => knownTables.get(sourceKey(source)) ?? unknown };
}
