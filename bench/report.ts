/**
 * @file What every benchmark shares: the machine, tables, medians, and the file of results.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, relative } from 'node:path';
import { packageRoot } from '../cli/package.js';
import type { Device } from '../runtime/device.js';

/** One benchmark; `run` prints and writes its results. */
export interface Benchmark {
  readonly summary: string;
  readonly run: () => Promise<void>;
}

/** Where and when something was measured. */
export interface Circumstances {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  /** Processes that wanted the processor in the last minute: above the number of cores, times are too long. */
  readonly load: number;
  readonly adapter?: string;
}

/** Circumstances of now. */
export function circumstances(device?: Device): Circumstances {
  const [first] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
    ...(device === undefined ? {} : { adapter: device.describe().name }),
  };
}

/** A short name of the adapter for names of files. */
export function adapterSlug(device: Device): string {
  const { name, kind } = device.describe();
  const known = /llvmpipe|lavapipe|swiftshader/i.exec(name)?.[0].toLowerCase();
  if (known !== undefined) return known === 'llvmpipe' ? 'lavapipe' : known;
  return `${kind}-${name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 30)}`;
}

/** Writes results as JSON, with their circumstances first. */
export function writeResults(name: string, where: Circumstances, results: Readonly<Record<string, unknown>>): void {
  const folder = join(packageRoot, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, `${JSON.stringify({ ...where, ...results }, null, 1)}\n`);
  process.stderr.write(`written to ${relative(process.cwd(), path)}\n`);
}

/** Prints rows as a table: texts to the left, numbers to the right. */
export function printTable(title: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, c) => Math.max(...cells.map((row) => (row[c] ?? '').length)));
  const right = head.map((_, c) => rows.every((row) => typeof row[c] === 'number'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => (right[c] === true ? cell.padStart(widths[c] as number) : cell.padEnd(widths[c] as number)))
      .join('  ')
      .trimEnd();
  process.stdout.write(`${title}\n${cells.map(line).join('\n')}\n\n`);
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Rounds to a number of digits after the point. */
export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** What `stopwatch` reads on this device. */
export const clockName = (device: Device): string =>
  device.describe().kind === 'hardware' ? 'wall clock' : `processor time / ${cpus().length} cores`;

/** Starts a clock that gives milliseconds: the wall's for hardware, the share of each core in the processor time for software. */
export function stopwatch(device: Device): () => number {
  if (device.describe().kind === 'hardware') {
    const began = performance.now();
    return () => performance.now() - began;
  }
  const began = process.cpuUsage();
  return () => {
    const used = process.cpuUsage(began);
    return (used.user + used.system) / 1000 / cpus().length;
  };
}
