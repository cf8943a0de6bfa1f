/**
 * @file Adapters that we write are loaded by PEFT (Python): every method of the standard library that it has, several at once, heads of
 * every kind, and the quickstart after five steps. No tensor may be missing, unused or warned of, and the logits are the same; with
 * one tensor changed they are not. What PEFT saves of them is what we read. Skipped where Python has no PEFT.
 *
 * One Python process reads a case as soon as it is written.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDevice } from '../../runtime/device.js';
import { headExperiments, methodExperiments, mixedExperiments, writeExperiment, type Written } from './peft-loads-cases.js';
import { problemsOfSaved } from './peft-loads-saved.js';
import { writeQuickstart } from './peft-loads-quickstart.js';
import { relativeError } from './reference.js';

const probe = `
import importlib.metadata as m
found = {name: m.version(name) for name in ('torch', 'transformers', 'peft', 'safetensors')}
print(found['peft'])
`;
const python = spawnSync('python3', ['-c', probe], { encoding: 'utf8' });
const [major = 0, minor = 0] = python.status === 0 ? python.stdout.trim().split('.').map(Number) : [];
const reason =
  python.status !== 0
    ? 'Python with torch, transformers and peft is not here'
    : major === 0 && minor < 21
      ? `what is written is that of PEFT 0.21, and here is ${python.stdout.trim()}`
      : undefined;
if (reason !== undefined) console.warn(`peft-loads: skipped, because ${reason}`);

/** What Python says of a folder; `together` is the name where it is about all folders of a case. */
interface Judged {
  readonly name: string;
  readonly folder: string;
  readonly error?: number | string;
  readonly control?: number | string;
  readonly missing?: readonly string[];
  readonly unused?: readonly string[];
  readonly warnings?: readonly string[];
  readonly failed?: string;
}

const limit = 1e-4;
const experiments = [...methodExperiments, ...mixedExperiments, ...headExperiments];
const quickstart = 'the quickstart after five steps';
const renamed = 'a file with one tensor under another name';

/** A process that judges one case a line. */
function startJudge(): { readonly judge: (written: Written) => void; readonly end: () => Promise<readonly Judged[]> } {
  const child = spawn('python3', [resolve('test/parity/peft_loads.py')], {
    env: { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A process that has ended takes no more cases; how it ended is told below.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return {
    judge: (written) => child.stdin.write(`${JSON.stringify(written)}\n`),
    end: async () => {
      child.stdin.end();
      if ((await ended) !== 0) throw new Error(Buffer.concat(err).toString().slice(-2000));
      return JSON.parse(Buffer.concat(out).toString().trim().split('\n').at(-1) as string) as Judged[];
    },
  };
}

/** A copy of a case's first folder whose first key has another letter. */
function withRenamed(written: Written): Written {
  const [first] = written.folders as [Written['folders'][number]];
  const path = `${first.path}-renamed`;
  cpSync(first.path, path, { recursive: true });
  const file = join(path, 'adapter_model.safetensors');
  const bytes = readFileSync(file);
  bytes.write(other(first.key), bytes.indexOf(first.key));
  writeFileSync(file, bytes);
  return { ...written, name: renamed, folders: [{ ...first, path, key: other(first.key) }] };
}

const other = (key: string): string => key.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'));

describe.skipIf(reason !== undefined)('PEFT loads what we write (where Python has torch, transformers and peft)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peft-loads-'));
  const written = new Map<string, Written | Error>();
  let judged: readonly Judged[] = [];

  beforeAll(async () => {
    const process = startJudge();
    const device = await openDevice();
    const write = async (name: string, make: () => Promise<Written>): Promise<void> => {
      const made = await make().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      written.set(name, made);
      if (!(made instanceof Error)) process.judge(made);
    };
    for (const e of experiments) await write(e.name, () => writeExperiment(device, folder, e));
    await write(quickstart, () => writeQuickstart(device, folder, quickstart));
    await write(renamed, () => Promise.resolve(withRenamed(casesOf(quickstart))));
    device.close();
    judged = await process.end();
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const casesOf = (name: string): Written => {
    const made = written.get(name);
    if (made instanceof Error) throw made;
    return made as Written;
  };
  const judgedOf = (name: string): Judged[] => judged.filter((j) => j.name === name);

  test.each([...experiments.map((e) => e.name), quickstart])('%s', (name) => {
    const made = casesOf(name);
    const found = judgedOf(name);
    expect(found.length).toBe(made.folders.length + (made.folders.length > 1 ? 1 : 0));
    for (const { error, control, ...told } of found) {
      if (told.folder !== 'together') {
        expect(told).toEqual({ name, folder: told.folder, missing: [], unused: [], warnings: [] });
        expect(control, 'negative control').toBeGreaterThan(limit);
      }
      expect(told.failed).toBeUndefined();
      expect(error).toBeLessThan(limit);
    }
    expect(relativeError(made.back, made.logits), 'read back by ourselves').toBeLessThan(1e-6);
  });

  test.each(experiments)('$name: as PEFT saves it', async (e) => {
    for (const { path } of casesOf(e.name).folders) expect(await problemsOfSaved(e, `${path}-saved`)).toEqual([]);
  });

  test('the card of each of several adapters says how to load all of them', () => {
    const { folders } = casesOf('virtual tokens beside another method');
    expect(folders.length).toBe(2);
    for (const { path } of folders) {
      const card = readFileSync(join(path, 'README.md'), 'utf8');
      expect(card).toContain('One of 2 adapters');
      // Virtual tokens cannot be folded in.
      expect(card).toMatch(/for name in \["lora"\]:\n.*merge_and_unload\(\)\nmodel = .*RUN\/prompt_tuning"\)/);
    }
  });

  test('the same name is never written twice', () => expect(new Set(experiments.map((e) => e.name)).size).toBe(experiments.length));

  test('a key that PEFT does not know is told', () => {
    const { key } = casesOf(quickstart).folders[0] as Written['folders'][number];
    const [found] = judgedOf(renamed);
    expect(found).toMatchObject({ missing: [key], unused: [other(key)] });
    expect(found?.warnings).toHaveLength(1);
    expect(found?.error).toBeGreaterThan(limit);
  });

  test('a key that we do not know is told', async () => {
    const e = experiments.find((one) => one.task === 'causal') as (typeof experiments)[number];
    const [first] = casesOf(e.name).folders as [Written['folders'][number]];
    const { path, key } = withRenamed(casesOf(e.name)).folders[0] as Written['folders'][number];
    expect(await problemsOfSaved(e, path)).toEqual([`${key} is not known`, `${first.key} is not there`]);
  });
});
