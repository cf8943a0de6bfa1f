/**
 * @file What happens between loading and training when the environment asks for it: PEFT_CHECK=1 computes every kernel again on
 * the processor, PEFT_DEBUG=2 times the steps of one training entry. The session is filled anew afterwards, so the run is the same.
 */
import type { WatchKernels } from '../compiler/plan/plan.js';
import type { Package } from '../compiler/plan/program.js';
import { fillBatch, planBatches } from '../runtime/data/batches.js';
import type { Datasets } from '../runtime/datasets.js';
import { writeBatch } from '../runtime/evaluate.js';
import type { Session } from '../runtime/execute.js';
import type { StepTime } from '../runtime/execute-profile.js';
import { checkEntry, showWrong, type WatchedEntry } from './check-kernels.js';
import { UserError } from './exit.js';
import type { Io } from './io.js';

/** Collects the kernels while they are made, and runs on a session. */
export interface Rehearsal {
  readonly watchKernels: WatchKernels;
  readonly run: (session: Session, run: Package, data: Datasets) => Promise<void>;
}

/** Rows of the table of times. */
const mostRows = 24;

const variables = { step: 0, total: 1, seed: 1 };

/** A rehearsal where the environment asks for one. */
export function openRehearsal({ env, err }: Pick<Io, 'env' | 'err'>): Rehearsal | undefined {
  const checking = (env['PEFT_CHECK'] ?? '0') !== '0';
  const timing = Number(env['PEFT_DEBUG'] ?? 0) >= 2;
  if (!checking && !timing) return undefined;
  const watched = new Map<string, WatchedEntry>();
  return {
    watchKernels: (entry, kernels, hosts) => {
      if (checking) watched.set(entry, { kernels, hosts });
    },
    run: async (session, run, data) => {
      for (const { name } of session.program.entries) writeFirstBatch(session, name, run, data);
      if (checking) await checkAll(session, watched, err);
      const train = session.program.entries.find((entry) => entry.inputs.length > 0);
      if (timing && train !== undefined) err(showTimes(train.name, await session.profile(train.name, variables)));
    },
  };
}

/** Writes the first batch of an entry's padded length; where no batch has it, the first one at this length. */
function writeFirstBatch(session: Session, entry: string, run: Package, data: Datasets): void {
  const length = run.lengths.find((tokens) => entry.endsWith(`/${run.rows}x${tokens}`));
  const set = entry.startsWith('eval/') ? (data.eval ?? data.train) : data.train;
  if (length === undefined || set === undefined) return;
  const plans = planBatches(set.lengths, { batch: run.rows, buckets: run.lengths, order: 'given' });
  const plan = plans.find((p) => p.length === length) ?? plans[0];
  if (plan !== undefined) writeBatch(session, entry, fillBatch(set, data.fields, { ...plan, length }, run.rows, data.tokenizer.padId));
}

/** Checks all entries in their order; throws at the first wrong kernel. */
async function checkAll(session: Session, watched: ReadonlyMap<string, WatchedEntry>, err: (text: string) => void): Promise<void> {
  let kernels = 0;
  let worst = 0;
  for (const [entry, own] of watched) {
    const result = await checkEntry(session, entry, own, variables);
    if ('wrong' in result)
      throw new UserError(
        showWrong(result.wrong),
        `--dump FOLDER writes the kernels (50-kernels-${entry.replace('/', '-')}.txt) and the shaders; report it with them and the output of peft doctor`,
      );
    kernels += result.kernels;
    worst = Math.max(worst, result.worst);
  }
  err(
    `checked ${kernels} kernels of ${watched.size} entries: the largest error is ${(100 * worst).toPrecision(2)} % of what rounding allows\n`,
  );
}

/** A table of what the steps of an entry do, the slowest first, and all of them together. */
export function showTimes(entry: string, times: readonly StepTime[]): string {
  const total = times.reduce((sum, t) => sum + t.milliseconds, 0);
  const rate = (amount: number, ms: number): string => (ms > 0 ? (amount / ms / 1e6).toFixed(2) : '-');
  const groups = new Map<string, { readonly count: number; readonly ms: number; readonly flops: number; readonly bytes: number }>();
  for (const t of times) {
    // Steps that do the same to the same sizes.
    const key = `${t.label} (${t.flops.toLocaleString('en')} operations each)`;
    const g = groups.get(key) ?? { count: 0, ms: 0, flops: 0, bytes: 0 };
    groups.set(key, { count: g.count + 1, ms: g.ms + t.milliseconds, flops: g.flops + t.flops, bytes: g.bytes + t.bytes });
  }
  const rows = [...groups]
    .sort(([, a], [, b]) => b.ms - a.ms)
    .map(([label, g]) => [
      g.ms.toFixed(2),
      `${((100 * g.ms) / Math.max(total, 1e-9)).toFixed(1)}%`,
      String(g.count),
      rate(g.flops, g.ms),
      rate(g.bytes, g.ms),
      label,
    ]);
  const shown = rows.slice(0, mostRows);
  const head = ['ms', 'share', 'steps', 'GFLOP/s', 'GB/s', 'what'];
  const widths = head.map((title, c) => Math.max(title.length, ...shown.map((row) => (row[c] as string).length)));
  return [
    `${entry}: ${times.length} steps in ${total.toFixed(1)} ms by the ${times[0]?.clock ?? 'wall'} clock, ${rate(
      times.reduce((sum, t) => sum + t.flops, 0),
      total,
    )} GFLOP/s`,
    ...[head, ...shown].map(
      (row) => `  ${row.map((cell, c) => (c === row.length - 1 ? cell : cell.padStart(widths[c] as number))).join('  ')}`,
    ),
    ...(rows.length > shown.length ? [`  and ${rows.length - shown.length} kinds of steps that take less`] : []),
    '',
  ].join('\n');
}
