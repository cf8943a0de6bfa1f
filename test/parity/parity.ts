/**
 * @file `npm run parity -- DIR…`: reference cases made with PyTorch and PEFT, run on the device, one line each.
 *
 * A case passes when logits, merged logits and each gradient agree to a relative L2 error of 1e-4, every loss to 1e-4, and the
 * update of each trained tensor has a cosine of at least 0.9999 with the recorded one. Exit code 1 where a case fails.
 */
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { openLibrary } from '../../cli/library.js';
import { entryOf } from '../../compiler/driver/compile.js';
import { evalGraph, initialGraph, mergeGraph, trainGraph } from '../../compiler/driver/graphs.js';
import { updateGraph } from '../../compiler/driver/update.js';
import { codecOf } from '../../compiler/driver/codec.js';
import { gradientOf, layoutOf } from '../../compiler/driver/layout.js';
import { fromHalf, toHalf } from '../../compiler/ops/bits.js';
import { plan, type PlanEntry } from '../../compiler/plan/plan.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { loadTensors } from '../../runtime/load.js';
import { torchRandom } from '../../runtime/torch-random.js';
import { readIntTensor, readTensor } from '../../runtime/weights/stream.js';
import { caseFolders, openCase, relativeError, updateCosine, type Case } from './reference.js';

/** What a case gave; undefined where the case records nothing of that kind. */
export interface Outcome {
  readonly logits: number | undefined;
  readonly merged: number | undefined;
  readonly gradient: number | undefined;
  readonly loss: number;
  readonly cosine: number;
}

/** Largest errors that pass. */
export const limits = { relative: 1e-4, loss: 1e-4, cosine: 0.9999 } as const;

/** Whether an outcome passes. */
export function passes(o: Outcome): boolean {
  const small = (x: number | undefined): boolean => x === undefined || x <= limits.relative;
  return small(o.logits) && small(o.merged) && small(o.gradient) && o.loss <= limits.loss && o.cosine >= limits.cosine;
}

/** Runs a case on a device. `change` may alter the adapter's values before: the negative control. */
export async function runCase(device: Device, c: Case, change?: (session: Session) => Promise<void>): Promise<Outcome> {
  const { resolved } = c;
  const layout = layoutOf(resolved);
  const shape = { rows: c.rows, tokens: c.tokens };
  const wants = { logits: await c.read('logits'), merged: await c.read('merged_logits') };
  const train = `train/${c.rows}x${c.tokens}`;
  const entries: PlanEntry[] = [
    entryOf(train, resolved, shape, trainGraph(resolved, layout, shape, { dropout: false })),
    entryOf('update', resolved, undefined, updateGraph(resolved, layout)),
  ];
  const merge = wants.merged === undefined ? undefined : mergeGraph(resolved, layout);
  if (wants.logits !== undefined) {
    entries.push(entryOf('gradients', resolved, shape, trainGraph(resolved, layout, shape, { dropout: false, readGradients: true })));
    entries.push(entryOf('logits', resolved, shape, evalGraph(resolved, layout, shape, { adapted: true, logits: true })));
  }
  const initial = initialGraph(resolved);
  if (initial !== undefined) entries.push(entryOf('initial', resolved, undefined, initial));
  if (merge !== undefined && 'entry' in merge) {
    entries.push(entryOf('merge', resolved, undefined, merge.entry));
    entries.push(entryOf('merged', resolved, shape, evalGraph(resolved, layout, shape, { adapted: false, logits: true })));
  }
  const program = plan(entries, layout.persistent, device.describe().target);
  const session = await openSession(device, program, { stagingBytes: 2 ** 20 });
  try {
    // What the checkpoint lacks was drawn by PyTorch from seed 0, in the order of the modules.
    const random = torchRandom(0);
    // A base that says it is in f16 is made in f16, what it lacks too.
    const half = [c.base.config['dtype'], c.base.config['torch_dtype']].includes('float16');
    const ofModel = new Set(resolved.bindings.keys());
    const loaded = await loadTensors(session, c.base, 0, {
      codec: codecOf(resolved.formats.values()),
      draw: (tensor, init) =>
        init.kind === 'normal' && ofModel.has(tensor.name)
          ? random
              .normal(
                tensor.shape.reduce((a, b) => a * b, 1),
                init.mean,
                init.std,
              )
              .map(half ? (x) => fromHalf(toHalf(x)) : (x) => x)
          : undefined,
    });
    if (!loaded.ok) throw new Error(loaded.error.message);
    const start = new Map<string, Float32Array>();
    const own = c.adapter.weights.tensors;
    const keyOf = (t: { readonly key: string; readonly also: readonly string[] }): string | undefined =>
      [t.key, ...t.also].find((key) => own.has(key));
    for (const t of layout.trainables) {
      const value = await readTensor(c.adapter.weights, keyOf(t) ?? t.key);
      if (!value.ok) throw new Error(value.error.message);
      if (value.value.length !== t.elements) throw new Error(`${t.key} has ${value.value.length} elements, not ${t.elements}`);
      session.write(t.name, value.value as Float32Array<ArrayBuffer>);
      start.set(t.name, value.value);
    }
    for (const t of layout.fixed) {
      const key = keyOf(t);
      if (key === undefined && t.remade) continue;
      const value = await (t.dtype === 'i32' ? readIntTensor : readTensor)(c.adapter.weights, key ?? t.key);
      if (!value.ok) throw new Error(value.error.message);
      session.write(t.name, value.value as Float32Array<ArrayBuffer>);
    }
    const used = new Set([...layout.trainables, ...layout.fixed].map(keyOf));
    const unused = [...own.keys()].find((key) => !used.has(key) && !key.includes('.base_layer.'));
    if (unused !== undefined) throw new Error(`the adapter's ${unused} is not used`);
    const expectedOf = async (
      kind: string,
      t: { readonly key: string; readonly also: readonly string[] },
    ): Promise<Float32Array | undefined> => {
      for (const key of [t.key, ...t.also]) {
        const value = await c.read(`${kind}/${key}`);
        if (value !== undefined) return value;
      }
      // PyTorch names a tensor that several modules share by the first of them.
      const named = [...c.expected.tensors.keys()].filter(
        (key) => key.startsWith(`${kind}/`) && key.endsWith(`.${t.key.split('.').at(-1)}`),
      );
      return named.length === 1 ? c.read(named[0] as string) : undefined;
    };
    await change?.(session);
    const variables = { seed: 0, step: 0, total: c.steps };
    const write = (entry: string, step: number): void => {
      for (const [name, data] of c.batch(step)) session.write(`${entry}/${name}`, data);
    };
    let logits: number | undefined;
    let merged: number | undefined;
    let gradient: number | undefined;
    if (wants.logits !== undefined) {
      write('logits', 0);
      session.run('logits', variables);
      logits = relativeError(await session.read('logits', 'logits'), wants.logits);
      write('gradients', 0);
      session.run('gradients', variables);
      const count = (await session.read('count', 'gradients'))[0] as number;
      gradient = 0;
      for (const t of layout.trainables) {
        const want = await expectedOf('grad', t);
        if (want === undefined) throw new Error(`the case has no gradient of ${t.key}`);
        const got = await session.read(gradientOf(t.name), 'gradients');
        gradient = Math.max(
          gradient,
          relativeError(
            Array.from(got, (x) => x / count),
            want,
          ),
        );
      }
    }
    // Training comes before merging: merging overwrites the base.
    const losses = (await c.read('losses')) as Float32Array;
    let worstLoss = 0;
    for (let step = 0; step < c.steps; step += 1) {
      write(train, step);
      session.run(train, { ...variables, step });
      session.run('update', { ...variables, step });
      const loss = (await session.read('loss', 'update'))[0] as number;
      worstLoss = Math.max(worstLoss, Math.abs(loss - (losses[step] as number)));
      if (process.env['PEFT_DEBUG'])
        process.stderr.write(`  step ${step}: loss off by ${(loss - (losses[step] as number)).toExponential(1)}\n`);
      if (!Number.isFinite(loss)) worstLoss = Infinity;
    }
    let cosine = 1;
    for (const t of layout.trainables) {
      const want = await expectedOf('trained', t);
      if (want === undefined) throw new Error(`the case has no trained ${t.key}`);
      const own = updateCosine(await session.read(t.name), want, start.get(t.name) as Float32Array);
      if (process.env['PEFT_DEBUG']) process.stderr.write(`  ${t.key} ${own.toFixed(7)}\n`);
      cosine = Math.min(cosine, own);
    }
    if (merge !== undefined && 'entry' in merge && wants.merged !== undefined) {
      for (const [name, value] of start) session.write(name, value as Float32Array<ArrayBuffer>);
      await change?.(session);
      session.run('merge', variables);
      const values = new Map<string, Float32Array>();
      for (const { name: tensor } of merge.tensors) values.set(tensor, (await session.read(`merged/${tensor}`, 'merge')) as Float32Array);
      for (const [tensor, value] of values) session.write(tensor, value as Float32Array<ArrayBuffer>);
      write('merged', 0);
      session.run('merged', variables);
      merged = relativeError(await session.read('logits', 'merged'), wants.merged);
    }
    return { logits, merged, gradient, loss: worstLoss, cosine };
  } finally {
    session.close();
  }
}

