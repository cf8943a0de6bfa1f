/**
 * @file Facts for an editor: what `gatherFacts` reads of bases and tables is kept until a file of theirs changes, so that typing waits
 * for no disk. Nothing is downloaded: a base on the Hub is looked for in the cache alone.
 */
import { readdirSync, statSync } from 'node:fs';
import { resolve, dirname, join } from 'node:path';
import { sourceKey, type BaseFacts, type Fact, type Facts, type TableFacts } from '../../compiler/spec/facts.js';
import type { BaseSource, TableSource } from '../../compiler/spec/spec.js';
import { gatherFacts } from '../facts.js';

/** Facts that are remembered. */
export interface World {
  /** The facts about the given sources; `file` is where relative paths start from. */
  readonly facts: (
    bases: readonly BaseSource[],
    tables: readonly TableSource[],
    file: string,
    weights: 'required' | 'optional',
  ) => Promise<Facts>;
}

interface Known<T> {
  readonly stamp: string;
  readonly fact: Promise<Fact<T>>;
}

/** How long an answer about the Hub's cache holds, in milliseconds. */
const hubPatience = 30_000;

/** An empty memory. */
export function createWorld(): World {
  const bases = new Map<string, Known<BaseFacts>>();
  const tables = new Map<string, Known<TableFacts>>();

  const remember = <T>(memory: Map<string, Known<T>>, key: string, stamp: string, ask: () => Promise<Fact<T>>): Promise<Fact<T>> => {
    const known = memory.get(key);
    if (known?.stamp === stamp) return known.fact;
    const fact = ask().catch((error: unknown): Fact<T> => ({ ok: false, message: error instanceof Error ? error.message : String(error) }));
    memory.set(key, { stamp, fact });
    return fact;
  };

  return {
    facts: async (wantedBases, wantedTables, file, weights) => {
      const from = dirname(file);
      const foundBases = new Map<string, Fact<BaseFacts>>();
      const foundTables = new Map<string, Fact<TableFacts>>();
      for (const source of wantedBases) {
        const stamp = source.kind === 'hub' ? String(Math.floor(Date.now() / hubPatience)) : folderStamp(resolve(from, source.path));
        const ask = async (): Promise<Fact<BaseFacts>> => (await gatherFacts([source], [], file, { weights, hub: 'cached' })).base(source);
        foundBases.set(sourceKey(source), await remember(bases, `${from}\0${weights}\0${sourceKey(source)}`, stamp, ask));
      }
      for (const source of wantedTables) {
        const ask = async (): Promise<Fact<TableFacts>> => (await gatherFacts([], [source], file)).table(source);
        foundTables.set(
          sourceKey(source),
          await remember(tables, `${from}\0${sourceKey(source)}`, stampOf(resolve(from, source.path)), ask),
        );
      }
      const unknown = { ok: false, message: 'this source was not looked at' } as const;
      return {
        base: (source) => foundBases.get(sourceKey(source)) ?? unknown,
        table: (source) => foundTables.get(sourceKey(source)) ?? unknown,
      };
    },
  };
}

/** When a file was written, and how long it is. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs} ${found.size}`;
}

/** The same of every file of a folder. */
function folderStamp(path: string): string {
  try {
    return readdirSync(path)
      .sort()
      .map((name) => `${name} ${stampOf(join(path, name))}`)
      .join('\n');
  } catch {
    return 'none';
  }
}
