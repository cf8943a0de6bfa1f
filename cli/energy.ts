/**
 * @file Energy by the counters of Linux's powercap (Intel RAPL, AMD too): microjoules of each processor package. Elsewhere, or where they may not
 * be read, there is none.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = '/sys/class/powercap';

interface Counter {
  readonly path: string;
  readonly range: number;
  readonly start: number;
}

/** Starts to measure; the function that comes back gives the joules since, or null. */
export function startEnergy(root = folder): () => number | null {
  const counters = packages(root);
  return () => {
    if (counters.length === 0) return null;
    let joules = 0;
    for (const { path, range, start } of counters) {
      const now = numberIn(path);
      if (now === undefined) return null;
      // The counter begins again at zero.
      joules += ((now >= start ? now : now + range) - start) / 1e6;
    }
    return joules;
  };
}

function packages(root: string): Counter[] {
  let names: readonly string[];
  try {
    names = readdirSync(root);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^intel-rapl:\d+$/.test(name))
    .flatMap((name) => {
      const path = join(root, name, 'energy_uj');
      const start = numberIn(path);
      const range = numberIn(join(root, name, 'max_energy_range_uj'));
      return start === undefined || range === undefined ? [] : [{ path, range, start }];
    });
}

function numberIn(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, 'utf8').trim());
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