/** An outcome as one line. */
export function line(name: string, o: Outcome): string {
  const e = (x: number | undefined): string => (x === undefined ? '-' : x.toExponential(1)).padStart(8);
  return `${name.padEnd(28)} logits ${e(o.logits)}  merged ${e(o.merged)}  gradient ${e(o.gradient)}  loss ${e(o.loss)}  cosine ${o.cosine.toFixed(7)}  ${passes(o) ? 'ok' : 'FAIL'}`;
}

async function main(args: readonly string[]): Promise<number> {
  const folders = args.length > 0 ? args : [resolve('..', 'shared', 'reference')];
  const missing = folders.find((f) => !existsSync(f));
  if (missing !== undefined) {
    process.stdout.write(`${missing} does not exist: nothing to compare with\n0 passed, 0 failed, 1 skipped\n`);
    return args.length > 0 ? 2 : 0;
  }
  const library = await openLibrary();
  const device = await openDevice();
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  try {
    process.stderr.write(`device: ${device.describe().name}\n`);
    for (const folder of caseFolders(folders)) {
      const name = folder.split('/').pop() as string;
      try {
        const opened = await openCase(folder, library);
        if ('unsupported' in opened) {
          skipped += 1;
          process.stdout.write(`${name.padEnd(28)} unsupported: ${opened.unsupported}\n`);
          continue;
        }
        const outcome = await runCase(device, opened.case);
        if (passes(outcome)) passed += 1;
        else failed += 1;
        process.stdout.write(`${line(name, outcome)}\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(
          `${name.padEnd(28)} FAIL: ${error instanceof Error ? (process.env['PEFT_DEBUG'] ? (error.stack ?? error.message) : error.message) : String(error)}\n`,
        );
      }
    }
  } finally {
    device.close();
  }
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return failed > 0 ? 1 : 0;
}

// Run as a program, not when a test imports it.
if (process.argv[1] !== undefined && /parity\.(m?js|ts)$/.test(process.argv[1])) process.exitCode = await main(process.argv.slice(2));
